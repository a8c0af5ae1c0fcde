"""What a session that was composed anew means to the fold: counts made anew, restated, or standing no longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from hub.errors import ContractBroken
from hub.ledger.counting import COUNTS_STATION, Composed, Floor
from hub.ledger.entries import Count, Scope
from protocol.identity import EntryId


def stated(composed: Composed, scopes: Iterable[Scope], floor: Floor) -> dict[EntryId, Count]:
    """Give all a session says of these scopes, which are all that are known yet of its area: also of those unseen."""
    entries = dict(composed.entries)
    if composed.complete is not None:
        for scope in scopes:
            zero = composed.complete.zero(scope, floor)
            if zero is not None and entries.setdefault(zero.id, zero) is not zero:
                raise ContractBroken(f"{scope} shares {zero.id} with {entries[zero.id].scope}")
    return entries


def changes(before: Mapping[EntryId, Count], after: Mapping[EntryId, Count]) -> list[Count]:
    """Give the entries to fold after a session was composed anew: `before` as last filed, `after` as `stated`.

    Raises `ContractBroken` if a derived count would change its scope, which only another scope with its id can do.
    """
    changed: list[Count] = []
    for identity, count in after.items():
        known = before.get(identity)
        if known is None:
            changed.append(count)
            continue
        if identity.station == COUNTS_STATION and known.scope != count.scope:
            raise ContractBroken(f"{count.scope} shares {identity} with {known.scope}")
        if replace(known, fit=count.fit) != count:
            changed.append(replace(count, fit=known.fit + 1))
    changed += [
        replace(known, fit=known.fit + 1, stands=False)
        for identity, known in before.items()
        if known.stands and identity not in after
    ]
    return changed
