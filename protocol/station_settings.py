"""A station's settings as its hub gives them: a document for a position, versioned, bounded, checked the same twice.

They travel as one row of the catalogue log, `["s", "position:till-3", "station", value]`, its value JSON:

    {"v":1,"n":7,"at_us":...,"settings":{"mode":"sale","devices":{"scanner":{"driver":"serial-scanner", ...}}}}

`v` is the format's major: another one is refused. `n` counts the versions of the position. The document has the tables
and keys of `edge.toml` that are not the station's own: who it is, where its files lie and how it reaches its hub never
come from the hub. Tables of drivers are only bounded here; their keys are the driver's to check, at the station.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, cast

import msgspec

from protocol.cards import Mode
from protocol.catalogue import Scope, Setting
from protocol.errors import BadInput
from protocol.events import MAX_TEXT
from protocol.identity import parse_place
from protocol.variable_measure import parse_patterns

MAJOR: Final = 1
KEY: Final = "station"
"""The key of the setting."""
MAX_DWELL_MS: Final = 10_000
MAX_DEPTH: Final = 5
MAX_STRING: Final = 500
MAX_MEMBERS: Final = 100
MAX_INT: Final = 2**53

_POSITION: Final = "position:"
_DEVICE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_BARE = re.compile(r"[A-Za-z0-9_-]{1,63}")
_SECRET = re.compile(
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token|psk|credentials?|(?:api|private)_?key", re.IGNORECASE
)
_URL_WITH_SECRET = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a station; the defaults suit a shop.

    `weight_wait_s`: how long a weighed item waits for a stable weight. `session_idle_s`: how long a sale lasts in which
    nothing is done, 0 for ever. `count_codes`: different codes in one count,
    which is closed in one transaction. `chatter_per_s`: weighings and refusals logged in a second, on average.
    `stock_mib`, `chatter_mib`: what each log may take on disk; of what the hub has, a quarter of that is kept.
    `reserve_mib`: what of the disk is kept for the stock log when somebody else fills it. `settings_wait_s`: how long
    new settings from the hub wait for an idle moment, and `settings_deadline_s` how long the devices then have to come
    up before the settings before are taken again.
    """

    weight_wait_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    session_idle_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 300.0
    count_codes: Annotated[int, msgspec.Meta(ge=1, le=8000)] = 5000
    chatter_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 10.0
    stock_mib: Annotated[int, msgspec.Meta(ge=16, le=1_000_000)] = 1024
    chatter_mib: Annotated[int, msgspec.Meta(ge=16, le=1_000_000)] = 128
    reserve_mib: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 32
    settings_wait_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 600.0
    settings_deadline_s: Annotated[float, msgspec.Meta(ge=2, le=600)] = 60.0


class CodeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How codes are read: the patterns of the shop's own labels, and the currency of prices that name none."""

    variable: tuple[str, ...] = ()
    currency: str = "EUR"


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mode: Mode | None = None
    selling: Literal["immediate", "basket"] | None = None
    place: str | None = None
    area: str | None = None
    scale: str | None = None
    codes: CodeSettings | None = None
    limits: LimitSettings | None = None
    presence: dict[str, Any] | None = None
    lights: dict[str, Any] | None = None
    zones: dict[str, dict[str, Any]] = {}
    devices: dict[str, dict[str, Any]] = {}


