// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets programs read what a Raspberry Pi's firmware knows of its power: too little voltage and slowed down, now and
 * at some time since the start.
 *
 * /sys/bus/platform/devices/raspberrypi-hwmon/get_throttled
 *
 * gives the firmware's answer of this moment, hexadecimal, as the attribute of this name does in Raspberry Pi's own
 * kernel; an error where there is no answer, and no such file where there was none when the module was loaded.
 *
 * bits       0 under-voltage, 1 ARM frequency capped, 2 throttled, 3 soft temperature limit; 16 to 19: was so at some
 *            time since the start (Raspberry Pi documentation, "vcgencmd", get_throttled)
 * message    size, 0, [tag, 4, 0, bits of the history to forget], 0      and back: 0x80000000 as a whole, 0x80000004
 *            for the tag with its value (kernel commit be3035e3627d; what is forgotten: its raspberrypi-hwmon.c)
 *
 * The firmware driver of kernel.org makes the device raspberrypi-hwmon for the driver of that name. Debian does not
 * build it (CONFIG_SENSORS_RASPBERRYPI_HWMON); it would tell the first bit only, and every two seconds it has the
 * firmware forget.
 */

#include <linux/errno.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sysfs.h>
#include <soc/bcm2835/raspberrypi-firmware.h>

#define ANSWERED 0x80000000u

/* One tag in a property message, as the firmware reads and overwrites it. */
struct throttled_message {
	struct rpi_firmware_property_tag_header header;
	u32 bits;
};

/* Gives 0 where the firmware answered with a value, which is then in `bits`. It is asked to forget nothing. */
static int ask(struct device *dev, u32 *bits)
{
	struct throttled_message message = {
		.header = { .tag = RPI_FIRMWARE_GET_THROTTLED, .buf_size = sizeof(message.bits) },
	};
	u32 answer;
	int error;

	error = rpi_firmware_property_list(dev_get_drvdata(dev->parent), &message, sizeof(message));
	if (error)
		return error;
	/* A tag that it does not know may leave the message as a whole a success: then the tag has no value. */
	answer = message.header.req_resp_size;
	if (!(answer & ANSWERED) || (answer & ~ANSWERED) < sizeof(message.bits))
		return -EOPNOTSUPP;
	*bits = message.bits;
	return 0;
}

static ssize_t get_throttled_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 bits;
	int error = ask(dev, &bits);

	return error ? error : sysfs_emit(buf, "%x\n", bits);
}
static DEVICE_ATTR_RO(get_throttled);

static struct attribute *throttled_attrs[] = {
	&dev_attr_get_throttled.attr,
	NULL,
};
ATTRIBUTE_GROUPS(throttled);

static int throttled_probe(struct platform_device *pdev)
{
	u32 bits;
	int error = ask(&pdev->dev, &bits);

	if (error) {
		dev_info(&pdev->dev, "the firmware does not say whether it slows the machine down (%d)\n", error);
		return -ENODEV;
	}
	dev_info(&pdev->dev, "the firmware says 0x%x\n", bits);
	return 0;
}

static const struct platform_device_id throttled_ids[] = {
	{ .name = "raspberrypi-hwmon" },
	{ }
};
MODULE_DEVICE_TABLE(platform, throttled_ids);

static struct platform_driver throttled_driver = {
	.driver = {
		.name = "shelfwire_throttled",
		.dev_groups = throttled_groups,
	},
	.probe = throttled_probe,
	.id_table = throttled_ids,
};
module_platform_driver(throttled_driver);
MODULE_DESCRIPTION("Tells whether a Raspberry Pi has too little voltage or is slowed down, now and since its start");
MODULE_LICENSE("GPL");
