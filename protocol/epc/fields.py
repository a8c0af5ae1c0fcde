"""The ways in which TDS 2 writes the values of application identifiers in bits (TDS 14.5.2 to 14.5.13).

fixed digits      4 bits a digit                                              keys
number            so many bits                                                measures
date              year 7 | month 4 | day 5
delimited         4 bits a digit, then 1111, or 1110 and a text               GIAI, CPI
numeric           length | a number that long                                 AIs of digits
text              encoding 3 | length | characters                            AIs of characters
"""

from __future__ import annotations

import re
from typing import Final

from protocol.epc.bits import BitReader, BitWriter, digits_bits
from protocol.epc.hostname import read_code_40, write_code_40
from protocol.errors import BadInput

BASE64_URL: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_UPPER_HEX: Final = "0123456789ABCDEF"
_LOWER_HEX: Final = "0123456789abcdef"
_END, _TEXT_FOLLOWS = 15, 14
_DIGITS = re.compile(r"[0-9]*")


def read_digits(reader: BitReader, count: int) -> str:
    """Read digits of 4 bits, at least one. Raises `BadInput` ("bad-epc")."""
    told = f"{reader.read(4 * count):0{count}x}"
    if not told.isdecimal():
        raise BadInput("bad-epc", f"{told} where digits are due")
    return told


def write_digits(out: BitWriter, text: str) -> None:
    """Write digits of 4 bits."""
    out.write(int(text or "0", 16), 4 * len(text))


def read_number(reader: BitReader, bits: int, size: int) -> str:
    """Read a number of `bits` as `size` digits. Raises `BadInput` ("bad-epc")."""
    told = str(reader.read(bits)).zfill(size)
    if len(told) > size:
        raise BadInput("bad-epc", f"{told} has more than {size} digits")
    return told


def read_date(reader: BitReader) -> str:
    """Read YYMMDD (TDS 14.5.8); whether there is such a day is checked with the value. Raises `BadInput`."""
    year, month, day = reader.read(7), reader.read(4), reader.read(5)
    if year > 99:
        raise BadInput("bad-date", f"year {year} of a century")
    return f"{year:02}{month:02}{day:02}"


def write_date(out: BitWriter, text: str) -> None:
    """Write YYMMDD."""
    for part, bits in zip((text[:2], text[2:4], text[4:]), (7, 4, 5), strict=True):
        out.write(int(part), bits)


def read_numeric(reader: BitReader, length_bits: int) -> str:
    """Read digits behind their count (TDS 14.5.13)."""
    length = reader.read(length_bits)
    return read_number(reader, digits_bits(length), length) if length else ""


def write_numeric(out: BitWriter, text: str, length_bits: int) -> None:
    """Write digits behind their count."""
    out.write(len(text), length_bits)
    out.write(int(text or "0"), digits_bits(len(text)))


def read_text(reader: BitReader, length_bits: int) -> str:
    """Read a text by the encoding it names (TDS 14.5.6). Raises `BadInput` ("bad-epc")."""
    encoding, length = reader.read(3), reader.read(length_bits)
    if encoding == 0:
        return read_number(reader, digits_bits(length), length) if length else ""
    if encoding == 5:
        return read_code_40(reader, length)
    if encoding > 5:
        raise BadInput("bad-epc", f"text encoding {encoding} is reserved")
    bits, alphabet = ((4, _UPPER_HEX), (4, _LOWER_HEX), (6, BASE64_URL), (7, ""))[encoding - 1]
    codes = [reader.read(bits) for _ in range(length)]
    return "".join(alphabet[code] if alphabet else chr(code) for code in codes)


def write_text(out: BitWriter, text: str, length_bits: int) -> None:
    """Write a text by the encoding that takes the fewest bits, the first of equals."""
    sizes = {
        encoding: size
        for encoding, (alphabet, size) in enumerate(
            (
                ("0123456789", digits_bits(len(text))),
                (_UPPER_HEX, 4 * len(text)),
                (_LOWER_HEX, 4 * len(text)),
                (BASE64_URL, 6 * len(text)),
                (None, 7 * len(text)),
                ("ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789", 16 * -(-len(text) // 3)),
            )
        )
        if alphabet is None or not set(text).difference(alphabet)
    }
    encoding = min(sizes, key=lambda one: sizes[one])
    out.write(encoding, 3)
    out.write(len(text), length_bits)
    if encoding == 0:
        out.write(int(text or "0"), sizes[0])
    elif encoding == 5:
        write_code_40(out, text)
    else:
        bits, alphabet = ((4, _UPPER_HEX), (4, _LOWER_HEX), (6, BASE64_URL), (7, ""))[encoding - 1]
        for one in text:
            out.write(alphabet.index(one) if alphabet else ord(one), bits)


def read_delimited(reader: BitReader, length_bits: int) -> str:
    """Read digits, and a text behind them if they are not all (TDS 14.5.5). Raises `BadInput` ("bad-epc")."""
    digits: list[str] = []
    while (nibble := reader.read(4)) < 10:
        digits.append(str(nibble))
    if nibble == _END:
        return "".join(digits)
    if nibble != _TEXT_FOLLOWS:
        raise BadInput("bad-epc", f"{nibble:x} where digits or their end are due")
    return "".join(digits) + read_text(reader, length_bits)


def write_delimited(out: BitWriter, text: str, length_bits: int) -> None:
    """Write digits, and a text behind them if they are not all."""
    match = _DIGITS.match(text)
    digits = match[0] if match else ""
    write_digits(out, digits)
    out.write(_END if digits == text else _TEXT_FOLLOWS, 4)
    if digits != text:
        write_text(out, text[len(digits) :], length_bits)


def read_time(reader: BitReader, parts: int) -> str:
    """Read hours in 5 bits, minutes and seconds in 6, as many of them as asked (TDS 14.5.9)."""
    return "".join(f"{reader.read(bits):02}" for bits in (5, 6, 6)[:parts])


def write_time(out: BitWriter, text: str) -> None:
    """Write hh, hhmm or hhmmss."""
    for at, bits in zip(range(0, len(text), 2), (5, 6, 6), strict=False):
        out.write(int(text[at : at + 2]), bits)


def read_moment(reader: BitReader) -> str:
    """Read a date with as much of a time as is told (TDS 14.5.11)."""
    precision = reader.read(2)
    date = read_date(reader)
    return date if precision == 3 else date + read_time(reader, precision + 1)


def write_moment(out: BitWriter, text: str) -> None:
    """Write a date with as much of a time as it has."""
    out.write((3, 0, 1, 2)[(len(text) - 6) // 2], 2)
    write_date(out, text[:6])
    write_time(out, text[6:])


def read_dates(reader: BitReader) -> str:
    """Read a date, or the first and last of several (TDS 14.5.10)."""
    several = reader.read(1)
    return read_date(reader) + (read_date(reader) if several else "")


def write_dates(out: BitWriter, text: str) -> None:
    """Write a date, or two."""
    out.write(len(text) > 6, 1)
    for at in range(0, len(text), 6):
        write_date(out, text[at : at + 6])