GIVEN: Final = _Document.__struct_fields__
"""The keys of `edge.toml` that a hub may give."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """Version `n` of a position's settings, given at `at_us` (UTC); `settings` is what `check_settings` took.

    Of a hub that was restored from a backup the same number may come with another document: what tells versions apart
    is number and `digest`.
    """

    n: int
    at_us: int
    settings: dict[str, Any]

    @property
    def digest(self) -> str:
        """16 hex digits that stand for the document."""
        return hashlib.sha256(_canonical(self.settings)).hexdigest()[:16]

    @property
    def name(self) -> str:
        """What tells this version from every other."""
        return f"{self.n}/{self.digest}"


class _Value(msgspec.Struct, frozen=True):
    v: int
    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_INT)]
    at_us: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)]
    settings: dict[str, Any]


class _Major(msgspec.Struct, frozen=True):
    v: int


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_major = msgspec.json.Decoder(_Major).decode
_decode_value = msgspec.json.Decoder(_Value).decode


def position_scope(position: str) -> Scope:
    """Name the scope of a position. Raises `BadInput` ("bad-place")."""
    return Scope(f"{_POSITION}{parse_place(position)}")


def is_of_position(scope: str) -> bool:
    """Whether a scope is a position's: what stands there is the hub's alone to say."""
    return scope.startswith(_POSITION)


def row_of(position: str, version: Version) -> Setting:
    """Make the row of the catalogue log. Raises `BadInput` ("bad-settings") for one that is too long."""
    value = _encode(_Value(MAJOR, version.n, version.at_us, version.settings)).decode()
    if len(value) > MAX_TEXT:
        raise BadInput("bad-settings", f"{len(value)} characters of settings, {len(value) - MAX_TEXT} too many")
    return Setting(position_scope(position), KEY, value)


def version_of(value: str) -> Version:
    """Read a row's value. Raises `BadInput` ("bad-settings", "unknown-major")."""
    try:
        major = _decode_major(value.encode())
        if major.v != MAJOR:
            raise BadInput("unknown-major", f"settings of format {major.v}, and this is {MAJOR}")
        read = _decode_value(value.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput("bad-settings", str(error)[:300]) from error
    return Version(n=read.n, at_us=read.at_us, settings=check_settings(read.settings))


def check_settings(settings: Mapping[str, object]) -> dict[str, Any]:
    """Hold a document to what can be told without the station's drivers, and give it.

    Raises `BadInput` ("bad-settings"): with the path in the document where it is wrong.
    """
    for key in settings:
        if key not in GIVEN:
            raise BadInput("bad-settings", f"{key[:80]}: not a hub's to give, which are {', '.join(GIVEN)}")
    _check_values(settings, "", 1)
    try:
        document = msgspec.convert(settings, _Document)
    except msgspec.ValidationError as error:
        match = _AT.fullmatch(str(error))
        path = (match and match["path"]) or ""
        raise BadInput("bad-settings", f"{path}: {match['what'] if match else error}"[:300]) from error
    for name, place in (("place", document.place), ("area", document.area)):
        if place is not None:
            try:
                parse_place(place)
            except BadInput as error:
                raise BadInput("bad-settings", f"{name}: {error.detail}") from error
    if document.codes is not None:
        try:
            parse_patterns(document.codes.variable, document.codes.currency)
        except BadInput as error:
            raise BadInput("bad-settings", f"codes: {error.detail}") from error
    for name, table in document.devices.items():
        _check_device(name, table)
    checked = dict(settings)
    row_of("x" * 63, Version(n=MAX_INT, at_us=MAX_INT, settings=checked))
    return checked


def as_toml(settings: Mapping[str, object]) -> str:
    """Write a checked document as people do: TOML, its tables under headings."""
    return "\n".join(_toml_lines(settings, ()))


def _canonical(settings: Mapping[str, object]) -> bytes:
    return _encode(settings)


def _check_device(name: str, table: Mapping[str, object]) -> None:
    path = f"devices.{name[:80]}"
    if not _DEVICE.fullmatch(name) or name == "api":
        raise BadInput(
            "bad-settings", f"{path}: a device is named with 1 to 63 of a-z, 0-9, inner hyphens, and not api"
        )
    driver = table.get("driver")
    if not isinstance(driver, str) or not driver:
        raise BadInput("bad-settings", f'{path}: needs driver = "..."')
    dwell_ms = table.get("dwell_ms", 0)
    if type(dwell_ms) is not int or not 0 <= dwell_ms <= MAX_DWELL_MS:
        raise BadInput("bad-settings", f"{path}.dwell_ms: is a whole number from 0 to {MAX_DWELL_MS}")


def _check_values(value: object, path: str, depth: int) -> None:
    match value:
        case bool():
            pass
        case int():
            if not -MAX_INT <= value <= MAX_INT:
                raise BadInput("bad-settings", f"{path}: a number of more than 53 bits")
        case float():
            if not math.isfinite(value):
                raise BadInput("bad-settings", f"{path}: no number")
        case str():
            # Control characters are what a device's frames begin and end with, and are written escaped.
            if len(value) > MAX_STRING or not all(each.isprintable() or each < " " for each in value):
                raise BadInput("bad-settings", f"{path}: a text is at most {MAX_STRING} characters that can be written")
            if _URL_WITH_SECRET.search(value):
                raise BadInput("bad-settings", f"{path}: a password does not travel; name a file on the station")
        case Mapping() | list() | tuple():
            inner = value.items() if isinstance(value, Mapping) else enumerate(value, 1)
            if depth > MAX_DEPTH or len(value) > MAX_MEMBERS:
                raise BadInput("bad-settings", f"{path}: more than {MAX_DEPTH} deep or {MAX_MEMBERS} wide")
            for key, each in inner:
                at = f"{path}.{key}".lstrip(".")[:200]
                if isinstance(key, str):
                    if not _BARE.fullmatch(key):
                        raise BadInput("bad-settings", f"{at}: a key is 1 to 63 of A-Z, a-z, 0-9, _ and -")
                    if is_secret(key):
                        raise BadInput("bad-settings", f"{at}: a secret does not travel; name a file on the station")
                elif isinstance(value, Mapping):
                    raise BadInput("bad-settings", f"{path}: a key that is no text")
                _check_values(each, at, depth + 1)
        case _:
            raise BadInput("bad-settings", f"{path}: neither text, number, yes or no, list nor table")


def is_secret(key: str) -> bool:
    """Whether a key asks for a secret itself; the name of a file that holds one may travel."""
    words = key.lower().replace("-", "_")
    return not words.endswith("_file") and any(_SECRET.fullmatch(part) for part in (words, *words.split("_")))


def _toml_lines(table: Mapping[str, object], path: Sequence[str]) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if path and (plain or not table):
        yield f"[{'.'.join(path)}]"
    for key, value in plain.items():
        yield f"{key} = {_toml(value)}"
    if plain or (path and not table):
        yield ""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _toml_lines(cast("Mapping[str, object]", value), (*path, key))


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            # JSON's escapes are TOML's, but for characters that `_check_values` refuses.
            return msgspec.json.encode(value).decode()
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }" if value else "{}"
        case float():
            return repr(value)
        case _:
            return str(value)
