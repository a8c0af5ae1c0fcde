"""Building an image from beginning to end: the stages in their order, each timed, and what is handed out at the end."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from image.building import base as bases
from image.building import boot_partition, card, file_systems, initrd, kernel_module, native, root
from image.building.base import Kind
from image.building.mirror import Mirror
from image.building.origin import Origin
from image.building.programs import need
from image.layout import ONE_SLOT, ROOT_MIB, TWO_SLOTS, Layout, Slot

Board = Literal["pi4-pi5", "pi3-zero2w"]
BOARDS: dict[Board, Layout] = {"pi4-pi5": TWO_SLOTS, "pi3-zero2w": ONE_SLOT}
SQUASHFS_LIMIT_MIB = 700
PROGRAMS = (
    "git", "apt-get", "dpkg", "mksquashfs", "mcopy", "mkfs.vfat", "mke2fs", "xz", "depmod", "systemctl",
    "systemd-sysusers", *bases.makers(),
)  # fmt: skip
"""All that a build calls, so that what is missing is said before it begins, and at once."""
assert SQUASHFS_LIMIT_MIB < ROOT_MIB

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built, and with what."""

    kind: Kind
    board: Board
    mirror: Mirror
    cache: Path
    out: Path
    keyring: Path | None = None  # whose updates the machine takes; without it, nobody's
    quick: bool = False  # a root that packs fast and large, for trying things
    keep_card: bool = False  # leave the unpacked card beside the packed one


@dataclass(slots=True)
class Stages:
    """How long each stage took, told as it ends."""

    tell: Tell
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done within."""
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun
        self.tell(f"{name}: {self.seconds[name]:.1f} s")


def build(order: Order, origin: Origin, tell: Tell) -> Path:
    """Build it; give the folder of what came out. Raises ImageError, and leaves nothing half done in the folder."""
    need(PROGRAMS)
    layout = BOARDS[order.board]
    stages = Stages(tell)
    base = bases.base_of(order.kind)
    order.cache.mkdir(parents=True, exist_ok=True)
    cached = order.cache / base.file_name
    name = f"shelfwire-{order.kind}-{order.board}-{origin.version}"
    with stages.stage("native programs"):
        programs = native.programs(base, order.cache, order.mirror)
    if cached.exists():
        day = datetime.fromtimestamp(cached.stat().st_mtime, UTC).date()
        tell(f"base: {cached}, with the packages of {day}; without it today's are taken")
    else:
        with stages.stage("base"):
            bases.make(base, cached, order.mirror, origin.epoch, tell, programs)
    order.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shelfwire-image-", dir=order.cache) as temporary:
        work = Path(temporary)
        tree, made = work / "root", work / "out"
        made.mkdir()
        with stages.stage("unpack"):
            root.unpack(cached, tree)
        found = root.boot_files(tree)
        with stages.stage("initrd"):
            made_before = order.cache / initrd.file_name(base)
            if not made_before.exists():
                with root.emulated(tree) as inside:
                    initrd.make(tree, found.kernel_version, made_before, inside, origin.epoch)
            initrd.lay(made_before, found.initrd)
        with stages.stage("modules"):
            _modules(tree, found.kernel_version, base, order, origin.epoch, tell)
        with stages.stage("furnish"):
            kept = root.Kept(order.cache, base.digest, programs)
            root.furnish(tree, order.kind, order.board, origin, kept, order.keyring)
        with stages.stage("boot"):
            boot_partition.slot_files(work / "boot", layout, found)
            boot_partition.config_files(work / "config", layout, found)
        with stages.stage("trim and check"):
            root.trim(tree)
            tree_mib = root.judge(tree)
        with stages.stage("squashfs"):
            image = made / f"{name}.root.squashfs"
            file_systems.squashfs(image, tree, origin.epoch, quick=order.quick, limit_mib=SQUASHFS_LIMIT_MIB)
        shutil.copyfile(tree / root.BILL, made / f"{name}.cdx.json")
        with stages.stage("card"):
            boot_image = made / f"{name}.boot.vfat"
            whole = compose(made / f"{name}.img", layout, work, image, boot_image, origin.epoch)
        with stages.stage("pack"):
            packed = card.pack(whole, keep=order.keep_card)
        facts = {
            "kind": order.kind, "board": order.board, "layout": layout.name, "version": origin.version,
            "commit": origin.commit, "epoch": origin.epoch, "kernel": found.kernel_version, "base": base.digest,
            "root_tree_mib": tree_mib, "files": _facts(made),
        }  # fmt: skip
        (made / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")
        for each in sorted(made.iterdir()):
            shutil.move(each, order.out / each.name)
    tell(f"all: {sum(stages.seconds.values()):.0f} s; {order.out / packed.image.name}")
    return order.out


def _modules(tree: Path, release: str, base: bases.Base, order: Order, epoch: int, tell: Tell) -> None:
    """Lay in our kernel modules, out of the cache or made; for one slot, not what asks for the try of another."""
    kernel = kernel_module.kernel_of((tree / "var/lib/dpkg/status").read_text("utf-8"), release)
    made = order.cache / kernel_module.file_name(kernel, base)
    if not made.exists():
        kernel_module.make(kernel, made, base, order.mirror, epoch, tell)
    wanted = [kernel_module.THROTTLED]
    if len(BOARDS[order.board].slots) > 1:
        wanted.append(kernel_module.TRYBOOT)
    kernel_module.lay(tree, made, kernel, wanted)


def compose(target: Path, layout: Layout, work: Path, squashfs: Path, boot_image: Path, epoch: int) -> Path:
    """Make the card `target` of the folders `work`/boot and `work`/config and the root `squashfs`.

    `boot_image` becomes a slot's boot partition without its command line: what an update brings.
    """
    first: Slot = "a"
    boot, config = work / "boot", work / "config"
    contents = {"root-a": squashfs}
    data = work / "data.ext4"
    file_systems.ext4(data, layout.partition("data"), epoch)
    contents["data"] = data
    own = boot_partition.command_file(first)
    if len(layout.slots) > 1:
        partition = layout.boot(first)
        # The label is the slot's, and an update keeps it: whoever installs it writes it anew.
        file_systems.fat(boot_image, partition.label, partition.size_mib, boot, epoch)
        shutil.copyfile(boot / own, boot / boot_partition.COMMAND_FILE)
        contents[partition.name] = work / "boot-a.vfat"
        file_systems.fat(contents[partition.name], partition.label, partition.size_mib, boot, epoch)
        (boot / boot_partition.COMMAND_FILE).unlink()
    else:
        shutil.copytree(boot, config, dirs_exist_ok=True)
        shutil.copyfile(boot / own, config / boot_partition.COMMAND_FILE)
    partition = layout.partition("config")
    contents["config"] = work / "config.vfat"
    file_systems.fat(contents["config"], partition.label, partition.size_mib, config, epoch)
    card.assemble(target, layout, contents)
    return target


def _facts(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_size for each in sorted(folder.iterdir())}
