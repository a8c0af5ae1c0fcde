"""`shelfwire.toml`: what a technician tells a machine before it starts, where every computer can write it. Pure.

invitation = "80 digits, in any rows"   # or, over several lines, between three quotation marks
time_server = "192.168.7.2"             # left out: the hub, once there is one
factory_reset = "keep-unsent-log"       # or "everything": makes the machine as new

[network]                               # the cable; left out: the network says (DHCP)
address = "192.168.7.21/24"
gateway = "192.168.7.1"
dns = ["192.168.7.1"]

[wifi]
name = "shop"
password = "…"
country = "DE"                          # whose rules for radio hold
security = "wpa2"                       # or "wpa3"
address = "192.168.7.22/24"             # gateway, dns: as for the cable

[ssh]                                   # a door for a technician, which closes by itself
key = "ssh-ed25519 AAAA… ann"
hours = 4

[devices.scanner]                       # and [lights]: as in edge.toml, where the hub does not give them
driver = "keyboard-wedge"

Secrets, and what is to be done but once, are blotted out in the file when they were taken over: each byte becomes a
star. A value that is only stars was taken over before.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface
from typing import Annotated, Any, Final, Literal, get_args

import msgspec

from image.errors import BadInput
from protocol.errors import BadInput as ProtocolBadInput
from protocol.invitation import read_invitation

Reset = Literal["keep-unsent-log", "everything"]
MAX_HOURS: Final = 72
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_PASSWORD: Final = re.compile(r"[ -~]{8,63}")
_KEY: Final = re.compile(r"(?P<kind>[a-z0-9@.-]+) (?P<blob>[A-Za-z0-9+/=]+)( [ -~]{0,200})?")
_KINDS: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa", "sk-ssh-ed25519@openssh.com")
_AT: Final = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
STAR: Final = ord("*")


class BadBootFile(BadInput):
    """The file cannot be used. `key` says where in it ("wifi.name"), "" for all of it."""

    def __init__(self, key: str, detail: str, suggestion: str | None = None) -> None:
        meant = f"; did you mean {suggestion!r}?" if suggestion else ""
        super().__init__(f"{key}: {detail}{meant}" if key else f"{detail}{meant}")
        self.key = key
        self.detail = detail
        self.suggestion = suggestion


class Wired(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cable: a fixed address with its network ("192.168.7.21/24"), "" for whatever the network says."""

    address: str = ""
    gateway: str = ""
    dns: tuple[str, ...] = ()


class Wifi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wireless network; `password` of stars only was taken over before."""

    name: str
    password: str
    country: str
    security: Literal["wpa2", "wpa3"] = "wpa2"
    address: str = ""
    gateway: str = ""
    dns: tuple[str, ...] = ()


class Ssh(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose key opens the door, and for how long."""

    key: str
    hours: Annotated[int, msgspec.Meta(ge=1, le=MAX_HOURS)] = 4


class BootFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the file says."""

    invitation: str = ""
    time_server: str = ""
    factory_reset: str = ""
    network: Wired = msgspec.field(default_factory=Wired)
    wifi: Wifi | None = None
    ssh: Ssh | None = None
    devices: dict[str, dict[str, Any]] = {}
    lights: dict[str, Any] | None = None


SECRETS: Final = (("invitation",), ("factory_reset",), ("wifi", "password"), ("ssh", "key"))
"""What is blotted out, by the keys that lead to it."""


def blotted(value: str) -> bool:
    """Say whether a value was taken over before."""
    return bool(value.strip()) and set("".join(value.split())) == {"*"}


def read_boot_file(data: bytes) -> BootFile:
    """Check the bytes of the file, whole. Raises `BadBootFile`."""
    table = _table(data)
    _refuse_unknown(table, BootFile, "")
    try:
        file = msgspec.convert(table, BootFile)
    except msgspec.ValidationError as error:
        match = _AT.fullmatch(str(error))
        raise BadBootFile((match and match["path"]) or "", match["what"] if match else str(error)) from error
    _check(file)
    return file


def blots(data: bytes) -> dict[int, bytes]:
    """Say which bytes to write where, so that no secret is left in the file; the rest of it stays as it is.

    A value is found where the file, with that place blotted, says the same but for it. Raises `BadBootFile` for one
    that is written so that it cannot be found (with escapes).
    """
    table = _table(data)
    pieces: dict[int, bytes] = {}
    for keys in SECRETS:
        value = _value(table, keys)
        if isinstance(value, str) and value.strip() and not blotted(value):
            pieces.update(_found(data, keys, value))
    return pieces


def covered(found: bytes, before: bytes, pieces: Mapping[int, bytes]) -> bool:
    """Say whether `found` is the file `before`, of which some or all pieces were written: what a power cut leaves."""
    if len(found) != len(before):
        return False
    places = {at + n for at, piece in pieces.items() for n in range(len(piece))}
    return all(
        one == was or (one == STAR and at in places) for at, (one, was) in enumerate(zip(found, before, strict=True))
    )


def written(before: bytes, pieces: Mapping[int, bytes]) -> bytes:
    """Give the file with all pieces in it."""
    after = bytearray(before)
    for at, piece in pieces.items():
        after[at : at + len(piece)] = piece
    return bytes(after)


def _table(data: bytes) -> dict[str, Any]:
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBootFile("", "is not UTF-8; save it as UTF-8") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadBootFile("", f"not TOML: {error}") from error


def _value(table: Mapping[str, Any], keys: tuple[str, ...]) -> object:
    value: object = table
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _found(data: bytes, keys: tuple[str, ...], value: str) -> dict[int, bytes]:
    # A line may end as Windows ends it, which TOML reads as one character.
    sought = re.compile(b"\r?\n".join(re.escape(row.encode()) for row in value.split("\n")))
    for match in sought.finditer(data):
        stars = re.sub(rb"[^\r\n]", b"*", match[0])
        try:
            now = _value(_table(written(data, {match.start(): stars})), keys)
        except BadBootFile:
            continue
        if isinstance(now, str) and blotted(now) and now != value:
            return {match.start(): stars}
    raise BadBootFile(
        ".".join(keys), "cannot be blotted out as it is written; write it between ' and ', without escapes"
    )


def _check(file: BootFile) -> None:
    if file.invitation and not blotted(file.invitation):
        try:
            read_invitation(file.invitation)
        except ProtocolBadInput as error:
            raise BadBootFile("invitation", error.detail) from error
    if file.time_server and not _HOST.fullmatch(file.time_server):
        raise BadBootFile("time_server", f"{file.time_server!r} is no name or address of a machine")
    resets = get_args(Reset)
    if file.factory_reset and not blotted(file.factory_reset) and file.factory_reset not in resets:
        raise BadBootFile("factory_reset", f"is one of {', '.join(resets)}", near(file.factory_reset, resets))
    _check_addresses("network", file.network)
    if file.wifi is not None:
        _check_wifi(file.wifi)
    if file.ssh is not None and not blotted(file.ssh.key):
        _check_key(file.ssh.key)


def _check_wifi(wifi: Wifi) -> None:
    if not 1 <= len(wifi.name.encode()) <= 32:
        raise BadBootFile("wifi.name", "has 1 to 32 bytes")
    if not blotted(wifi.password) and not _PASSWORD.fullmatch(wifi.password):
        raise BadBootFile("wifi.password", "has 8 to 63 characters of ASCII")
    if not _COUNTRY.fullmatch(wifi.country):
        raise BadBootFile("wifi.country", "is two capital letters, as DE")
    _check_addresses("wifi", wifi)


def _check_addresses(where: str, of: Wired | Wifi) -> None:
    if not of.address:
        if of.gateway:
            raise BadBootFile(f"{where}.gateway", "needs an address beside it; else the network gives both")
    else:
        _check_fixed(where, of)
    for one in of.dns:
        try:
            ip_address(one)
        except ValueError as error:
            raise BadBootFile(f"{where}.dns", f"{one!r} is no address") from error


def _check_fixed(where: str, of: Wired | Wifi) -> None:
    try:
        inside: IPv4Interface | IPv6Interface = ip_interface(of.address)
    except ValueError as error:
        raise BadBootFile(
            f"{where}.address", f"{of.address!r} is no address with its network, as 192.168.7.21/24"
        ) from error
    if "/" not in of.address or inside.network.prefixlen == inside.max_prefixlen:
        raise BadBootFile(f"{where}.address", f"{of.address!r} says no network, as 192.168.7.21/24 does")
    if of.gateway:
        try:
            gateway = ip_address(of.gateway)
        except ValueError as error:
            raise BadBootFile(f"{where}.gateway", f"{of.gateway!r} is no address") from error
        if gateway not in inside.network or gateway == inside.ip:
            raise BadBootFile(f"{where}.gateway", f"{of.gateway} is not another machine in {inside.network}")


def _check_key(key: str) -> None:
    match = _KEY.fullmatch(key.strip())
    if match is None or match["kind"] not in _KINDS:
        raise BadBootFile("ssh.key", f"is a public key, one line that begins with one of {', '.join(_KINDS)}")
    try:
        blob = base64.b64decode(match["blob"], validate=True)
    except binascii.Error as error:
        raise BadBootFile("ssh.key", "is damaged: not base64") from error
    # RFC 4253, section 6.6: the blob begins with its kind as a string with its length before it.
    kind = match["kind"].encode()
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind) or len(blob) < 4 + len(kind) + 32:
        raise BadBootFile("ssh.key", "is damaged: it holds another kind than it says, or too little")


def _refuse_unknown(table: Mapping[str, object], struct: type[msgspec.Struct], path: str) -> None:
    """Find a key that no field has, and the one probably meant, before the first wrong value is reported."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    for key, value in table.items():
        if key not in fields:
            raise BadBootFile(f"{path}.{key}".lstrip("."), "unknown key", near(key, fields))
        for inner in get_args(fields[key]) or (fields[key],):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and isinstance(value, Mapping):
                _refuse_unknown(value, inner, f"{path}.{key}".lstrip("."))


def near(word: str, known: Iterable[str]) -> str | None:
    """Give the known word that was probably meant, if any comes near."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return found[0] if found else None
