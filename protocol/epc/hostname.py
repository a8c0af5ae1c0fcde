"""The hostname that the "++" schemes carry, so that a tag leads to its maker's own Digital Link (TDS 14.5.16).

    0 | length 6 | three characters in 16 bits, …         URN Code 40: capitals, digits, - . :
    1 | length 6 | 7 bits each, …                         ASCII; codes no host uses mean "www." or ".com" (table 14-11),
                                                          and 14 bits that begin with 0 to 3 a top-level domain

The length counts characters in the first form and sevens of bits in the second. Tables 14-14 and 14-15 print some
prefixes wrong (0000000 for .org.cn and .net.cn); they stand here at their rows, as table 14-11 says.
"""

from __future__ import annotations

import re
from typing import Final

from protocol.epc.bits import BitReader, BitWriter
from protocol.errors import BadInput

CODE_40: Final = "\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
_MOST: Final = 63

_SEVENS: Final = {
    30: "qr.", 31: "www.", 32: "id.", 91: ".com", 92: ".org", 93: ".net", 94: ".int", 96: ".edu", 123: ".gov",
    124: ".mil", 125: ".biz", 126: ".eco", 127: ".med",
}  # fmt: skip
_TABLE_B1 = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo bq br bs bt bw by bz ca cc cd cf
cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm fo fr ga gd ge gf gg
gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp
kr kw ky kz la lb lc li
"""
_TABLE_B2 = """
lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu
nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn sr ss st su sv sx
sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
"""
_TABLE_B3 = """
com.au net.au org.au co.at com.bd co.bd com.br net.br co.nz com.ng com.pk co.in com.in co.il co.jp co.za co.kr com.es
com.lk co.th co.tt com.tt com.tr biz.tr com.ua co.uk co.zm com.zm com.cn org.cn net.cn gov.cn
"""
_TABLE_B4 = "tech"
_DOMAINS: Final = tuple(table.split() for table in (_TABLE_B1, _TABLE_B2, _TABLE_B3, _TABLE_B4))
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?")
_ENDINGS: Final = {
    **{ending: (code, 7) for code, ending in _SEVENS.items() if ending.startswith(".")},
    **{f".{name}": (table << 7 | row, 14) for table, names in enumerate(_DOMAINS) for row, name in enumerate(names)},
}
_BEGINNINGS: Final = {told: code for code, told in _SEVENS.items() if told.endswith(".")}


def read_code_40(reader: BitReader, length: int) -> str:
    """Read characters of URN Code 40 (TDS 14.5.6.5). Raises `BadInput` ("bad-epc")."""
    text = ""
    for _ in range(-(-length // 3)):
        number = reader.read(16) - 1
        if not 0 <= number < 64_000:
            raise BadInput("bad-epc", "no three characters of URN Code 40")
        text += CODE_40[number // 1600] + CODE_40[number // 40 % 40] + CODE_40[number % 40]
    told = text[:length]
    if "\0" in told or text[length:].strip("\0"):
        raise BadInput("bad-epc", "characters of URN Code 40 that are not as many as said")
    return told


def write_code_40(out: BitWriter, text: str) -> None:
    """Write characters of URN Code 40."""
    for at in range(0, len(text), 3):
        first, second, third = (CODE_40.index(one) for one in text[at : at + 3].ljust(3, "\0"))
        out.write(1600 * first + 40 * second + third + 1, 16)


def read_hostname(reader: BitReader) -> str:
    """Read a hostname, told in small letters. Raises `BadInput` ("bad-epc")."""
    sevens, left = reader.read(1), reader.read(6)
    if not sevens:
        host = read_code_40(reader, left).lower()
    else:
        host = ""
        while left > 0:
            code = reader.read(7)
            left -= 1
            if code < len(_DOMAINS):
                row = reader.read(7)
                left -= 1
                if row >= len(_DOMAINS[code]):
                    raise BadInput("bad-epc", "a top-level domain that is reserved")
                host += "." + _DOMAINS[code][row]
            else:
                host += _SEVENS.get(code) or chr(code)
        host = host.lower()
    if left < 0 or not _HOST.fullmatch(host):
        raise BadInput("bad-epc", f"{host[:70]!r} is no hostname")
    return host


def write_hostname(out: BitWriter, host: str) -> None:
    """Write a hostname in the second form, its ends shortened. Raises `BadInput` ("bad-epc")."""
    if not _HOST.fullmatch(host) or len(host) > _MOST:
        raise BadInput("bad-epc", f"{host[:70]!r} is no hostname of at most {_MOST} characters")
    head = next((one for one in _BEGINNINGS if host.startswith(one) and len(host) > len(one)), "")
    tail = max(
        (one for one in _ENDINGS if host.endswith(one) and len(host) > len(head) + len(one)), key=len, default=""
    )
    code, size = _ENDINGS.get(tail, (0, 0))
    middle = host[len(head) : len(host) - len(tail)]
    out.write(1, 1)
    out.write(bool(head) + len(middle) + size // 7, 6)
    if head:
        out.write(_BEGINNINGS[head], 7)
    for one in middle.encode():
        out.write(one, 7)
    out.write(code, size)
