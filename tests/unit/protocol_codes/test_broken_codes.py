"""Codes and tags with something broken: a value, or a refusal by name, and nothing else. A million each in torture."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from protocol.codes import read_code
from protocol.epc.reading import parse_epc_uri, read_epc, write_epc
from protocol.errors import BadInput
from protocol.gs1.ai_table import AIS
from protocol.variable_measure import parse_patterns
from tests.unit.epc.tds_examples import EXAMPLES, memory

# In parts, so that no one test takes minutes.
RUNS = [(20, 3_000), *(pytest.param(seed, 100_000, marks=pytest.mark.torture) for seed in range(10))]
RULES = parse_patterns(["21IIIIIWW.WWWC", "02IIIIVPPP.PPC", "22xIIIPPPPP.PC"], "EUR")
GTIN = "09521234543213"
WHOLE = [
    f"01{GTIN}1726123110ABC123\x1d2142",
    "00095201234567891235",
    f"(01){GTIN}(17)261231",
    "https://id.gs1.org/01/09506000134352/10/ABC/21/1234?17=261231&3103=000100",
    "https://x.eu/ARFKk4XB0CDKWcnpqQ",
    "5901234123457",
    "2112345012506",
    "801095211415PQ7/Z43\x1d801112345",
    f"80082612311200\x1d01{GTIN}",
    f"01{GTIN}7007261231\x1d",
]
AIMS = [None, "]C1", "]e0", "]Q3", "]E0", "]Q1", "]I1"]
CHARACTERS = [*map(chr, range(32, 127)), "\x1d", "\x1d", "é", "٣", "\ud800", *"0123456789" * 4]
MEMORIES = [memory(digits) for digits, _, _ in EXAMPLES]
IDENTIFIERS = sorted(AIS)


def broken_text(draw: random.Random) -> str:
    """Give a code with characters replaced, with random elements, or sewn together from two."""
    text = draw.choice(WHOLE)
    way = draw.random()
    if way < 0.4:
        characters = list(text)
        for _ in range(draw.randint(0, 3)):
            characters[draw.randrange(len(characters))] = draw.choice(CHARACTERS)
        return "".join(characters)
    if way < 0.7:
        elements = (
            draw.choice(IDENTIFIERS)
            + "".join(draw.choices(CHARACTERS if draw.random() < 0.1 else "0123456789", k=draw.randint(0, 20)))
            + draw.choice(["\x1d", ""])
            for _ in range(draw.randint(1, 3))
        )
        return f"01{GTIN}" + "".join(elements)
    return text[: draw.randrange(len(text))] + draw.choice(WHOLE)[draw.randrange(8) :]


def broken_memory(draw: random.Random) -> bytes:
    """Give an EPC with bytes replaced, cut off or added."""
    data = bytearray(draw.choice(MEMORIES))
    for _ in range(draw.randint(0, 3)):
        data[draw.randrange(len(data))] = draw.randrange(256)
    if draw.random() < 0.3:
        return bytes(data[: draw.randint(1, len(data))])
    return bytes(data) + draw.randbytes(draw.choice([0, 0, 0, 2, 6]))


def read_text(draw: random.Random) -> None:
    code = read_code(broken_text(draw), draw.choice(AIMS), RULES)
    assert code.lookup.encode()
    assert code.weight_g is None or code.weight_g >= 0


def read_memory(draw: random.Random) -> None:
    epc = read_epc(broken_memory(draw))
    assert epc.serial != ""
    assert epc.tag_uri is None or parse_epc_uri(epc.tag_uri) == epc
    assert epc.undecoded_bits or read_epc(write_epc(epc)) == epc


@pytest.mark.parametrize(("seed", "count"), RUNS)
@pytest.mark.parametrize("read", [read_text, read_memory])
def test_what_is_broken_is_understood_or_refused(read: Callable[[random.Random], None], seed: int, count: int) -> None:
    draw = random.Random(seed)
    understood = 0
    for _ in range(count):
        try:
            read(draw)
        except BadInput as error:
            assert error.name, error.detail  # noqa: PT017 - a refusal is one of two right ends
        else:
            understood += 1
    assert count / 10 < understood < count
