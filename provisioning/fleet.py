"""Which stations of a manifest are to be invited: those that stand already, or are awaited, are passed over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provisioning.manifest import Post


@dataclass(frozen=True, slots=True)
class Holder:
    """An identity of a position that has not ended, and what it is to be there.

    `enrolled`: it has come; else it is `awaited` by an invitation that is still good, until `until_us`.
    """

    identity: str
    position: str
    place: str
    area: str
    mode: str
    enrolled: bool
    awaited: bool
    until_us: int


@dataclass(frozen=True, slots=True)
class Step:
    """An invitation to be made; `again` is who was invited there before and never came."""

    post: Post
    again: str | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """A position that needs none: `holder` stands there or is awaited. `differs`: what the manifest says otherwise."""

    post: Post
    holder: Holder
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for a manifest, in its order."""

    invite: tuple[Step, ...]
    passed: tuple[Passed, ...]


def plan(posts: Iterable[Post], holders: Sequence[Holder], *, awaited_again: bool = False) -> Plan:
    """Compare a manifest with who holds the positions; `awaited_again`: who is awaited is invited anew."""
    steps: list[Step] = []
    passed: list[Passed] = []
    for post in posts:
        there = [holder for holder in holders if holder.position == post.position]
        # One that came counts before one that is awaited, say its spare; of several awaited, the last invited.
        holder = max(there, key=lambda each: (each.enrolled, each.until_us), default=None)
        if holder is None:
            steps.append(Step(post))
        elif holder.enrolled or (holder.awaited and not awaited_again):
            passed.append(Passed(post, holder, _differs(post, holder)))
        else:
            steps.append(Step(post, holder.identity))
    return Plan(tuple(steps), tuple(passed))


def _differs(post: Post, holder: Holder) -> tuple[str, ...]:
    said = (
        ("place", post.place, holder.place),
        ("area", post.area, holder.area),
        ("mode", post.mode.value, holder.mode),
    )
    return tuple(f"{what} {there or 'none'}, not {here or 'none'}" for what, here, there in said if here != there)
