"""What is known of a backup: the manifest beside it, which is there before the file gets its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import msgspec

from hub.errors import BadInput, TryAgain
from hub.store.folder import sync_folder
from hub.store.whole_files import UNFINISHED, write_whole
from protocol.identity import StoreId

SCHEMA = 1
_ENDING = ".json"
_NIGHTLY = "*T*Z.db"
_READ_BYTES = 1 << 20
_MAY_BE_ALIVE_S = 6 * 3600


class LogPosition(msgspec.Struct, frozen=True):
    """How far a log reached in a backup: after entry `seq` of `epoch`, whose chain was `digest` (hex)."""

    log: str
    epoch: str
    seq: int
    digest: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup of one store's file, as it stood at `at_us` (UTC).

    `sha256` (hex) and `bytes` are of the backup; `schema` is this document's, `store_schema` the file's. `life` names
    the file's life, and `segment` the first part of that life's archive whose entries may not be in the backup; None
    where no archive was kept.
    """

    store: StoreId
    at_us: int
    bytes: int
    sha256: str
    store_schema: int
    positions: tuple[LogPosition, ...]
    life: str | None = None
    segment: int | None = None
    schema: int = SCHEMA


class Backup(msgspec.Struct, frozen=True):
    """A backup that is whole: its file and its manifest."""

    path: Path
    manifest: Manifest


def manifest_path(backup: Path) -> Path:
    """Name the manifest of a backup."""
    return backup.with_name(backup.name + _ENDING)


def write_manifest(backup: Path, manifest: Manifest) -> None:
    """Write what will be known of a backup. Raises `OSError`."""
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_whole(manifest_path(backup), data + b"\n")


def read_manifest(backup: Path) -> Manifest | None:
    """Read the manifest of a backup; None where there is none. Raises `BadInput` ("bad-manifest"), `TryAgain`."""
    try:
        data = manifest_path(backup).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TryAgain(f"{manifest_path(backup)}: {error}") from error
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("bad-manifest", f"{manifest_path(backup)}: {error}") from error
    if manifest.schema > SCHEMA:
        raise BadInput("bad-manifest", f"{manifest_path(backup)} is of a later release")
    return manifest


def backups_in(folder: Path, store: StoreId) -> tuple[Backup, ...]:
    """List the whole backups of a store, oldest first; what cannot be read is none. Raises `TryAgain`."""
    found: list[Backup] = []
    try:
        paths = list(folder.glob(f"*{_ENDING}"))
    except OSError as error:
        raise TryAgain(f"{folder}: {error}") from error
    for path in paths:
        backup = path.with_name(path.name.removesuffix(_ENDING))
        try:
            manifest = read_manifest(backup)
            whole = manifest is not None and backup.stat().st_size == manifest.bytes
        except (BadInput, TryAgain, OSError):
            continue
        if whole and manifest is not None and manifest.store == store:
            found.append(Backup(backup, manifest))
    return tuple(sorted(found, key=lambda each: each.manifest.at_us))


def prune(folder: Path, store: StoreId, keep: int) -> tuple[Backup, ...]:
    """Remove all but the newest `keep` nightly backups, and rubbish of ones cut short; give what is kept of them.

    One that somebody gave another name is nobody's to remove. Raises `OSError`.
    """
    found = tuple(each for each in backups_in(folder, store) if fnmatch(each.path.name, f"{store}-{_NIGHTLY}"))
    for old in found[:-keep]:
        old.path.unlink(missing_ok=True)
        manifest_path(old.path).unlink(missing_ok=True)
    for rubbish in _rubbish(folder, store, found):
        rubbish.unlink(missing_ok=True)
    sync_folder(folder)
    return found[-keep:]


def _rubbish(folder: Path, store: StoreId, found: Sequence[Backup]) -> Iterator[Path]:
    """Find what was cut short long before the newest backup; what is younger may still be written by somebody."""
    if found:
        before_s = found[-1].path.stat().st_mtime - _MAY_BE_ALIVE_S
        manifests = folder.glob(f"{store}-{_NIGHTLY}{_ENDING}")
        alone = [path for path in manifests if not path.with_name(path.name.removesuffix(_ENDING)).exists()]
        for path in (*folder.glob(f"{store}-{_NIGHTLY}*{UNFINISHED}"), *alone):
            if path.stat().st_mtime < before_s:
                yield path


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file in hex. Raises `OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
    return digest.hexdigest()
