"""The initrd: made by the finished base's own programs, since those that configured it natively must not be in it.

What mkinitramfs packs are the root's modprobe, udev and shell as they lie there. While packages are configured some of
them are the builder's (`native.py`), and a kernel of another processor can start none of these: so none is made then.
It runs emulated, minutes long, and is kept in the cache by the base's digest.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from image.building.base import Base
from image.building.programs import call
from image.errors import StepFailed

_LEAST_BYTES = 4 << 20
"""mkinitramfs warns of what is missing and goes on; with udev and the modules asked for it is three times this."""


def file_name(base: Base) -> str:
    """Give its name in the cache."""
    return f"initrd-{base.kind}-{base.digest[:16]}.img"


def make(root: Path, release: str, made: Path, inside: Sequence[str | Path], epoch: int) -> None:
    """Make the initrd for kernel `release` of the base in `root`, and keep it as `made`.

    `inside`: how a program is run within the root. StepFailed if what comes out cannot be whole.
    """
    packed = f"boot/initrd.img-{release}"
    call([*inside, f"SOURCE_DATE_EPOCH={epoch}", "mkinitramfs", "-o", f"/{packed}", release])
    if (root / packed).stat().st_size < _LEAST_BYTES:
        raise StepFailed(f"the initrd made for {release} is not whole")
    half = made.with_suffix(".half")
    shutil.copyfile(root / packed, half)
    half.replace(made)


def lay(made: Path, at: Path) -> None:
    """Put it where the kernel's package would have."""
    shutil.copyfile(made, at)
