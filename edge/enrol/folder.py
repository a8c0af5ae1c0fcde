"""The folder of a station's identity: a record, and a folder for each key that it speaks of.

    identity/record.json        what is so (`record`); replaced whole, it alone decides
             in-use -> 2        the keys that connections are made with
             1/key.pem cert.pem ca.pem
             2/key.pem invitation.txt
             floor              `moment`
             acceptance.json    `acceptance`

A key is made here and never leaves. What no record speaks of is erased at the next opening: that is what a power cut
leaves of a step that was not done. Used by one thread; `record` is replaced, not changed, and read by any.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.enrol import files
from edge.enrol.certificates import check_pair, make_key
from edge.enrol.errors import IdentityDamaged
from edge.enrol.est import Keys
from edge.enrol.kept import ACCEPTANCE, CA, CERTIFICATE, FOLDER, IN_USE, KEY, RECORD
from edge.enrol.record import ASIDE, Asking, Held, Record, decode_record, encode_record
from edge.folders import make_folder, sync_folder
from protocol.enrolment import Papers
from protocol.invitation import Invitation, read_invitation

INVITATION = "invitation.txt"


@dataclass(frozen=True, slots=True)
class Found:
    """Where an enrolment was made: the hub's address as it was reached, `sought` by mDNS or told."""

    host: str
    port: int
    sought: bool = False


def keys_in(folder: Path) -> Keys:
    """Name the files of a folder of keys."""
    return Keys(folder / CA, folder / CERTIFICATE, folder / KEY)


