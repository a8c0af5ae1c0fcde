"""One watched pin, whichever library watches it: open or not, who waits for its edges, and that it is given back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Generic, Self, TypeVar

from edge.errors import ContractBroken
from edge.links.gpio import Edges

H = TypeVar("H")
"""What the library hands out for the pin, or the library itself where it hands out nothing."""


class WatchedInput(ABC, Generic[H]):
    """Implements `edge.links.gpio.GpioInput`; `name` is what errors call the pin."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._held: H | None = None
        self._edges: Edges | None = None

    @abstractmethod
    def _claim(self, edges: Edges) -> H:
        """Have the pin, and have `edges` told of its edges. Raises `HardwareAbsent`, with nothing left claimed."""

    @abstractmethod
    def _high(self, held: H) -> bool:
        """Tell whether the pin is high now."""

    @abstractmethod
    def _give_back(self, held: H) -> None:
        """Watch no more, and let go of the pin."""

    async def __aenter__(self) -> Self:
        if self._held is not None:
            raise ContractBroken(f"{self._name} is open already")
        edges = Edges()
        self._held = self._claim(edges)
        self._edges = edges
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def level(self) -> bool:
        if self._held is None:
            raise ContractBroken(f"{self._name} is not open")
        return self._high(self._held)

    async def read(self) -> bytes:
        if self._edges is None:
            raise ContractBroken(f"{self._name} was never open")
        return await self._edges.next(self.level)

    def close(self) -> None:
        if self._held is not None and self._edges is not None:
            held, self._held = self._held, None
            self._edges.end()
            self._give_back(held)
