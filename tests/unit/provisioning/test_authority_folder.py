"""The authority's folder: closed to others, refused when it is not whole, and none or whole after a power cut."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from protocol.identity import StoreId
from provisioning.authority_folder import (
    FOLDER,
    ISSUING,
    ISSUING_KEY,
    ROOT,
    ROOT_KEY,
    keeps_root_key,
    load_authority,
    make_authority,
)
from provisioning.errors import AuthorityUnusable
from tests.stand_ins.forgetful.client import ForgetfulDisk
from tests.stand_ins.forgetful.disk import Keep
from tests.unit.provisioning.shop import NOON_US, STORE

DICE = random.Random(3)


def make(data_dir: Path, offline_root: Path | None = None) -> bytes:
    return make_authority(data_dir, STORE, NOON_US, DICE.randbytes, offline_root).fingerprint


def test_what_was_made_is_read_again_and_lies_closed(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        fingerprint = make(tmp_path)
    finally:
        os.umask(before)
    assert load_authority(tmp_path, STORE).fingerprint == fingerprint
    folder = tmp_path / FOLDER
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        ROOT: 0o600,
        ROOT_KEY: 0o600,
        ISSUING: 0o600,
        ISSUING_KEY: 0o600,
    }
    assert keeps_root_key(tmp_path)


def test_a_store_has_one_authority(tmp_path: Path) -> None:
    fingerprint = make(tmp_path)
    with pytest.raises(AuthorityUnusable, match="is there already"):
        make(tmp_path)
    assert load_authority(tmp_path, STORE).fingerprint == fingerprint


def test_a_root_made_offline_leaves_no_key_and_serves_another_hub(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    stick = tmp_path / "oak-street-root.pem"
    fingerprint = make(tmp_path / "one", stick)
    assert not keeps_root_key(tmp_path / "one")
    assert stick.stat().st_mode & 0o777 == 0o600
    assert make(tmp_path / "two", stick) == fingerprint
    first, second = (load_authority(tmp_path / name, STORE) for name in ("one", "two"))
    assert first.issuing != second.issuing
    with pytest.raises(AuthorityUnusable, match="is of the store 'oak-street', not of 'elm'"):
        make_authority(tmp_path, StoreId("elm"), NOON_US, DICE.randbytes, stick)


def _another_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _link(folder: Path) -> None:
    (folder / ISSUING_KEY).rename(folder.parent / "elsewhere")
    (folder / ISSUING_KEY).symlink_to(folder.parent / "elsewhere")


def _exchange(folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir()
    make(other)
    (other / FOLDER / ROOT).replace(folder / ROOT)


SPOILT: dict[str, tuple[str, Callable[[Path], object]]] = {
    "its folder open": ("lies open to others", lambda folder: folder.chmod(0o750)),
    "a key open": ("lies open to others", lambda folder: (folder / ISSUING_KEY).chmod(0o640)),
    "a key by a link": ("cannot read", _link),
    "no key": ("is missing", lambda folder: (folder / ISSUING_KEY).unlink()),
    "no root": ("is missing", lambda folder: (folder / ROOT).unlink()),
    "a key cut off": ("holds no key", lambda folder: os.truncate(folder / ISSUING_KEY, 50)),
    "an empty certificate": ("holds no certificate", lambda folder: os.truncate(folder / ISSUING, 0)),
    "another's key": ("is not the key of", lambda folder: (folder / ISSUING_KEY).write_bytes(_another_key())),
    "another's root": ("was not given by", _exchange),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_not_as_it_was_made_is_not_used(case: str, tmp_path: Path) -> None:
    make(tmp_path)
    secret = (tmp_path / FOLDER / ISSUING_KEY).read_bytes()
    told, spoil = SPOILT[case]
    spoil(tmp_path / FOLDER)
    with pytest.raises(AuthorityUnusable) as refused:
        load_authority(tmp_path, STORE)
    assert told in str(refused.value)
    assert secret.splitlines()[1].decode() not in str(refused.value)


def test_of_another_store_or_none(tmp_path: Path) -> None:
    with pytest.raises(AuthorityUnusable, match="ca init"):
        load_authority(tmp_path, STORE)
    make(tmp_path)
    with pytest.raises(AuthorityUnusable, match="not of 'elm'"):
        load_authority(tmp_path, StoreId("elm"))


@pytest.mark.needs_root
def test_what_root_makes_is_left_to_the_account_of_the_hub(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    make(tmp_path)
    assert {path.stat().st_uid for path in (tmp_path / FOLDER, *(tmp_path / FOLDER).iterdir())} == {12345}
    load_authority(tmp_path, STORE)
    os.chown(tmp_path / FOLDER / ISSUING_KEY, 54321, 54321)
    with pytest.raises(AuthorityUnusable, match="belongs to the account 54321"):
        load_authority(tmp_path, STORE)


def _close(folder: Path) -> None:
    """The disk of the tests keeps no modes."""
    for path in (folder, *folder.iterdir()) if folder.exists() else ():
        path.chmod(0o700 if path.is_dir() else 0o600)


@pytest.mark.needs_fuse
@pytest.mark.parametrize("offline", [False, True], ids=["here", "offline"])
def test_power_cut_at_any_change_leaves_none_or_all_and_never_a_root_without_its_key(
    offline: bool, tmp_path: Path
) -> None:
    seen: Counter[str] = Counter()
    template, left = tmp_path / "template", tmp_path / "left"
    (template / "data").mkdir(parents=True)
    (template / "stick").mkdir()
    with ForgetfulDisk(tmp_path / "disk") as disk:
        stick = disk.folder / "stick" / "root.pem" if offline else None
        disk.load(template)
        disk.arm(None)
        make(disk.folder / "data", stick)
        changes = disk.cut().changes
        assert changes > 5
        for keep in Keep:
            for number in range(changes + 1):
                disk.load(template)
                disk.arm(number)
                fingerprint: bytes | None = None
                try:
                    fingerprint = make(disk.folder / "data", stick)
                except OSError:
                    pass  # the power went
                disk.cut()
                copy = left / f"{keep}-{number}"
                copy.mkdir(parents=True)
                disk.revive(keep, number, copy)
                _close(copy / "data" / FOLDER)
                stick_left = copy / "stick" / "root.pem" if offline else None
                if (copy / "data" / FOLDER).exists():
                    found = load_authority(copy / "data", STORE).fingerprint
                    assert fingerprint in (None, found)
                    seen["whole"] += 1
                    again = copy / "again"
                    if stick_left is not None:
                        again.mkdir()
                        assert make(again, stick_left) == found
                    else:
                        assert keeps_root_key(copy / "data")
                else:
                    assert fingerprint is None, "what was told of as made must be there"
                    seen["none"] += 1
                    make(copy / "data", stick_left)
                    load_authority(copy / "data", STORE)
    print(dict(seen), "of", changes, "changes")
    assert seen["none"]
    assert seen["whole"]
