"""Brings a bundle from the hub onto the data partition, piece by piece, and goes on where it was cut off.

    RELEASE.part      grows at its end; its length is where to go on, whatever ended the last attempt
    RELEASE.raucb     whole, its digest checked; the only one of its kind in the folder

Room is left for the station's log, which lives on the same partition and comes first.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Final, Protocol

from image.errors import ImageError
from image.slots.files import flush
from protocol.releases import RELEASES_PATH, Offer

LEAVE_BYTES: Final = 256 * 1024 * 1024
_RANGE: Final = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")
_PIECE: Final = 1024 * 1024
_TRIES: Final = 3


class NotNow(ImageError):
    """It did not work this time, and may the next: the line, the hub, the disk. The text says which."""


class Wrong(ImageError):
    """What came is not what was offered, and will not be: not asked for again."""


class Hub(Protocol):
    """The hub, asked with the station's certificate."""

    def get(self, path: str, first: int | None = None) -> tuple[int, str, bytes]:
        """Give status, `Content-Range` and body of what is at a path, from byte `first` on. Raises `NotNow`."""
        ...


def fetch(hub: Hub, offer: Offer, folder: Path, leave_bytes: int = LEAVE_BYTES) -> Path:
    """Fetch an offer's bundle, and give where it is. Raises `NotNow`, `Wrong`; what has come so far is kept."""
    whole, part = folder / f"{offer.release}.raucb", folder / f"{offer.release}.part"
    tidy(folder, {whole, part})
    if whole.exists() and whole.stat().st_size == offer.size:
        return whole
    try:
        _fill(hub, offer, part, leave_bytes)
        if _digest(part) != offer.release:
            part.unlink()
            raise NotNow("what came has another digest than was offered: it is fetched anew")
        part.replace(whole)
        flush(folder)
    except OSError as error:
        raise NotNow(f"the disk does not take it: {error.strerror}") from error
    return whole


def tidy(folder: Path, but: set[Path]) -> None:
    """Delete the bundles that nobody waits for."""
    for path in (*folder.glob("*.part"), *folder.glob("*.raucb")):
        if path not in but:
            path.unlink(missing_ok=True)


def _fill(hub: Hub, offer: Offer, part: Path, leave_bytes: int) -> None:
    with part.open("ab") as file:
        had = file.tell()
        if had > offer.size:
            file.truncate(0)
            had = 0
        room = shutil.disk_usage(part.parent).free - (offer.size - had)
        if room < leave_bytes:
            raise NotNow(f"the disk is full: {-(room - leave_bytes) // 1_000_000 + 1} MB more are needed")
        failed = 0
        while had < offer.size:
            try:
                status, span, data = hub.get(f"{RELEASES_PATH}/{offer.release}", had)
            except NotNow:
                failed += 1
                if failed == _TRIES:
                    raise
                continue
            told = _RANGE.fullmatch(span)
            if status != 206 or told is None or int(told[1]) != had or int(told[3]) != offer.size or not data:
                raise NotNow(f"the hub answers {status} where a piece from byte {had} on was asked for")
            failed = 0
            file.write(data[: offer.size - had])
            file.flush()
            os.fsync(file.fileno())
            had = file.tell()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_PIECE):
            digest.update(data)
    return digest.hexdigest()
