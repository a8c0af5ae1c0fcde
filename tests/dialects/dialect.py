"""What the tests of all codecs need to know of one dialect."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

import tests.dialects
from edge.codecs.base import Codec


@dataclass(frozen=True)
class Dialect:
    """One codec: `name` is what captures call it; the driver that speaks it makes it from a capture's `[options]`.

    `variants` are the ways to set it that the contract suite and the fuzzing run, by what to call them.
    `fragments` draws pieces of bytes such as the device sends, whole frames and broken ones, which are strung
    together with noise: without them a fuzzer never gets past the first check.
    """

    name: str
    variants: Mapping[str, Callable[[], Codec]]
    fragments: st.SearchStrategy[bytes]


def dialects() -> dict[str, Dialect]:
    """All modules of this package that have a `DIALECT`, by its name."""
    found: dict[str, Dialect] = {}
    for module in pkgutil.iter_modules(tests.dialects.__path__):
        one = getattr(importlib.import_module(f"tests.dialects.{module.name}"), "DIALECT", None)
        if isinstance(one, Dialect):
            assert one.name not in found
            found[one.name] = one
    return found
