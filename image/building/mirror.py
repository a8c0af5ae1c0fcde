"""Where the builder's own apt finds Debian's archives: what an image is made from unless another mirror is named."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from image.building.programs import need
from image.errors import Missing


@dataclass(frozen=True, slots=True)
class Mirror:
    """The addresses of Debian's two archives, without a slash at the end."""

    debian: str
    security: str

    def of(self, archive: str) -> str:
        """Give the address of `debian` or `debian-security`."""
        return self.security if archive == "debian-security" else self.debian


def named(url: str) -> Mirror:
    """Give the mirror that has `debian` and `debian-security` below `url`."""
    below = url.rstrip("/")
    return Mirror(f"{below}/debian", f"{below}/debian-security")


def found_among(addresses: Iterable[str]) -> Mirror:
    """Tell the archives among the addresses of package lists; Missing if Debian's own is not there.

    Who has no security archive of his own has it where its name would be beside the other.
    """
    known = {address.rsplit("/", 1)[-1]: address for each in addresses if (address := each.strip().rstrip("/"))}
    if "debian" not in known:
        raise Missing("apt's settings name no archive called debian: say where Debian's packages are (--mirror URL)")
    return Mirror(known["debian"], known.get("debian-security", known["debian"] + "-security"))


def of_apt() -> Mirror:
    """Ask apt by what it installs here."""
    need(["apt-get"])
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found_among(done.stdout.splitlines())
