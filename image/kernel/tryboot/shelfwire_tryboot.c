// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks a Raspberry Pi's firmware to try the other slot with the next restart, once.
 *
 * loaded     the firmware's reboot flags are set to 1 ("tryboot") and read back; where it does not keep them, loading
 *            fails, and nothing was asked
 * unloaded   they are set to 0: nothing is asked any more
 *
 * Raspberry Pi's own kernel sends this property tag from its firmware driver when it is told to `reboot "0 tryboot"`; the
 * driver of kernel.org, which Debian has, knows neither the word nor the tag, but it sends what other drivers hand it.
 *
 * message    size, 0, [tag, 4, 0, flags], 0      and back: 0x80000000 as a whole, 0x80000004 for the tag with its value
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/of.h>
#include <soc/bcm2835/raspberrypi-firmware.h>

#define TAG_GET_REBOOT_FLAGS 0x00030064
#define TAG_SET_REBOOT_FLAGS 0x00038064
#define TRYBOOT 1
#define ANSWERED 0x80000000u

/* One tag in a property message, as the firmware reads and overwrites it. */
struct flags_message {
	struct rpi_firmware_property_tag_header header;
	u32 flags;
};

static struct rpi_firmware *firmware;

/* Gives 0 where the firmware answered; `value`: with a value, which is then in `flags`. */
static int ask(u32 tag, u32 *flags, bool value)
{
	struct flags_message message = {
		.header = { .tag = tag, .buf_size = sizeof(message.flags), .req_resp_size = 0 },
		.flags = *flags,
	};
	u32 answer;
	int error;

	error = rpi_firmware_property_list(firmware, &message, sizeof(message));
	answer = message.header.req_resp_size;
	pr_info("tag 0x%08x, flags %u: error %d, answer 0x%08x, flags %u\n", tag, *flags, error, answer, message.flags);
	if (error)
		return error;
	if (!(answer & ANSWERED))
		return -EOPNOTSUPP;
	/* A tag that it does not know may leave the message as a whole a success: then the tag has no value. */
	if (value && (answer & ~ANSWERED) < sizeof(message.flags))
		return -EOPNOTSUPP;
	*flags = message.flags;
	return 0;
}

static int __init begin(void)
{
	struct device_node *node = rpi_firmware_find_node();
	u32 flags = TRYBOOT;
	int error;

	if (!node) {
		pr_err("this machine has no Raspberry Pi's firmware\n");
		return -ENODEV;
	}
	firmware = rpi_firmware_get(node);
	of_node_put(node);
	if (!firmware) {
		pr_err("the kernel has no way to the firmware\n");
		return -ENODEV;
	}
	error = ask(TAG_SET_REBOOT_FLAGS, &flags, false);
	if (!error) {
		flags = 0;
		error = ask(TAG_GET_REBOOT_FLAGS, &flags, true);
		if (!error && !(flags & TRYBOOT))
			error = -EIO;
	}
	if (error) {
		pr_err("the firmware did not take it (%d): too old, or none that tries slots\n", error);
		flags = 0;
		ask(TAG_SET_REBOOT_FLAGS, &flags, false);
		rpi_firmware_put(firmware);
		return error;
	}
	pr_info("the firmware tries the other slot with the next restart\n");
	return 0;
}

static void __exit end(void)
{
	u32 flags = 0;

	ask(TAG_SET_REBOOT_FLAGS, &flags, false);
	rpi_firmware_put(firmware);
}

module_init(begin);
module_exit(end);
MODULE_DESCRIPTION("Asks a Raspberry Pi's firmware to try the other slot with the next restart");
MODULE_LICENSE("GPL");
