"""What may stand in a code: text in the scanner's encoding, and of the control characters only GS."""

from __future__ import annotations

from edge.codecs.readings import SAMPLE_BYTES, Refused

GS = "\x1d"
"""Stands for FNC1 between GS1 element strings (GS1 General Specifications, section 7.8.3)."""


def read_text(raw: bytes, encoding: str) -> str | Refused:
    """Decode the bytes of a code. A code with a hole in it is another code, so nothing is ever left out.

    Refuses by name: "not-text", bytes that `encoding` does not know; "control-character", any but GS.
    """
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        return Refused("not-text", f"byte {error.start} is not {encoding}", raw[:SAMPLE_BYTES])
    control = next((c for c in text if c != GS and (c < " " or "\x7f" <= c <= "\x9f")), None)
    if control is not None:
        return Refused("control-character", f"U+{ord(control):04X} inside a code", raw[:SAMPLE_BYTES])
    return text
