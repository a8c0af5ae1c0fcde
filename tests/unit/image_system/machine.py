"""A machine's folders, a technician's file, and a power supply that can be cut before any change of the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from image.errors import BadInput
from image.system import files
from image.system.taking_over import Outcome, Places, Readers, take_over

_CHANGES = frozenset({"open", "write", "pwrite", "fsync", "replace", "unlink", "rmdir", "fchmod"})
BASE = 'data_dir = "."\n\n[enrol]\nfile = "invitation.txt"\n'


class PowerCut(BaseException):
    """The process is gone."""


class CuttingOs:
    """The module `os`, until the `at`th change of the disk."""

    def __init__(self, at: int | None) -> None:
        self._at = at
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in _CHANGES:
            return real

        def call(*args: Any, **more: Any) -> Any:
            if name == "open" and not args[1] & os.O_WRONLY:
                return real(*args, **more)
            if self.calls == self._at:
                raise PowerCut
            self.calls += 1
            return real(*args, **more)

        return call


def cut_power(patch: Any, at: int | None) -> CuttingOs:
    """Have the power go before the `at`th change of the disk."""
    cutting = CuttingOs(at)
    patch.setattr(files, "os", cutting)
    return cutting


class Card:
    """The card of one machine below `folder`, and the RAM of its present run."""

    def __init__(self, folder: Path, kind: Literal["station", "hub"] = "station") -> None:
        self.folder = folder
        self.config = folder / "boot/config"
        self.data = folder / "data"
        self._runs = 0
        self.kind = kind
        self.base = folder / "edge.toml"
        for each in (self.config, self.data / "network", self.data / "journal", self.station, self.hub):
            each.mkdir(parents=True)
        (self.data / "shelfwire/broker").mkdir()
        self.base.write_text(BASE)
        self.writes = 0
        self.spoilt = False

    @property
    def station(self) -> Path:
        return self.data / "shelfwire/station"

    @property
    def hub(self) -> Path:
        return self.data / "shelfwire/hub"

    @property
    def run(self) -> Path:
        """RAM of the present run."""
        return self.folder / f"run-{self._runs}"

    @property
    def file(self) -> Path:
        return self.config / "shelfwire.toml"

    @property
    def says(self) -> str:
        return (self.config / "shelfwire-says.txt").read_text()

    def write(self, text: str) -> None:
        """What the technician does with his laptop."""
        self.file.write_bytes(text.encode())

    @contextmanager
    def _writable(self) -> Iterator[None]:
        if self.spoilt:
            raise BadInput("the card is write-protected")
        self.writes += 1
        yield

    def start(self) -> Outcome:
        """Start the machine: RAM is empty, then the file is taken over."""
        self._runs += 1
        self.run.mkdir()
        for each in ("shelfwire/technician", "shelfwire/chrony.d"):
            (self.run / each).mkdir(parents=True)
        return take_over(self.places, self._writable, Readers(_read_station, _read_hub))

    @property
    def places(self) -> Places:
        return Places(config=self.config, data=self.data, run=self.run, base=self.base, kind=self.kind)


def _read_station(text: str) -> None:
    if "no-such-driver" in text:
        raise BadInput("devices.scanner.driver: no driver 'no-such-driver'")


def _read_hub(text: str) -> tuple[int, ...]:
    if "store" not in text:
        raise BadInput("store: is missing")
    return (8080,) if "0.0.0.0" in text else ()
