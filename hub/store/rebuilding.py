"""Recomputes the books from the stored lines by the ledger's naive definition, to compare with what is kept.

Shares with the fold the reading of a line (its time, item and area) and nothing that is incremental: clocks are fitted
from all anchors before any entry is timed, codes resolved by the catalogue as it is now, and the figures come from
`hub.ledger.reference`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import select

from hub.errors import TryAgain
from hub.ledger.entries import Entry, Reversal, Scope
from hub.ledger.figures import CountFigure, ScopeState
from hub.ledger.reference import bare, bare_count, reckon
from hub.ledger.timefit import START, Timed
from hub.store import chunks, identity_rows, tables, token_words
from hub.store.books import StoredBooks
from hub.store.clocks import Clocks
from hub.store.epochs import CATALOGUE, OF_LOGS, EpochRow, EpochRows
from hub.store.floor import StoreFloor
from hub.store.folding import ANCHOR_BEGINS
from hub.store.lines import Lines
from hub.store.links import Links
from hub.store.live_rows import live_lines, read_hash
from hub.store.progress import lag
from hub.store.reader_logs import HQ_CATALOGUE, HQ_DOCUMENTS
from hub.store.reading import NO_ITEM
from hub.store.rebasketing import Rebasketing
from hub.store.recounting import Recounting, is_idle, told
from hub.store.retagging import Retagging
from hub.store.sources import Sources
from hub.store.sql import Sql
from hub.store.sqlite_file import in_memory
from hub.store.statements import putting
from hub.store.transfers import is_inbound
from hub.store.unlogged import is_withdrawn
from hub.store.words import WORDS_BEGIN, Word, Words
from protocol.catalogue_set import CatalogueSet, set_hash
from protocol.errors import BadInput
from protocol.events import Anchor, ShelfCounted
from protocol.identity import EntryId
from protocol.identity_words import Standing
from protocol.service_tokens import TokenSaid
from protocol.variable_measure import PLAIN, CodeRules

K = TypeVar("K", bound=Hashable)
_COPIED: Final = tuple(
    (select(table), putting(table))
    for table in (
        *(tables.log, tables.epoch, tables.live, tables.place, tables.transfer),
        *(tables.price_history, tables.source),
    )
)
_CATALOGUE_CHUNKS: Final = (
    select(tables.chunk.c.n, tables.chunk.c.body)
    .select_from(OF_LOGS.join(tables.chunk, tables.chunk.c.epoch == tables.epoch.c.id))
    .where(tables.log.c.name == CATALOGUE, tables.epoch.c.told != 0)
    .order_by(tables.epoch.c.id, tables.chunk.c.first)
)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is kept of a thing by this key, and what it should be; of two that are there, only what differs is said.

    `what` is "scope", "count", "entry", "identity", "token" or "catalogue".
    """

    what: str
    key: str
    kept: str
    recomputed: str


def recompute(connection: Sql, rules: CodeRules = PLAIN) -> tuple[Difference, ...]:
    """Compare the books with what the lines say, read by the store's rules. Raises `TryAgain` while the fold lags."""
    left = lag(connection)
    if left:
        raise TryAgain(f"the fold has {left} entries to go")
    scratch = in_memory()
    try:
        for read, write in _COPIED:
            scratch.executemany(write, connection.walk(read))
        entries = list(_entries(connection, scratch, rules))
        standings = identity_rows.standings(scratch)
        tokens = token_words.words(scratch)
    finally:
        scratch.driver.close()
    return (
        *_compare(connection, entries),
        *_compare_identities(connection, standings),
        *_compare_tokens(connection, tokens),
        *_compare_catalogue(connection),
    )


def _entries(connection: Sql, scratch: Sql, rules: CodeRules) -> Iterator[Entry]:
    """Read every line of the logs that are folded into the entry it makes."""
    epochs, links = EpochRows(), Links(rules)
    words = Words(epochs)
    lines = Lines(Clocks(), links, words, is_inbound, Sources())
    tags = Retagging(epochs, rules)
    baskets = Rebasketing(epochs)
    for epoch, seq, line in _lines(connection, epochs):
        if line.startswith((ANCHOR_BEGINS, *WORDS_BEGIN)):
            try:
                event = lines.decode(epoch, line)
            except BadInput:
                continue
            if isinstance(event, Anchor):
                lines.clocks.take(scratch, epoch, seq, event)
            elif isinstance(event, Word):
                words.take(scratch, epoch, seq, line, event)
    lines.clocks.settle(scratch)
    read_of = lines.reader(scratch)
    before: dict[int, Timed] = {}
    sessions = Recounting()
    for epoch, seq, line in _lines(connection, epochs):
        try:
            event = lines.decode(epoch, line)
            last = before.get(epoch.id, START)
            timed = lines.timed(scratch, epoch, seq, event, last)
            if isinstance(event, ShelfCounted):
                sessions.shelf(epoch, seq, event, lines.clocks.timed(scratch, epoch, seq, event.when, last))
            sessions.decided(epoch, seq, event)
            baskets.told(connection, epoch, seq, event, line)
            tags.told(scratch, lines.clocks, epoch, seq, event)
            read = None if timed is None else read_of(epoch, seq, event, timed, 0)
        except BadInput:
            continue
        if read is not None and timed is not None:
            before[epoch.id] = timed
            tags.entry(epoch, seq, event, read.entry)
            if sessions.entry(event, read.entry):
                yield read.entry
    for moved in tags.movements(scratch, connection, links, words):
        sessions.moved(moved)
        yield moved
    for moved in baskets.movements(scratch, lines):
        sessions.moved(moved)
        yield moved
    floor = StoreFloor(scratch)
    for found in tags.swept(scratch, connection, links, words, floor):
        sessions.swept(found)
    yield from sessions.counts(floor)


