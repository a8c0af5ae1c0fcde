"""EPC memory to value and back, whatever the scheme."""

from __future__ import annotations

import re
from typing import Final

from protocol.epc.classic import read_classic, write_classic
from protocol.epc.layouts import BY_HEADER, BY_SCHEME
from protocol.epc.others import HEADERS as OTHERS
from protocol.epc.others import read_other, write_other
from protocol.epc.value import Epc, parse_tag_uri
from protocol.errors import BadInput

MAX_BYTES: Final = 62
"""The longest EPC a tag can have: 31 words of 16 bits (Gen2, length bits of the PC word)."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,62}")


def read_epc(data: bytes) -> Epc:
    """Read an EPC as the tag holds it, without PC word and CRC; zeros behind it are padding.

    Raises `BadInput`: "bad-epc", "unknown-epc" for a header that no scheme has (an unprogrammed tag, or one that is not
    GS1's), and what `read_plus` raises.
    """
    if not 1 <= len(data) <= MAX_BYTES:
        raise BadInput("bad-epc", f"{len(data)} bytes")
    header, size = data[0], 8 * len(data)
    layout = BY_HEADER.get(header)
    if layout is not None:
        return read_classic(layout, int.from_bytes(data, "big"), size)
    if header in OTHERS:
        return read_other(OTHERS[header], int.from_bytes(data, "big"), size)
    if header >= 0xE6:
        from protocol.epc.plus import HEADERS, read_plus

        if header in HEADERS:
            return read_plus(HEADERS[header], int.from_bytes(data, "big"), size)
    raise BadInput("unknown-epc", f"no scheme has the header {header:02X}")


def read_epc_hex(text: str) -> Epc:
    """Read an EPC written in hexadecimal digits. Raises `BadInput` like `read_epc`."""
    if not _HEX.fullmatch(text):
        raise BadInput("bad-epc", "not 2 to 124 hexadecimal digits, two a byte")
    return read_epc(bytes.fromhex(text))


def write_epc(epc: Epc) -> bytes:
    """Write an EPC as a tag holds it, in whole words of 16 bits. Raises `BadInput`."""
    layout = BY_SCHEME.get(epc.scheme)
    if layout is not None:
        return write_classic(layout, epc)
    if epc.scheme in OTHERS.values():
        return write_other(epc)
    from protocol.epc.plus import write_plus

    written = write_plus(epc)
    if len(written) > MAX_BYTES:
        raise BadInput("bad-epc", f"{len(written)} bytes, more than a tag's {MAX_BYTES}")
    return written


def parse_epc_uri(uri: str) -> Epc:
    """Read a tag URI of a classic scheme. Raises `BadInput` ("bad-epc")."""
    parsed = parse_tag_uri(uri)
    if parsed is None:
        raise BadInput("bad-epc", f"{uri[:80]!r} is no tag URI")
    scheme, filter_value, parts = parsed
    # Written and read back: what a tag cannot hold is no EPC.
    written = Epc(scheme, filter_value, parts)
    if scheme in BY_SCHEME:
        return read_epc(write_classic(BY_SCHEME[scheme], written))
    if scheme in OTHERS.values():
        return read_epc(write_other(written))
    raise BadInput("bad-epc", f"no scheme {scheme[:20]!r}")
