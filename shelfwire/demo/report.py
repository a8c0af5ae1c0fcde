"""The balance sheet for programs: one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterable

from shelfwire.demo.balance import Balance
from shelfwire.demo.chronicle import Happening


def as_json(balance: Balance | None, happenings: Iterable[Happening], failure: str | None) -> str:
    """Write all of it as one JSON object; `balanced` is false where there is no sheet or something failed."""
    document: dict[str, object] = {"balanced": balance is not None and balance.balanced and failure is None}
    if failure is not None:
        document["failure"] = failure
    if balance is not None:
        document |= {
            "stations": [
                {
                    "station": line.station,
                    "scanned": line.scanned,
                    "durable": line.durable,
                    "committed": line.committed,
                    "folded": line.folded,
                    "log_entries": line.entries,
                    "log_entries_at_hub": line.hub_entries,
                    "quarantined": line.quarantined,
                    "balanced": line.balanced,
                }
                for line in balance.stations
            ],
            "stock": [
                {
                    "item": line.item,
                    "name": line.name,
                    "unit": line.unit,
                    "tally_milli": line.tally_milli,
                    "hub_milli": line.hub_milli,
                    "hq_milli": line.hq_milli,
                    "balanced": line.balanced,
                }
                for line in balance.stock
            ],
            "catalogue": {
                "rows": balance.catalogue.rows,
                "hq": balance.catalogue.hq,
                "hub": balance.catalogue.hub,
                "stations": dict(balance.catalogue.stations),
                "balanced": balance.catalogue.balanced,
            },
            "feed": {
                "entries": balance.feed.entries,
                "expected": balance.feed.expected,
                "journal": balance.feed.journal,
                "journal_expected": balance.feed.journal_expected,
                "unreadable": balance.feed.unreadable,
                "losses": balance.feed.losses,
                "forks": balance.feed.forks,
                "balanced": balance.feed.balanced,
            },
            "statement": {
                "figures": balance.statement.figures,
                "differing": balance.statement.differing,
                "balanced": balance.statement.balanced,
            },
        }
    else:
        document |= {"stations": [], "stock": []}
    document["events"] = [{"at_s": round(one.at_s, 3), "kind": one.kind.value, "text": one.text} for one in happenings]
    return json.dumps(document, ensure_ascii=False, indent=2)
