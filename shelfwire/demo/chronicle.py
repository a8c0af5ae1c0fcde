"""What happens in the demo, told once: to the terminal while it happens, and in the report afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of news it is."""

    PHASE = "phase"
    NOTE = "note"
    TROUBLE = "trouble"
    MENDED = "mended"


@dataclass(frozen=True, slots=True)
class Happening:
    """One piece of news, `at_s` seconds after the demo began."""

    at_s: float
    kind: Kind
    text: str


class Chronicle:
    """Takes the news and knows what is broken now; `tell` hears each piece."""

    def __init__(self, now_s: Callable[[], float], phases: tuple[str, ...]) -> None:
        self._now_s = now_s
        self._began_s = now_s()
        self.phases = phases
        self.phase: str | None = None
        self.happenings: list[Happening] = []
        self.broken: dict[str, str] = {}
        """What is cut or killed now, and in what way."""
        self.tell: Callable[[Happening], None] = lambda _: None

    @property
    def elapsed_s(self) -> float:
        """How long the demo has run."""
        return self._now_s() - self._began_s

    def begin(self, phase: str, text: str) -> None:
        """Begin the next part of the day."""
        self.phase = phase
        self._add(Kind.PHASE, text)

    def note(self, text: str) -> None:
        """Tell something."""
        self._add(Kind.NOTE, text)

    def trouble(self, what: str, how: str, text: str) -> None:
        """Tell that something is broken from now on."""
        self.broken[what] = how
        self._add(Kind.TROUBLE, text)

    def mended(self, what: str, text: str) -> None:
        """Tell that it works again."""
        self.broken.pop(what, None)
        self._add(Kind.MENDED, text)

    def is_past(self, phase: str) -> bool:
        """Whether a part of the day is over."""
        if self.phase is None:
            return False
        return self.phases.index(phase) < self.phases.index(self.phase)

    def _add(self, kind: Kind, text: str) -> None:
        happening = Happening(self.elapsed_s, kind, text)
        self.happenings.append(happening)
        self.tell(happening)
