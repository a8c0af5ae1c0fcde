"""The symbology identifier that a scanner may put before a code, told from the code itself."""

from __future__ import annotations

import re

_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")


def split_aim(text: str) -> tuple[str | None, str]:
    """Split "]E04006381333931" into ("]E0", "4006381333931"); (None, text) if there is no identifier.

    The identifier is "]", a letter for the symbology and one modifier character (ISO/IEC 15424, clause 5).
    """
    if _AIM.match(text):
        return text[:3], text[3:]
    return None, text
