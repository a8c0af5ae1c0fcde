"""What every simulated device can have done to it: be plugged in, and be pulled out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Plugged(ABC):
    """`async with` plugs it in, and pulls it out at the end."""

    async def __aenter__(self) -> Self:
        self.plug_in()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    @abstractmethod
    def plug_in(self) -> None:
        """Connect it. Twice is harmless."""

    @abstractmethod
    def unplug(self) -> None:
        """Pull it out: whoever reads sees it vanish. Twice is harmless."""
