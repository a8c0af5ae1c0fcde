"""The newest scans, told beside the log: bounded, known again by epoch and seq, and harmless when they are rubbish."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BadInput
from protocol.events import Anchor, Delta, Mark, Reason, When, encode_entry
from protocol.identity import Epoch
from protocol.live import MAX_LIVE_BYTES, MAX_LIVE_SCANS, decode_live, encode_live

EPOCH = Epoch(3, 0xAA)
WHEN = When("b", 5, 7, True)


def sale(code: str) -> bytes:
    return encode_entry(Delta(WHEN, "scanner", code, None, -1000, Reason.SALE, "shop"))


def told(payload: bytes) -> list[tuple[int, str]]:
    return [(one.seq, one.scan.code) for one in decode_live(payload).scans if isinstance(one.scan, Delta)]


def test_what_is_shown_comes_back_with_the_names_that_the_log_gives_it() -> None:
    payload = encode_live(EPOCH, [(41, sale("111")), (42, sale("222"))])
    assert payload is not None
    assert decode_live(payload).epoch == EPOCH
    assert told(payload) == [(41, "111"), (42, "222")]


def test_clocks_and_rubbish_are_not_shown() -> None:
    lines = [(1, encode_entry(Mark(WHEN))), (2, encode_entry(Anchor("b", 1, 2, 3))), (3, b"\xff\xfe")]
    assert encode_live(EPOCH, lines) is None
    payload = encode_live(EPOCH, [*lines, (4, sale("111"))])
    assert payload is not None
    assert told(payload) == [(4, "111")]


def test_of_many_the_newest_are_told() -> None:
    payload = encode_live(EPOCH, [(seq, sale(str(seq))) for seq in range(1, 1001)])
    assert payload is not None
    assert [seq for seq, _ in told(payload)] == list(range(1001 - MAX_LIVE_SCANS, 1001))


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=2000), max_size=40))
def test_a_payload_never_exceeds_its_bound_and_is_always_understood(codes: list[str]) -> None:
    payload = encode_live(EPOCH, enumerate(map(sale, codes), 1))
    if payload is None:
        return
    assert len(payload) <= MAX_LIVE_BYTES
    seqs = [seq for seq, _ in told(payload)]
    assert seqs == list(range(len(codes) - len(seqs) + 1, len(codes) + 1))


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b"", "bad-live"),
        (b"{}", "bad-live"),
        (b"\xff" * 100, "bad-live"),
        (b"[" * 5000, "bad-live"),
        (b'{"v":1,"epoch":"3.00000000000000aa","scans":[[0,["d"]]]}', "bad-live"),
        (b'{"v":1,"epoch":"3.00000000000000aa","scans":[[1e99,["d"]]]}', "bad-live"),
        (b'{"v":1,"epoch":"nonsense","scans":[]}', "bad-epoch"),
        (b'{"v":2,"epoch":"3.00000000000000aa","scans":[]}', "future-schema"),
        (b" " * (MAX_LIVE_BYTES + 1), "too-large"),
        (b'{"v":1,"epoch":"3.00000000000000aa","scans":[' + b",".join([b"[1,1]"] * 21) + b"]}", "too-large"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(payload: bytes, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        decode_live(payload)
    assert refused.value.name == name


@given(st.binary(max_size=400))
def test_no_bytes_astonish_it(payload: bytes) -> None:
    try:
        decode_live(payload)
    except BadInput:
        pass


def test_a_scan_of_a_kind_that_a_later_release_added_is_left_out() -> None:
    known = msgspec.Raw(sale("111"))
    payload = msgspec.json.encode({"v": 1, "epoch": str(EPOCH), "scans": [[7, ["zz", 1, 2]], [8, known]], "more": 1})
    assert told(payload) == [(8, "111")]
