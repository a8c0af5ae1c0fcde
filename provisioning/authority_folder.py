"""The authority's folder on the hub: made whole or not at all, its keys for the hub's own account alone.

    <data_dir>/authority/     0700
        root.pem              what stations trust
        root.key              0600; not there if the root was made offline: then it is on a stick, in a safe
        issuing.pem           the authority that signs, below the root
        issuing.key           0600

It is built under another name, synced, and then renamed: a power cut leaves none or all of it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protocol.identity import StoreId
from provisioning.authority import Authority
from provisioning.certificates import SERIAL_BYTES, Issuer, issuing_certificate, root_certificate
from provisioning.errors import AuthorityUnusable

FOLDER = "authority"
ROOT = "root.pem"
ROOT_KEY = "root.key"
ISSUING = "issuing.pem"
ISSUING_KEY = "issuing.key"

_UNFINISHED = ".authority.part"
_MAX_FILE_BYTES = 64 * 1024
_CANNOT_SYNC_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
"""What some file systems of sticks answer, which write a folder's entries at once."""


def make_authority(
    data_dir: Path,
    store: StoreId,
    now_us: int,
    random_bytes: Callable[[int], bytes],
    offline_root: Path | None = None,
) -> Authority:
    """Make a store's authority, in a folder that is not there yet.

    `offline_root` is a file, on a stick say, that is to hold the root's key and certificate; none of the key stays
    here. One that is there already is used if it is this store's, also to begin anew on another hub: the stations go
    on trusting it. Raises `AuthorityUnusable`, `OSError`.
    """
    folder = data_dir / FOLDER
    with _alone(data_dir):
        if folder.exists():
            raise AuthorityUnusable(f"{folder} is there already: a store has one authority")
        root = _fresh_root(store, now_us, random_bytes) if offline_root is None else None
        if root is None:
            assert offline_root is not None
            root = _offline_root(offline_root, store, now_us, random_bytes)
        key = ec.generate_private_key(ec.SECP256R1())
        issuing = issuing_certificate(root, key.public_key(), store, now_us, random_bytes(SERIAL_BYTES))
        files = {ROOT: _pem(root.certificate), ISSUING: _pem(issuing), ISSUING_KEY: _key_pem(key)}
        if offline_root is None:
            files[ROOT_KEY] = _key_pem(root.key)
        part = data_dir / _UNFINISHED
        if part.exists():
            # Of a run that lost power: nobody was ever told of it.
            shutil.rmtree(part)
        part.mkdir(0o700)
        owner = data_dir.stat()
        for name, content in files.items():
            _write(part / name, content)
            _give(part / name, owner)
        _give(part, owner)
        _sync(part)
        part.rename(folder)
        _sync(data_dir)
    return Authority(store, root.certificate, Issuer(issuing, key))


def load_authority(data_dir: Path, store: StoreId) -> Authority:
    """Read the authority of a hub. Raises `AuthorityUnusable`: none, not whole, another store's, open to others."""
    folder = data_dir / FOLDER
    try:
        owners = {os.geteuid()}
        if os.geteuid() == 0:
            owners.add(data_dir.stat().st_uid)
        _closed(folder, folder.lstat(), owners, stat.S_ISDIR)
        root = _certificate(folder / ROOT, _read(folder / ROOT, None))
        issuing = _certificate(folder / ISSUING, _read(folder / ISSUING, None))
        key = _key(folder / ISSUING_KEY, _read(folder / ISSUING_KEY, owners))
    except FileNotFoundError as error:
        if not folder.exists():
            raise AuthorityUnusable(f"no authority in {data_dir}: `shelfwire provision ca init` makes one") from error
        raise AuthorityUnusable(f"{error.filename} is missing: restore the folder {folder} from a backup") from error
    except OSError as error:
        raise AuthorityUnusable(f"cannot read {error.filename}: {error.strerror}") from error
    _belongs(root, store, folder)
    try:
        root.verify_directly_issued_by(root)
        issuing.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise AuthorityUnusable(f"{folder}: {ISSUING} was not given by {ROOT}") from error
    if key.public_key() != issuing.public_key():
        raise AuthorityUnusable(f"{folder}: {ISSUING_KEY} is not the key of {ISSUING}")
    return Authority(store, root, Issuer(issuing, key))


def keeps_root_key(data_dir: Path) -> bool:
    """Whether the root's key is on the hub too."""
    return (data_dir / FOLDER / ROOT_KEY).exists()


def _fresh_root(store: StoreId, now_us: int, random_bytes: Callable[[int], bytes]) -> Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    return Issuer(root_certificate(key, store, now_us, random_bytes(SERIAL_BYTES)), key)


def _offline_root(path: Path, store: StoreId, now_us: int, random_bytes: Callable[[int], bytes]) -> Issuer:
    if path.exists():
        content = _read(path, None)
        root = Issuer(_certificate(path, content), _key(path, content))
        _belongs(root.certificate, store, path)
        if root.key.public_key() != root.certificate.public_key():
            raise AuthorityUnusable(f"{path}: the key is not that of the certificate")
        return root
    root = _fresh_root(store, now_us, random_bytes)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    _write(part, _key_pem(root.key) + _pem(root.certificate))
    part.rename(path)
    _sync(path.parent)
    return root


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    descriptor = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise AuthorityUnusable(f"another process is making an authority in {data_dir}") from error
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _give(path: Path, owner: os.stat_result) -> None:
    """Leave what root made to the account that the hub runs under: the owner of its folder."""
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise
    finally:
        os.close(descriptor)


def _read(path: Path, owners: set[int] | None) -> bytes:
    """Read a file; `owners` given, it must be theirs and closed to everybody else."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if owners is not None:
            _closed(path, os.fstat(file.fileno()), owners, stat.S_ISREG)
        return file.read(_MAX_FILE_BYTES)


def _closed(path: Path, told: os.stat_result, owners: set[int], kind: Callable[[int], bool]) -> None:
    if not kind(told.st_mode):
        raise AuthorityUnusable(f"{path} is something else than it should be")
    if told.st_uid not in owners:
        raise AuthorityUnusable(f"{path} belongs to the account {told.st_uid}, not to the hub's, {os.geteuid()}")
    if told.st_mode & 0o077:
        raise AuthorityUnusable(f"{path} lies open to others (mode {stat.S_IMODE(told.st_mode):03o}); close it, and ask"
                                " who may have read it")  # fmt: skip


def _belongs(root: x509.Certificate, store: StoreId, where: Path) -> None:
    names = [str(each.value) for each in root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if names != [store]:
        raise AuthorityUnusable(f"{where} is of the store {', '.join(names)[:80]!r}, not of {store!r}")


def _certificate(path: Path, content: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(content)
    except (ValueError, x509.InvalidVersion) as error:
        raise AuthorityUnusable(f"{path} holds no certificate that can be read") from error


def _key(path: Path, content: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        # Without a cause: what a parser says of a key may quote it.
        raise AuthorityUnusable(f"{path} holds no key that can be read")
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
