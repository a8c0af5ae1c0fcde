"""Price look-up numbers: what a person keys for goods that have no code."""

from __future__ import annotations

import pytest

from protocol.codes import CodeKind, ScannedCode, is_plu, read_code


@pytest.mark.parametrize("text", ["plu:4011", "PLU:4011", "plu:04011", "plu:004011"])
@pytest.mark.parametrize("aim", [None, "]C0", "]Q1"])
def test_a_number_is_one_however_it_is_written(text: str, aim: str | None) -> None:
    read = read_code(text, aim)
    assert read == ScannedCode(CodeKind.PLU, None, "plu:4011")
    assert is_plu(read.lookup)


@pytest.mark.parametrize("text", ["plu:", "plu:1234567", "plu:12a", "xplu:12", "plu:12 ", "4011"])
def test_anything_else_is_the_shops_own(text: str) -> None:
    read = read_code(text, None)
    assert (read.kind, read.lookup) == (CodeKind.OPAQUE, text)
