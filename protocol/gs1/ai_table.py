"""The application identifiers: how long their values are, what must hold of them, and which go together.

From the GS1 General Specifications 25.0, section 3.2 (formats), figure 7.8.5-2 (lengths that need no separator) and
section 4.13 (which must and must not stand beside each other), held against GS1's machine-readable dictionary of them.
A row of the table is

    AIs | format | needs | never with | qualifiers of the Digital Link key, where it is one

A format is a list of parts: N digits, X character set 82, Y set 39, Z file-safe base 64; a number is a fixed
length, `-20` up to 20 characters; names after colons are the checks of `ai_checks`; a part in brackets may be left
out. `needs` has groups, all to be met, each by one of the AIs named; `01+21` is both, `31` all AIs that begin so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from protocol.gs1.ai_checks import CHECKS, Check

_ROWS = """
00 | N18:mod10 | | | .
01 | N14:mod10 | | 255,37 | 22,10,21/235
02 | N14:mod10 | 37 | 01,03
03 | N14:mod10 | | 01,02,37
10 | X-20 | 01,02,03,8006,8026
11 13 15 16 | N6:date0 | 01,02,03,8006,8026
12 | N6:date0 | 8020
17 | N6:date0 | 01,02,03,255,8006,8026
20 | N2 | 01,02,8006,8026
21 | X-20 | 01,03,8006 | 235
22 | X-20 | 01
235 | X-28 | 01
240 241 | X-30 | 01,02,8006,8026
242 | N-6 | 01,02,8006,8026
243 | X-20 | 01
250 | X-30 | 01,8006 21
251 | X-30 | 01,8006
253 | N13:mod10:prefix [X-17] | | | .
254 | X-20 | 414
255 | N13:mod10:prefix [N-12] | | 01,02,415,8006,8020,8026 | .
30 | N-8 | 01,02
37 | N-8 | 00 02,8026
3900-3909 | N-15 | 255,8020 | 390,391,394,8111
3910-3919 | N3:currency N-15 | 8020 | 391
3920-3929 | N-15 | 01 30,31,32,35,36 | 392,393
3930-3939 | N3:currency N-15 | 30,31,32,35,36 | 393
3940-3943 | N4 | 255 | 394,8111
3950-3955 | N6 | 30,31,32,35,36 | 392,393,395,8005
400 | X-30
401 | X-30:prefix | | | .
402 | N17:mod10:prefix | | | .
403 | X-30 | 00
410 411 412 413 416 | N13:mod10:prefix
414 | N13:mod10:prefix | | | 254/7040
415 | N13:mod10:prefix | 8020 | | 8020
417 | N13:mod10:prefix | | | 7040
420 | X-20 | | 421
421 | N3:country X-9 | | 4307
422 | N3:country | 01,02,8006,8026 | 426
423 425 | N3:country [N3:country] [N3:country] [N3:country] [N3:country] | 01,02 | 426
424 | N3:country | 01,02 | 426
426 | N3:country | 01,02
427 | X-3 | 01,02 422
4300 4301 4310 4311 4320 | X-35:percent | 00
4302 4304 4305 4306 4312 4314 4315 4316 | X-70:percent | 00
4303 | X-70:percent | 4302
4313 | X-70:percent | 4312
4307 4317 | X2:country2 | 00
4308 4319 | X-30 | 00
4309 | N10:latitude N10:longitude | 00
4318 | X-20 | 00
4321 4322 4323 | N1:bit | 00
4324 4325 | N6:date0 N4:hhmm | 00
4326 | N6:date | 00
4330 | N6 [X1:minus] | 00 | 4331
4331 | N6 [X1:minus] | 00 | 4330
4332 | N6 [X1:minus] | 00 | 4333
4333 | N6 [X1:minus] | 00 | 4332
7001 | N13 | 01,02,8006,8026
7002 | X-30 | 01,02
7003 | N6:date N4:hhmm | 01,02
7004 | N-4 | 01 10
7005 | X-12 | 01,02
7006 | N6:date | 01,02
7007 | N6:date [N6:date] | 01,02
7008 | X-3 | 01,02
7009 | X-10 | 01,02
7010 | X-2 | 01,02
7011 | N6:date [N4:hhmm] | 01,02
7020 | X-20 | 01,8006 416
7021 | X-20 | 01,8006
7022 | X-20 | 7021
7023 | X-30:prefix
7030-7039 | N3:country999 X-27 | 01,02
7040 | N1 X1 X1 X1:importer
7041 | X-4 | 00
710-716 | X-20 | 01
7230-7239 | X2 X-28 | 01,8004
7240 | X-20 | 01,8006
7241 | N2:media | 8017,8018
7242 | X-25 | 8017,8018
7250 | N8:date8 | 8018 | 7251
7251 | N8:date8 N4:hhmm | 8018 | 7250
7252 | N1:sex | 8018
7253 7254 | X-40:percent | 8017,8018 | 7256,7259
7255 | X-10 | 8017,8018 | 7256,7259
7256 | X-90:percent | 8017,8018
7257 | X-70:percent | 8018
7258 | X3:seq | 8018+7259
7259 | X-40:percent | 8018 | 7256
8001 | N4:nonzero N5:nonzero N3:nonzero N1:winding N1 | 01
8002 | X-20
8003 | N1:zero N13:mod10:prefix [X-16] | | | .
8004 | X-30:prefix | | | 7040
8005 | N6 | 01,02
8006 | N14:mod10 N4:piece | | 01,37 | 22,10,21
8007 | X-34:iban | 415
8008 | N6:date N2:hh [N2:mm] [N2:ss] | 01,02
8009 | X-50 | 00,01
8010 | Y-30:prefix | | | 8011
8011 | N-12:no0 | 8010
8012 | X-20 | 01,8006
8013 | X-25:pair:prefix | | | .
8014 | X-25:pair:prefix:letters | 01
8017 | N18:mod10:prefix | | 8018 | 8019
8018 | N18:mod10:prefix | | 8017 | 8019
8019 | N-10 | 8017,8018
8020 | X-25 | 415
8026 | N14:mod10 N4:piece | 37 | 02,8006
8030 | Z-90 | 00,01+21,253,255,8003,8004,8006+21,8010+8011,8017,8018
8110 8112 | X-70
8111 | N4 | 255
8200 | X-70 | 01
90 | X-30
91-99 | X-90
"""
# Measures: the last digit of the AI says where the decimal point is. They bar each other where only that differs.
_OF_GOODS: Final = "310-316 320-329 350-352 356-357 360-361 364-366"
_OF_A_PARCEL: Final = "330-336 340-349 353-355 362-363 367-369"

_PREDEFINED: Final = frozenset(
    ("00", "01", "02", "03", "11", "12", "13", "15", "16", "17", "20", "31", "32", "33", "34", "35", "36", "41")
)
"""First two digits of the AIs whose values end without a separator (figure 7.8.5-2; 04, 14, 18, 19 are not in use)."""
_ONLY_IN_THE_PATH: Final = frozenset(
    ("03", "21", "22", "235", "254", "7040", "7041", "8011", "8014", "8019", "8020", "8200")
)
_PART = re.compile(r"(\[?)([NXYZ])(-?)([0-9]+)((?::[a-z0-9]+)*)\]?")

OUTSIDE: Final = {
    "N": re.compile(r"[^0-9]"),
    "X": re.compile(r"[^!-\"%-?A-Z_a-z]"),
    "Y": re.compile(r"[^#\-/0-9A-Z]"),
    "Z": re.compile(r"[^0-9A-Za-z_=-]"),
}
"""Finds what is not in a character set: digits, 82 (7.11-1), 39 (7.11-2), file-safe base 64."""


class Part(msgspec.Struct, frozen=True):
    """One part of a value: `least` to `most` characters of `charset`, of which `checks` hold."""

    charset: str
    least: int
    most: int
    may_lack: bool
    checks: tuple[Check, ...]


class Group(msgspec.Struct, frozen=True):
    """What must stand beside an AI: `any_of`, or one of `all_of` whole. `told` says it as the table does."""

    any_of: frozenset[str]
    all_of: tuple[frozenset[str], ...]
    told: str


class Rule(msgspec.Struct, frozen=True):
    """What is known of an application identifier.

    `predefined`: its value ends without a separator. Every group of `needs` must be met; none of `never` may be there,
    the AI itself excepted. `link` is None but for the keys of Digital Links: the sequences of qualifiers they may have.
    """

    parts: tuple[Part, ...]
    least: int
    most: int
    predefined: bool
    needs: tuple[Group, ...] = ()
    never: frozenset[str] = frozenset()
    link: tuple[tuple[str, ...], ...] | None = None
    in_query: bool = True


def _part(text: str) -> Part:
    match = _PART.fullmatch(text)
    assert match is not None, text
    most = int(match[4])
    checks = tuple(CHECKS[name] for name in match[5].split(":")[1:])
    return Part(match[2], 1 if match[3] else most, most, bool(match[1]), checks)


def _span(text: str) -> Iterator[str]:
    for one in text.split():
        first, _, last = one.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield str(number).zfill(len(first))


def _all_ais() -> tuple[str, ...]:
    ais = [ai for row in _ROWS.strip().splitlines() for ai in _span(row.partition("|")[0])]
    measures = _span(f"{_OF_GOODS} {_OF_A_PARCEL} 337")
    return (*ais, *(kind + point for kind in measures for point in "012345"))


def _rules() -> Iterator[tuple[str, Rule]]:
    every = _all_ais()

    def named(text: str) -> frozenset[str]:
        """The AIs that a list means, each by itself or by how it begins."""
        starts = tuple(text.split(",")) if text else ()
        return frozenset(ai for ai in every if ai.startswith(starts))

    def group(text: str) -> Group:
        alone = [one for one in text.split(",") if "+" not in one]
        whole = (one.split("+") for one in text.split(",") if "+" in one)
        return Group(named(",".join(alone)), tuple(frozenset(one) for one in whole), text.replace(",", " or "))

    for row in _ROWS.strip().splitlines():
        ais, layout, needs, never, link = ([cell.strip() for cell in row.split("|")] + [""] * 3)[:5]
        parts = tuple(_part(one) for one in layout.split())
        least = sum(part.least for part in parts if not part.may_lack)
        most = sum(part.most for part in parts)
        groups, barred = tuple(group(one) for one in needs.split()), named(never)
        sequences = tuple(tuple(one.split(",")) if one != "." else () for one in link.split("/")) if link else None
        for ai in _span(ais):
            predefined, in_query = ai[:2] in _PREDEFINED, ai not in _ONLY_IN_THE_PATH
            yield ai, Rule(parts, least, most, predefined, groups, barred, sequences, in_query)
    six = (_part("N6"),)
    for measures, beside in ((_OF_GOODS, "01,02"), (_OF_A_PARCEL, "00,01"), ("337", "01")):
        groups = (group(beside),)
        for kind in _span(measures):
            rule = Rule(six, 6, 6, True, groups, frozenset(kind + point for point in "012345"))
            for point in "012345":
                yield kind + point, rule


AIS: Final = dict(_rules())
"""Every application identifier in use."""
AI_LENGTHS: Final = {ai[:2]: len(ai) for ai in AIS}
"""How many digits an AI has, by its first two."""
