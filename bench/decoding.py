"""What a code costs to understand, beside the two libraries that a Python program would take for it.

The peers do the same where they can: `biip.parse` for barcodes, epcpy for tags. biip knows no store's patterns, and
epcpy no scheme of TDS 2, so those stand alone. A round reads codes that are all different, one after the other. Told
is the processor's time: reading waits for nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import biip
from epcpy.utils.parsers import hex_to_tag_encodable

from bench import shop
from bench.figures import Figure, Limit, middle
from bench.workbench import Workbench
from protocol.codes import read_code
from protocol.epc.reading import parse_epc_uri, read_epc, write_epc
from protocol.epc.value import Epc
from protocol.gs1.check_digits import check_digit
from protocol.variable_measure import CodeRules, parse_patterns

CODES = 10_000
PEER_CODES = 1_000
_ROUNDS: Final = 5
_PART: Final = "reading codes"
_RULES: Final[CodeRules] = parse_patterns(("21IIIIIWW.WWWC", "02IIIIVPPP.PPC"), "EUR")
T = TypeVar("T")


async def measure(bench: Workbench) -> list[Figure]:
    """Measure each kind of code, and what the peers take for it."""
    draw = random.Random(7)
    gtins = [shop.gtin(number) for number in range(bench.size(CODES))]
    peers = bench.size(PEER_CODES)
    strings = [_element_string(gtin, draw) for gtin in gtins]
    links = [f"https://example.com/01/0{gtin}/10/{draw.randrange(10**6)}?17=261231" for gtin in gtins]
    labels = [_label(draw) for _ in gtins]
    sgtins = [_sgtin(gtin, draw) for gtin in gtins]
    plus = [
        write_epc(Epc("sgtin+", 1, ais=(("01", "0" + gtin), ("21", f"A-{draw.randrange(10**9)}")))) for gtin in gtins
    ]
    return [
        _figure("EAN-13", gtins, lambda code: read_code(code, "]E0", _RULES), 2.0),
        _figure("EAN-13, by biip", gtins[:peers], lambda code: biip.parse("]E0" + code)),
        _figure("element string, (01) (17) (10) (21)", strings, lambda code: read_code(code, "]C1", _RULES), 40.0),
        _figure("element string, by biip", strings[:peers], lambda code: biip.parse("]C1" + code)),
        _figure("Digital Link, (01) (10) (17)", links, lambda code: read_code(code, "]Q1", _RULES)),
        _figure("Digital Link, by biip", links[:peers], biip.parse),
        _figure("label of the store's own scale", labels, lambda code: read_code(code, "]E0", _RULES)),
        _figure("SGTIN-96: filter, GTIN, serial, URI", sgtins, _whole, 10.0),
        _figure("SGTIN-96, by epcpy: URI", sgtins[:peers], lambda data: hex_to_tag_encodable(data.hex()).epc_uri),
        _figure("SGTIN+: filter, GTIN, serial", plus, _whole),
    ]


def _whole(data: bytes) -> tuple[str | None, str | None, str | None]:
    epc = read_epc(data)
    return epc.gtin, epc.serial, epc.pure_uri


def _element_string(gtin: str, draw: random.Random) -> str:
    return f"010{gtin}1726{draw.randint(1, 12):02}0010L{draw.randrange(10**6)}\x1d21{draw.randrange(10**9)}"


def _label(draw: random.Random) -> str:
    body = f"21{draw.randrange(10**5):05}{draw.randint(1, 99999):05}"
    return body + check_digit(body)


def _sgtin(gtin: str, draw: random.Random) -> bytes:
    return write_epc(parse_epc_uri(f"urn:epc:tag:sgtin-96:1.{gtin[:7]}.0{gtin[7:12]}.{draw.randrange(2**38)}"))


def _figure(what: str, codes: Sequence[T], read: Callable[[T], object], limit_us: float | None = None) -> Figure:
    rounds: list[float] = []
    read(codes[0])
    for _ in range(_ROUNDS):
        began = time.process_time()
        for code in codes:
            read(code)
        rounds.append((time.process_time() - began) / len(codes) * 1e6)
    limit = None if limit_us is None else Limit(limit_us, f"{limit_us:g} µs")
    return Figure(part=_PART, what=what, unit="µs", value=middle(rounds), rounds=tuple(rounds), limit=limit)
