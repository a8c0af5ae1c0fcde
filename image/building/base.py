"""The base: Debian's packages for arm64, unpacked and configured, as a tar in a cache that knows it by its recipe."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from image.building.mirror import Mirror
from image.building.programs import call, need
from image.errors import Missing, StepFailed

RECIPE = Path(__file__).resolve().parents[1] / "recipe"
Kind = Literal["station", "hub"]
KINDS: tuple[Kind, ...] = ("station", "hub")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MERGED_USR = Path("/usr/share/mmdebstrap/hooks/merged-usr")
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_ANY_DAY = "[check-valid-until=no] "
"""The next release's lists are good for a week; a mirror that lags, or one of a day, is taken too. They are signed all
the same."""
_EMULATORS = ("qemu-aarch64-static", "update-binfmts", "arch-test")
"""The last is asked by mmdebstrap whether the other processor's programs run here."""


def lines_of(text: str) -> list[str]:
    """Give the lines of a recipe's list, without comments and blanks."""
    return [line for each in text.splitlines() if (line := each.split("#", 1)[0].strip())]


@dataclass(frozen=True, slots=True)
class Base:
    """What the base of one kind of machine is made of."""

    kind: Kind
    packages: tuple[str, ...]
    suites: tuple[tuple[str, str, str], ...]  # suite, archive, components
    digest: str  # of all that the recipe says: the name in the cache

    @property
    def file_name(self) -> str:
        """Give its name in the cache."""
        return f"base-{self.kind}-{self.digest[:16]}.tar"

    def sources(self, mirror: Mirror) -> list[str]:
        """Give apt's lines."""
        return [
            *self.own_sources(mirror),
            *(_line(mirror, each, _ANY_DAY) for each in self.suites if not self._own(each)),
        ]

    def own_sources(self, mirror: Mirror) -> list[str]:
        """Give apt's lines of the release's own suites, for where nothing says what may come of the next one."""
        return [_line(mirror, each) for each in self.suites if self._own(each)]

    def _own(self, suite: tuple[str, str, str]) -> bool:
        return suite[0].startswith(self.suites[0][0])


def _line(mirror: Mirror, suite: tuple[str, str, str], options: str = "") -> str:
    name, archive, components = suite
    return f"deb {options}{mirror.of(archive)} {name} {components}"


def base_of(kind: Kind, recipe: Path = RECIPE) -> Base:
    """Read the recipe of `kind`."""
    packages = [each for name in ("common", kind) for each in lines_of((recipe / f"packages-{name}.txt").read_text())]
    suites = []
    for line in lines_of((recipe / "suites.txt").read_text()):
        suite, archive, components = line.split(None, 2)
        suites.append((suite, archive, components))
    said = hashlib.sha256(repr((kind, packages, suites)).encode())
    for part in (
        "initrd-modules.txt",
        "ids.txt",
        "native-programs.txt",
        "preferences.pref",
        "packages-native.txt",
        "hooks/setup.sh",
        "hooks/extract.sh",
        "hooks/essential.sh",
        "hooks/customize.sh",
    ):
        said.update((recipe / part).read_bytes())
    return Base(kind, tuple(packages), tuple(suites), said.hexdigest())


def makers() -> tuple[str, ...]:
    """Name the programs that a base is made by here."""
    return ("mmdebstrap",) if platform.machine() == "aarch64" else ("mmdebstrap", *_EMULATORS)


def ready_to_emulate() -> None:
    """See to it that arm64's programs run here. Missing if they do not and cannot be made to."""
    if platform.machine() == "aarch64":
        return
    need(_EMULATORS)
    if not (_BINFMT / "status").exists():
        call(["mount", "-t", "binfmt_misc", "binfmt_misc", _BINFMT])
    if not (_BINFMT / "qemu-aarch64").exists():
        call(["update-binfmts", "--enable", "qemu-aarch64"])
    if not (_BINFMT / "qemu-aarch64").exists():
        raise Missing("arm64 programs do not run here: binfmt_misc has no qemu-aarch64")


def make(
    base: Base,
    target: Path,
    mirror: Mirror,
    epoch: int,
    tell: Callable[[str], None],
    native: Path | None,
    recipe: Path = RECIPE,
) -> None:
    """Make the tar `target`; whole or not at all. What mmdebstrap says goes to a file beside it.

    `native`: programs of the builder's own processor to configure it by, as they lie in a root.
    """
    if os.geteuid() != 0:
        raise Missing("a base is made by root only (it holds other accounts' files): use sudo")
    need(makers())
    ready_to_emulate()
    half = target.with_suffix(".half")
    log = target.with_suffix(".log")
    hook = 'sh {}/hooks/{}.sh "$1" {}'
    command = [
        "mmdebstrap", "--mode=root", "--variant=minbase", "--architectures=arm64", "--format=tar",
        f"--keyring={KEYRING}", f"--hook-dir={MERGED_USR}",
        "--aptopt=Apt::Install-Recommends false", '--aptopt=Acquire::Languages "none"',
        "--aptopt=Acquire::Retries 3",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/info/*", "--dpkgopt=force-unsafe-io",
        f"--include={','.join(base.packages)}",
        f"--setup-hook={hook.format(recipe, 'setup', recipe)}",
        f"--extract-hook={hook.format(recipe, 'extract', recipe)} {native or ''}",
        f"--essential-hook={hook.format(recipe, 'essential', recipe)}",
        f"--customize-hook={hook.format(recipe, 'customize', recipe)}",
        base.suites[0][0], str(half), *base.sources(mirror),
    ]  # fmt: skip
    tell(f"installing {len(base.packages)} packages and what they need (log: {log})")
    with log.open("wb") as words:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            check=False,
            # INITRD: the kernel's package makes none; what configures packages natively must not get into it.
            env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8", "INITRD": "No"},
        )
    if done.returncode:
        half.unlink(missing_ok=True)
        last = [line for line in log.read_text("utf-8", "replace").splitlines() if line.startswith("E:")][-2:]
        raise StepFailed(f"mmdebstrap failed: {' | '.join(last)} (all of it: {log})")
    half.replace(target)
