"""Why stock moved."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why stock moved."""

    SALE = "sale"
    RETURN = "return"
    RECEIPT = "receipt"
    WASTE = "waste"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"
    REPACK = "repack"
