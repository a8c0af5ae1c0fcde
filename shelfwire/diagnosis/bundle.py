"""The archive itself: parts that are gathered one by one, each bounded, none of which can keep the others out."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import SubprocessError
from typing import Final

from edge.errors import EdgeError
from hub.errors import HubError
from protocol.errors import ProtocolError
from provisioning.errors import ProvisioningError
from shelfwire.diagnosis.scrubbing import inert, scrubbed, without_secrets
from shelfwire.stick import whole_file

PART_BYTES: Final = 512 * 1024
"""Of one part. Of what is longer the end is kept, for that is where the fault is."""
CUT: Final = "(the beginning is left out)\n"
_FAILURES = (OSError, ValueError, SubprocessError, EdgeError, HubError, ProtocolError, ProvisioningError)
"""What reading from a damaged, full or dying machine raises; anything else is our bug, and told as one."""


@dataclass
class Bundle:
    """Gathers in memory: a full disk keeps nobody from finding out why it is full."""

    now: datetime
    _parts: dict[str, str] = field(default_factory=dict)
    _missing: dict[str, str] = field(default_factory=dict)

    def text(self, name: str, gather: Callable[[], str]) -> None:
        """Take a text; what cannot be had is said in `missing.txt`."""
        # Scrubbed before it is cut: half a secret would not look like one.
        self._gather(name, lambda: inert(scrubbed(gather())))

    def table(self, name: str, gather: Callable[[], object]) -> None:
        """Take what is made of tables and lists, as JSON."""
        self._gather(name, lambda: json.dumps(without_secrets(gather()), indent=1, ensure_ascii=False) + "\n")

    def _gather(self, name: str, gather: Callable[[], str]) -> None:
        try:
            said = gather()
        except _FAILURES as error:
            self._missing[name] = inert(scrubbed(f"{type(error).__name__}: {error}"))[:500]
            return
        except Exception as error:  # noqa: BLE001 - a bundle with all else is worth more than none; it says that it is a bug
            self._missing[name] = inert(scrubbed(f"a bug of Shelfwire: {type(error).__name__}: {error}"))[:500]
            return
        self._parts[name] = _end_of(said)

    def packed(self) -> bytes:
        """Give the archive."""
        missing = "".join(f"{name}: {why}\n" for name, why in sorted(self._missing.items())) or "nothing\n"
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, said in {"missing.txt": missing, **self._parts}.items():
                told = zipfile.ZipInfo(name, self.now.timetuple()[:6])
                told.compress_type = zipfile.ZIP_DEFLATED
                told.external_attr = 0o600 << 16
                archive.writestr(told, said.encode("utf-8", "replace"))
        return out.getvalue()

    def write(self, file: str | None, kind: str) -> int:
        """Write it to a file, or to standard output ("-"), and say so; give the exit code."""
        content = self.packed()
        if file == "-":
            sys.stdout.buffer.write(content)
            return 0
        path = Path(file or f"shelfwire-{kind}-{self.now:%Y%m%dT%H%M%SZ}.zip")
        try:
            with whole_file(path, 0o600) as out:
                out.write(content)
        except OSError as error:
            why = error.strerror or error
            print(f"shelfwire: {path} not written: {why}; name a file elsewhere, or - for output", file=sys.stderr)
            return 1
        print(f"{path}: {len(content)} bytes. Look into it before you send it: it names stations and places.")
        for name, why in sorted(self._missing.items()):
            print(f"  not in it: {name}: {why}")
        return 0


def begun() -> Bundle:
    """Begin one now."""
    return Bundle(datetime.now(UTC))


def _end_of(text: str) -> str:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= PART_BYTES:
        return text
    return CUT + encoded[-PART_BYTES:].decode("utf-8", "ignore").partition("\n")[2]