class IdentityFolder:
    """The identity below a station's data folder. All methods raise `OSError` where the disk does not play along."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FOLDER
        self.record = Record()

    def open(self) -> None:
        """Read it, and bring to its end what a power cut broke off."""
        make_folder(self.path, 0o700)
        os.chmod(self.path, 0o700)
        data = files.get(self.path / RECORD)
        record = Record() if data is None else decode_record(data)
        if record is None:
            os.replace(self.path / RECORD, self.path / f"{RECORD}.damaged")
            record = ASIDE
        self.record = record
        sound = self._sound(record)
        if sound != record:
            self._say(sound)
        self._tidy()

    @property
    def in_use(self) -> Keys:
        """The files to make connections with, by names that stay when the keys are renewed."""
        return keys_in(self.path / IN_USE)

    def invitation(self) -> Invitation:
        """Give the invitation that is being followed. Raises `BadInput`, `IdentityDamaged`."""
        return read_invitation(self.asked(INVITATION, "").decode("ascii", "replace"))

    def asked(self, name: str, default: str | None = None) -> bytes:
        """Read a file of the key that is asked for. Raises `IdentityDamaged` where it is not there."""
        data = files.get(self._asking / name)
        if data is None and default is None:
            raise IdentityDamaged(f"{name} of the key that was asked for is gone")
        return data or b""

    def keep(self, name: str, data: bytes) -> None:
        """Write a file beside the key that is asked for."""
        files.put(self._asking / name, data)

    @property
    def asked_keys(self) -> Keys:
        """The files of the key that is asked for."""
        return keys_in(self._asking)

    def begin(self, digits: str) -> None:
        """Make a key and take an invitation for it, in place of what was asked before.

        The invitation that is being followed already keeps its key: the hub may have used it up for that one.
        """
        asking = self.record.asking
        if asking is not None and not asking.renews and self.asked(INVITATION, "") == digits.encode():
            return
        name = self._new_keys()
        files.put(self.path / name / INVITATION, digits.encode())
        self._say(msgspec.structs.replace(self.record, asking=Asking(keys=name), refused=""))

    def begin_renewal(self) -> None:
        """Make a key to renew the certificate with."""
        self._say(msgspec.structs.replace(self.record, asking=Asking(keys=self._new_keys(), renews=True)))

    def enrolled(self, held: Held, papers: Papers, found: Found) -> None:
        """The station is who its certificate says, and works by these papers."""
        before = self.record.held
        is_new = before is None or before.identity != held.identity or self.record.to_check
        self._say(
            Record(held=held, papers=papers, host=found.host, port=found.port, sought=found.sought, to_check=is_new)
        )

    def checked(self) -> None:
        """Its devices were walked through, or somebody would not."""
        if self.record.to_check:
            self._say(msgspec.structs.replace(self.record, to_check=False))

    def renewed(self, held: Held) -> None:
        """The new key has its certificate; the old is kept until this one has connected."""
        self._say(msgspec.structs.replace(self.record, asking=None, fresh=held))

    def settle(self) -> None:
        """The new key has connected: the old goes."""
        fresh = self.record.fresh
        if fresh is not None:
            self._say(msgspec.structs.replace(self.record, held=fresh, fresh=None))

    def use(self, *, fresh: bool) -> None:
        """Have connections made with the new key, or for now with the old one again."""
        held = self.record.held
        newest = self.record.fresh if fresh and self.record.fresh is not None else held
        if newest is not None:
            self._point(newest.keys)

    def refuse(self, why: str) -> None:
        """What was asked for came to nothing: the key and the invitation go."""
        self._say(msgspec.structs.replace(self.record, asking=None, refused=why))

    def take(self, papers: Papers) -> None:
        """Keep papers that are not what they were."""
        self._say(msgspec.structs.replace(self.record, papers=papers))

    def moved(self, found: Found) -> None:
        """The hub is elsewhere now."""
        self._say(msgspec.structs.replace(self.record, host=found.host, port=found.port))

    def end(self, why: str) -> None:
        """This identity is over."""
        self._say(msgspec.structs.replace(self.record, ended=why))

    def forget(self) -> None:
        """Erase the identity: keys, invitation and record; not the floor, which is no secret and no identity."""
        self._say(Record())

    def _say(self, record: Record) -> None:
        files.put(self.path / RECORD, encode_record(record))
        self.record = record
        self._tidy()

    def _tidy(self) -> None:
        """Point at the keys in use, and erase what the record does not speak of."""
        record = self.record
        newest = record.fresh or record.held
        if newest is not None and not record.ended:
            self._point(newest.keys)
        elif (self.path / IN_USE).is_symlink():
            os.unlink(self.path / IN_USE)
        if record.held is None:
            files.erase(self.path / ACCEPTANCE)
        for name in sorted(os.listdir(self.path)):
            if name.isdigit() and name not in record.folders:
                files.erase_folder(self.path / name)
        if record.held is not None and (record.asking is None or record.asking.keys != record.held.keys):
            files.erase(self.path / record.held.keys / INVITATION)

    def _point(self, keys: str) -> None:
        link = self.path / IN_USE
        if link.is_symlink() and os.readlink(link) == keys:
            return
        new = self.path / f"{IN_USE}.new"
        if new.is_symlink():
            os.unlink(new)
        os.symlink(keys, new)
        os.replace(new, link)
        sync_folder(self.path)

    def _new_keys(self) -> str:
        names = [int(name) for name in os.listdir(self.path) if name.isdigit()]
        name = str(max(names, default=0) + 1)
        os.mkdir(self.path / name, 0o700)
        sync_folder(self.path)
        files.put(self.path / name / KEY, make_key())
        return name

    @property
    def _asking(self) -> Path:
        asking = self.record.asking
        if asking is None:
            raise IdentityDamaged("nothing is asked for")
        return self.path / asking.keys

    def _sound(self, record: Record) -> Record:
        """Leave out of a record whatever its files do not bear out."""
        held, fresh = self._proved(record.held), self._proved(record.fresh)
        asking = record.asking
        if asking is not None and files.get(self.path / asking.keys / KEY) is None:
            asking = None
        if held is None:
            held, fresh = fresh, None
        refused = record.refused if held is not None or record.held is None else ASIDE.refused
        return msgspec.structs.replace(record, held=held, fresh=fresh, asking=asking, refused=refused)

    def _proved(self, held: Held | None) -> Held | None:
        if held is None:
            return None
        keys = keys_in(self.path / held.keys)
        try:
            pems = [files.get(one) for one in (keys.certificate, keys.key, keys.ca)]
            named = check_pair(*(one or b"" for one in pems))
        except (IdentityDamaged, OSError):
            return None
        return held if (named.name, named.store) == (held.identity, held.store) else None