def _lines(connection: Sql, epochs: EpochRows) -> Iterator[tuple[EpochRow, int, bytes]]:
    after, found = 0, chunks.to_fold(connection, 0, 10_000)
    while found:
        for chunk in found:
            epoch = epochs.by_id(connection, chunk.epoch)
            if chunk.flag is None and epoch.log_name not in (HQ_CATALOGUE, HQ_DOCUMENTS):
                for seq, line in enumerate(chunk.lines, chunk.first):
                    yield epoch, seq, line
        after = found[-1].id
        found = chunks.to_fold(connection, after, 10_000)


def _compare(connection: Sql, entries: list[Entry]) -> Iterator[Difference]:
    books = StoredBooks(EpochRows())
    books.begin(connection)
    scopes, counts = _reckoned(entries)
    kept_scopes = {scope: bare(state) for scope in books.scopes() if (state := books.state(scope)) is not None}
    idle = {scope for scope, state in kept_scopes.items() if scope not in scopes and is_idle(state)}
    for scope in idle:
        del kept_scopes[scope]
    kept_counts = {figure.id: bare_count(figure) for scope in kept_scopes for figure in books.counts(scope)}
    yield from _differences("scope", kept_scopes, scopes)
    yield from _differences("count", kept_counts, counts)
    recomputed = {entry.id: entry for entry in entries}
    kept = (replace(kept.read.entry, fit=0) for kept in books.entries() if not is_withdrawn(kept.read.entry))
    kept_entries = told(kept, idle, set(recomputed))
    yield from _differences("entry", kept_entries, recomputed)


def _reckoned(entries: list[Entry]) -> tuple[dict[Scope, ScopeState], dict[EntryId, CountFigure]]:
    """Reckon scope by scope, since the definition is slow: a reversal belongs to the scope of what it reverses."""
    scope_of = {entry.id: entry.scope for entry in entries if not isinstance(entry, Reversal)}
    groups: dict[Scope, list[Entry]] = defaultdict(list)
    for entry in entries:
        scope = scope_of.get(entry.reverses) if isinstance(entry, Reversal) else entry.scope
        if scope is not None:
            groups[scope].append(entry)
    scopes: dict[Scope, ScopeState] = {}
    counts: dict[EntryId, CountFigure] = {}
    for scope, group in groups.items():
        if scope.item != NO_ITEM:
            reckoning = reckon(group)
            scopes.update(reckoning.scopes)
            counts.update(reckoning.counts)
    return scopes, counts


def _differences(what: str, kept: Mapping[K, object], recomputed: Mapping[K, object]) -> Iterator[Difference]:
    for key in kept.keys() | recomputed.keys():
        one, other = kept.get(key), recomputed.get(key)
        if one != other:
            said = "/".join(key) if isinstance(key, Scope) else str(key)
            yield Difference(what, said, _said(one, other), _said(other, one))


def _said(one: object, other: object) -> str:
    """Write what is not the same in the other."""
    if one is None:
        return "nothing"
    if not isinstance(one, Struct) or type(other) is not type(one):
        return repr(one)
    differing = [name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)]
    return ", ".join(f"{name} {getattr(one, name)!r}" for name in differing)


def _compare_identities(connection: Sql, standings: tuple[Standing, ...]) -> Iterator[Difference]:
    kept = {each.identity: each for each in identity_rows.standings(connection)}
    yield from _differences("identity", kept, {each.identity: each for each in standings})


def _compare_tokens(connection: Sql, words: tuple[TokenSaid, ...]) -> Iterator[Difference]:
    kept = {(each.token, each.revoked): each for each in token_words.words(connection)}
    yield from _differences("token", kept, {(each.token, each.revoked): each for each in words})


def _compare_catalogue(connection: Sql) -> Iterator[Difference]:
    rows = connection.walk(_CATALOGUE_CHUNKS)
    live = CatalogueSet(line for n, body in rows for line in chunks.unpack(body, n))
    kept = read_hash(connection)
    held = set_hash(live_lines(connection))
    if not kept == held == live.hash:
        yield Difference("catalogue", "set hash", f"{kept}, rows {held}", str(live.hash))
