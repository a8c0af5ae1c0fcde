"""Frames, hellos and cursors: their bytes, and what becomes of bytes that are none."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.chain import Chapter, Position, extend
from protocol.errors import BadInput, ContractBroken
from protocol.frames import (
    MAX_PAYLOAD_BYTES,
    decode_reader_message,
    decode_writer_message,
    encode_frame,
    encode_reader_message,
    encode_writer_message,
)
from protocol.identity import Epoch
from protocol.replication.messages import (
    Cursor,
    Frame,
    Hello,
    ReaderMessage,
    Refusal,
    SnapshotPart,
    Trace,
    Traced,
    WriterMessage,
)

EPOCH = Epoch(3, 0x9F00)
NEXT = Chapter(Epoch(4, 0xBEEF), Position(EPOCH, 2, bytes(range(32))), 2, bytes(32))
AT = Chapter(EPOCH).origin()
LINES = (b'["d",1]', b'["d",2]')

NUMBERS = st.integers(0, 2**64 - 1)
DIGESTS = st.binary(min_size=32, max_size=32)
STORED = st.binary(max_size=60).map(lambda line: line.replace(b"\n", b""))


def test_a_frame_is_a_header_line_and_the_stored_lines_unchanged() -> None:
    payload = encode_frame(Frame(EPOCH, 101, AT.digest, LINES))
    header, *lines = payload.split(b"\n")
    assert tuple(lines) == LINES
    assert json.loads(header) == {
        "is": "frame",
        "v": 1,
        "epoch": "3.0000000000009f00",
        "first": 101,
        "n": 2,
        "digest": AT.digest.hex(),
    }


def test_above_one_kib_it_is_compressed() -> None:
    frame = Frame(EPOCH, 1, AT.digest, LINES * 200)
    payload = encode_frame(frame)
    assert payload.startswith(b"\x28\xb5\x2f\xfd")
    assert len(payload) < 400
    assert decode_writer_message(payload) == frame


@given(st.lists(STORED, min_size=1, max_size=200).map(tuple), st.integers(1, 2**50), DIGESTS)
def test_every_frame_comes_back_as_it_went(lines: tuple[bytes, ...], first: int, digest: bytes) -> None:
    frame = Frame(EPOCH, first, digest, lines, writer=first)
    assert decode_writer_message(encode_frame(frame)) == frame


@given(st.binary(max_size=200))
def test_a_flagged_entry_comes_back_whatever_its_bytes(line: bytes) -> None:
    frame = Frame(EPOCH, 5, AT.digest, (line,), flagged=True)
    assert decode_writer_message(encode_frame(frame)) == frame


def test_only_one_entry_can_be_flagged() -> None:
    with pytest.raises(ContractBroken):
        encode_frame(Frame(EPOCH, 1, AT.digest, LINES, flagged=True))


@pytest.mark.parametrize(
    "message",
    [
        Hello((Chapter(EPOCH), NEXT), AT, Position(NEXT.epoch, 5, bytes(32)), 1, 2, 3),
        Hello((Chapter(EPOCH),), AT, AT, 2**64 - 1, 0),
        Trace(((1, bytes(32)), (7, AT.digest)), 1, 2),
        SnapshotPart(AT, 9, 2, 3, LINES),
        SnapshotPart(AT, 9, 1, 1, ()),
        SnapshotPart(AT, 9, 1, 1, (b"",)),
    ],
)
def test_what_a_writer_says_comes_back_as_it_went(message: WriterMessage) -> None:
    assert decode_writer_message(encode_writer_message(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        Cursor(None, 1, 0),
        Cursor(AT, 1, 500, 2, 3, True, 4, True, Refusal(5, "bad-frame"), 1_790_000_000_000_000),
        Traced(0, None, 1),
        Traced(7, 9, 2**64 - 1),
    ],
)
def test_what_a_reader_says_comes_back_as_it_went(message: ReaderMessage) -> None:
    assert decode_reader_message(encode_reader_message(message)) == message


GOOD = encode_frame(Frame(EPOCH, 1, AT.digest, LINES))


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b"", "bad-frame"),
        (b"\x00\xff garbage", "bad-frame"),
        (b"[" * 100_000, "bad-frame"),
        (b'{"is":"frame"}', "bad-frame"),
        (b'{"is":"unheard of"}', "bad-frame"),
        (GOOD[:-1].rsplit(b"\n", 1)[0], "bad-frame"),
        (GOOD + b"\nmore", "bad-frame"),
        (GOOD.replace(b'"n":2', b'"n":-2'), "bad-frame"),
        (GOOD.replace(b'"first":1', b'"first":0'), "bad-frame"),
        (GOOD.replace(AT.digest.hex().encode(), b"beef"), "bad-frame"),
        (GOOD.replace(b"3.0000000000009f00", b"0.0000000000009f00"), "bad-epoch"),
        (GOOD.replace(b'"v":1', b'"v":99'), "future-schema"),
        (GOOD.replace(b'"v":1', b'"v":0'), "bad-frame"),
        (GOOD.replace(b'"v":1', b'"v":-1'), "bad-frame"),
        (b"\x28\xb5\x2f\xfd rest is no zstd", "bad-frame"),
        (zstandard.compress(bytes(MAX_PAYLOAD_BYTES + 1)), "too-large"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(GOOD), "too-large"),
        (b" " * (MAX_PAYLOAD_BYTES + 1), "too-large"),
    ],
)
def test_what_is_no_message_has_a_named_error(payload: bytes, name: str) -> None:
    with pytest.raises(BadInput) as caught:
        decode_writer_message(payload)
    assert caught.value.name == name


@settings(max_examples=300)
@given(st.binary(max_size=300) | st.binary(max_size=30).map(lambda junk: GOOD[:20] + junk + GOOD[20:]))
def test_garbage_is_a_message_or_a_named_error_and_nothing_else(payload: bytes) -> None:
    for decode in (decode_writer_message, decode_reader_message):
        with suppress(BadInput):
            decode(payload)


def test_the_chain_runs_on_through_a_new_epoch() -> None:
    digest = extend(AT.digest, LINES)
    chapter = Chapter(Epoch(4, 1), Position(EPOCH, 2, digest), 2)
    assert extend(chapter.origin().digest, (b"x",)) == extend(AT.digest, (*LINES, b"x"))
