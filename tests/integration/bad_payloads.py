"""What nobody should send: frames, cursors and requests that are wrong, each with how it is to be refused."""

from __future__ import annotations

import json

import zstandard

from protocol.frames import MAX_PAYLOAD_BYTES


def header(**changes: object) -> bytes:
    """A frame's header, one entry announced, as asked."""
    fields = {"is": "frame", "v": 1, "epoch": "1.0000000000000001", "first": 1, "n": 1, "digest": "00" * 32}
    return json.dumps(fields | changes).encode()


def hello(**changes: object) -> bytes:
    """A greeting, as asked."""
    at = ["1.0000000000000001", 0, "00" * 32]
    fields = {
        "is": "hello",
        "lineage": [["1.0000000000000001", None, 0, None]],
        "first": at,
        "head": at,
        "writer": "00" * 8,
        "ask": "00" * 8,
    }
    return json.dumps(fields | changes).encode()


MALFORMED = {
    "nothing": (b"", "bad-frame"),
    "noise": (bytes(range(256)) * 8, "bad-frame"),
    "other JSON": (b'{"temperature": 21}', "bad-frame"),
    "a list": (b"[1, 2, 3]", "bad-frame"),
    "half a header": (header()[:-20], "bad-frame"),
    "deep nesting": (b'{"is":' + b"[" * 100_000, "bad-frame"),
    "a header only": (header(), "bad-frame"),
    "n too small": (header() + b"\na\nb", "bad-frame"),
    "n too large": (header(n=3) + b"\na\nb", "bad-frame"),
    "n absurd": (header(n=2**60) + b"\na", "bad-frame"),
    "first is 0": (header(first=0) + b"\na", "bad-frame"),
    "first is a word": (header(first="one") + b"\na", "bad-frame"),
    "no epoch": (header(epoch="yesterday") + b"\na", "bad-epoch"),
    "a short digest": (header(digest="abcd") + b"\na", "bad-frame"),
    "schema of the future": (header(v=99) + b"\na", "future-schema"),
    "over-long": (header() + b"\n" + b"x" * MAX_PAYLOAD_BYTES, "too-large"),
    "zstd cut short": (zstandard.compress(header() + b"\n" + b"x" * 5000)[:-10], "bad-frame"),
    "a bomb": (zstandard.compress(bytes(512 * 1024 * 1024)), "too-large"),
    "a bomb that hides its size": (
        zstandard.ZstdCompressor(write_content_size=False).compress(bytes(64 * 1024 * 1024)),
        "too-large",
    ),
    "hello of no lineage": (hello(lineage=[]), "bad-frame"),
    "hello of endless lineage": (
        hello(lineage=[[f"{n}.0000000000000001", None, 0, None] for n in range(1, 1500)]),
        "bad-frame",
    ),
    "hello of other words": (hello(lineage=[["a", "b", "c", "d"]], head=7), "bad-frame"),
    "hello below zero": (hello(lineage=[["1.0000000000000001", None, -1, None]]), "bad-frame"),
    "hello by a long name": (hello(writer="f" * 17), "bad-frame"),
    "trace of nothing": (b'{"is":"trace"}', "bad-frame"),
    "snapshot of a million parts": (
        json.dumps(
            {
                "is": "snapshot",
                "v": 1,
                "at": ["1.0000000000000001", 0, "00" * 32],
                "snapshot": "00" * 8,
                "part": 1,
                "parts": 10**6,
                "n": 0,
            }
        ).encode(),
        "bad-frame",
    ),
}


READER = b'"reader":"0123456789abcdef"'
BAD_CURSORS = [
    (b"", "bad-cursor"),
    (bytes(100), "bad-cursor"),
    (b"[]", "bad-cursor"),
    (b'{"is":"cursor"}', "bad-cursor"),
    (b'{"is":' * 10_000, "bad-cursor"),
    (b'{"is":"cursor","at":["1.0",1,""],%b,"credit":1}' % READER, "bad-epoch"),
    (b'{"is":"cursor","at":["1.0000000000000001",-1,"%b"],%b,"credit":1}' % (b"0" * 64, READER), "bad-frame"),
    (b'{"is":"cursor","at":null,"reader":"nobody","credit":1}', "bad-frame"),
    (b'{"is":"cursor","at":null,%b,"credit":"much"}' % READER, "bad-cursor"),
    (b'{"is":"cursor","at":null,%b,"credit":1,"hub_us":1e300}' % READER, "bad-cursor"),
    (b'{"is":"cursor","at":null,%b,"credit":1,"x":"%b"}' % (READER, b"y" * 100_000), "too-large"),
]

HOSTILE_REQUESTS: dict[str, tuple[dict[str, object], int]] = {
    "another host's name": ({"headers": {"host": "shop.example"}}, 421),
    "another port": ({"headers": {"host": "127.0.0.1:1"}}, 421),
    "no host": ({"headers": {"host": ""}}, 421),
    "from a page": ({"headers": {"origin": "https://shop.example"}}, 403),
    "by a browser, of another site": ({"headers": {"sec-fetch-site": "cross-site"}}, 403),
    "a form": ({"headers": {"content-type": "text/plain"}}, 415),
    "no JSON": ({"content": b"code=1"}, 400),
    "half of it": ({"content": b'{"code": "40'}, 400),
    "no text": ({"content": b'{"code": "\xff"}'}, 400),
    "deep nesting": ({"content": b"[" * 30_000}, 400),
    "an unknown field": ({"content": b'{"code": "1", "price": 0}'}, 400),
    "a number": ({"content": b'{"code": 4006381333931}'}, 400),
    "too much": ({"content": b'{"code": "' + b"9" * 10_000_000 + b'"}'}, 413),
    "half a character": ({"content": b'{"code": "\\ud800"}'}, 400),
    "a wrong check digit": ({"content": b'{"code": "4006381333932"}'}, 422),
    "nothing at all": ({"content": b'{"code": ""}'}, 422),
    "less than nothing": ({"content": b'{"code": "4006381333931", "qty_milli": -5}'}, 422),
    "more than there is": ({"content": b'{"code": "4006381333931", "qty_milli": 1' + b"0" * 18 + b"}"}, 422),
    "endless quantity": ({"content": b'{"code": "4006381333931", "qty_milli": 1' + b"0" * 400 + b"}"}, 422),
}
