"""What codes mean, for the fold: dated links of the live catalogue, remembered because every scan asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sqlalchemy import bindparam, select

from hub.store import tables
from hub.store.sql import Sql
from hub.store.statements import one_of
from protocol.catalogue import CodeLink, RowKind, decode_row, link_at
from protocol.codes import ScannedCode, read_code
from protocol.errors import BadInput
from protocol.identity import ItemId
from protocol.label_price import LabelPrice
from protocol.variable_measure import PLAIN, CodeRules

_REMEMBERED = 200_000

_LIVE: Final = tables.live.c
_OF_CODE: Final = select(_LIVE.line).where(_LIVE.kind == RowKind.LINK.value, _LIVE.owner == bindparam("code"))
_OF_CODES: Final = select(_LIVE.owner, _LIVE.line).where(_LIVE.kind == RowKind.LINK.value, one_of(_LIVE.owner, "codes"))


class Links:
    """Looks codes up. Belongs to the writer's thread; `forget` when the links of a code change."""

    def __init__(self, rules: CodeRules = PLAIN) -> None:
        """`rules` are the store's: how its own labels are read."""
        self._rules = rules
        self._known: dict[tuple[str, str | None], tuple[str, tuple[CodeLink, ...]]] = {}
        self._labels: dict[tuple[str, str | None], LabelPrice] = {}
        self._scanned_as: dict[str, set[tuple[str, str | None]]] = {}
        self.changes = 0
        """Grows whenever what a code means may be another than before."""

    def since(self, connection: Sql, code: str, aim: str | None) -> tuple[str, CodeLink] | None:
        """Give the key and meaning of a code that has meant one thing since some time and does so still, else None.

        None for a label too, whose price may have to say how much there is. Raises `BadInput` as `at` does.
        """
        key, links = self._known.get((code, aim)) or self._look_up(connection, code, aim)
        if (code, aim) in self._labels:
            return None
        return (key, links[0]) if len(links) == 1 and links[0].valid_to_us is None else None

    def at(self, connection: Sql, code: str, aim: str | None, at_us: int) -> tuple[str, CodeLink | None]:
        """Give the catalogue's key of a scanned code and what it meant at `at_us` (UTC).

        Raises `BadInput` for a code that is none ("check-digit", "empty-code", …).
        """
        known = self._known.get((code, aim))
        if known is None:
            known = self._look_up(connection, code, aim)
        key, links = known
        if len(links) == 1:
            # Nearly every code has meant one thing always.
            only = links[0]
            if only.valid_from_us <= at_us and only.valid_to_us is None:
                return key, only
        return key, link_at(links, at_us)

    def label(self, connection: Sql, code: str, aim: str | None) -> LabelPrice | None:
        """Give the price of a label that tells no weight. Raises `BadInput` as `at` does."""
        if (code, aim) not in self._known:
            self._look_up(connection, code, aim)
        return self._labels.get((code, aim))

    def on_labels(self, key: str) -> bool:
        """Whether the catalogue's key of a code may be that of labels which tell a price: the store's own, or GS1's."""
        patterns = self._rules.patterns.get(key[1:3], ()) if key.startswith("0") else ()
        # A GTIN of goods that differ in measure begins with 9 (General Specifications, section 2.1.10).
        return key.startswith("9") or any(pattern.price is not None for pattern in patterns)

    def _look_up(self, connection: Sql, code: str, aim: str | None) -> tuple[str, tuple[CodeLink, ...]]:
        self._learn(connection, {(code, aim): read_code(code, aim, self._rules)})
        return self._known[code, aim]

    def know(self, connection: Sql, scanned: Collection[tuple[str, str | None]]) -> set[ItemId]:
        """Look codes up, all at once, before they are asked for one by one; give the items they have ever meant."""
        keys: dict[tuple[str, str | None], ScannedCode] = {}
        for code, aim in scanned:
            if (code, aim) not in self._known:
                try:
                    keys[code, aim] = read_code(code, aim, self._rules)
                except BadInput:
                    # Said when it is asked for.
                    continue
        if keys:
            self._learn(connection, keys)
        return {
            ItemId(link.item) for one in scanned if (known := self._known.get(one)) is not None for link in known[1]
        }

    def _learn(self, connection: Sql, keys: Mapping[tuple[str, str | None], ScannedCode]) -> None:
        if len(self._known) >= _REMEMBERED:
            self.forget_all()
        found = self.of_all(connection, {read.lookup for read in keys.values()})
        for scanned, read in keys.items():
            self._known[scanned] = read.lookup, found[read.lookup]
            self._scanned_as.setdefault(read.lookup, set()).add(scanned)
            if read.price is not None and read.weight_g is None:
                self._labels[scanned] = read.price

    @staticmethod
    def of(connection: Sql, key: str) -> tuple[CodeLink, ...]:
        """Read a code's live links from the file."""
        rows = connection.execute(_OF_CODE, {"code": key}).fetchall()
        return tuple(row for (line,) in rows if isinstance(row := decode_row(line), CodeLink))

    @staticmethod
    def of_all(connection: Sql, keys: Collection[str]) -> dict[str, tuple[CodeLink, ...]]:
        """Read the live links of codes from the file."""
        found: dict[str, list[CodeLink]] = {key: [] for key in keys}
        for key, line in connection.execute(_OF_CODES, {"codes": keys}).fetchall():
            if isinstance(row := decode_row(line), CodeLink):
                found[key].append(row)
        return {key: tuple(links) for key, links in found.items()}

    def forget(self, keys: Iterable[str]) -> None:
        """Read these codes again when next asked."""
        self.changes += 1
        for key in keys:
            for scanned in self._scanned_as.pop(key, ()):
                del self._known[scanned]
                self._labels.pop(scanned, None)

    def forget_all(self) -> None:
        """Read everything again when next asked."""
        self.changes += 1
        self._known.clear()
        self._labels.clear()
        self._scanned_as.clear()
