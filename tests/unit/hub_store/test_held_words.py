"""What people say of entries that are held back: their item, or that they are to have no effect; in any order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from hub.errors import BadInput
from hub.store import folding, tables
from hub.store.sql import Sql
from hub.store.store import HubStore
from protocol.catalogue import CodeLink
from protocol.chain import Chapter
from protocol.decisions import Dismissed, HeldWord, Released
from protocol.events import Reason, encode_entry
from protocol.identity import Epoch
from tests.unit.hub_store.kept import journal_lines
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    JAM,
    NEW_CODE,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    key,
    on_hand,
    shop,
    store_at,
)

pytestmark = BOTH_ENGINES
BAD_CODE = "4000000000014"
"""Its check digit is wrong."""


def released(till: Station, seq: int, item: str | None = JAM, qty_milli: int | None = None) -> Released:
    return Released(NOON_US, str(till.id(seq)), item, qty_milli, "ann", "I looked")


def dismissed(till: Station, seq: int) -> Dismissed:
    return Dismissed(NOON_US, str(till.id(seq)), "ann", "a child played with it")


async def held(store: HubStore) -> list[tuple[int, str]]:
    return sorted((row.seq, row.reason) for row in (await store.quarantine()).rows)


async def agreed(store: HubStore) -> dict[str, int]:
    await fold_all(store)
    await assert_books_agree(store)
    return {item: milli // 1000 for item, milli in (await on_hand(store)).items() if milli}


def a_till() -> tuple[Station, dict[str, int]]:
    till = Station()
    till.anchor()
    seqs = {
        "fine": till.scan(TEA_CODE),
        "unknown": till.scan(NEW_CODE, -2000),
        "bad": till.scan(BAD_CODE, -3000),
        "orphan": till.undo(99),
        "rubbish": till.say(b"rubbish"),
    }
    till.scan(TEA_CODE)
    return till, seqs


async def test_an_entry_is_of_the_item_that_a_person_says(tmp_path: Path) -> None:
    till, seqs = a_till()
    async with shop(tmp_path) as store:
        await till.tell(store)
        assert await agreed(store) == {"tea": -2}
        assert [seq for seq, _ in await held(store)] == [seqs[each] for each in ("unknown", "bad", "orphan", "rubbish")]
        await store.decide(released(till, seqs["unknown"]))
        assert await agreed(store) == {"tea": -2, "jam": -2}
        await store.decide(released(till, seqs["bad"], qty_milli=-6000))
        assert await agreed(store) == {"tea": -2, "jam": -8}
        assert [seq for seq, _ in await held(store)] == [seqs["orphan"], seqs["rubbish"]]
        # What a person has said holds, whatever the catalogue links later.
        await store.apply_catalogue([CodeLink(key(NEW_CODE), TEA)])
        assert await agreed(store) == {"tea": -2, "jam": -8}
        await store.keeping.unfold()
        assert await agreed(store) == {"tea": -2, "jam": -8}


async def test_what_is_dismissed_has_no_effect_whatever_the_catalogue_links(tmp_path: Path) -> None:
    till, seqs = a_till()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        for name in ("unknown", "bad", "orphan", "rubbish"):
            await store.decide(dismissed(till, seqs[name]))
        assert await agreed(store) == {"tea": -2}
        assert await held(store) == []
        await store.apply_catalogue([CodeLink(key(NEW_CODE), TEA)])
        while len(till.lines) < 99:
            till.scan(TEA_CODE, after_s=0.1)
        await till.tell(store)
        # An undo is off the list, and yet takes back what it names, which came after all.
        sold = sum(line.count(TEA_CODE.encode()) for line in till.lines) - 1
        assert await agreed(store) == {"tea": -sold}
        assert await held(store) == []
        await store.keeping.unfold()
        assert await agreed(store) == {"tea": -sold}
        assert await held(store) == []


@pytest.mark.parametrize(
    ("word", "name"),
    [
        (lambda till, seqs: dismissed(till, seqs["fine"]), "not-held"),
        (lambda till, seqs: dismissed(till, 1000), "not-held"),
        (lambda till, seqs: Dismissed(NOON_US, "nobody", "ann", "x"), "bad-"),
        (lambda till, seqs: released(till, seqs["unknown"], "nothing"), "item-unknown"),
        (lambda till, seqs: released(till, seqs["rubbish"]), "not-goods"),
        (lambda till, seqs: released(till, seqs["orphan"]), "not-goods"),
    ],
)
async def test_what_cannot_be_is_refused(tmp_path: Path, word: object, name: str) -> None:
    till, seqs = a_till()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        head = store.journal.view.head
        with pytest.raises(Exception, match=name):
            await store.decide(word(till, seqs))  # type: ignore[operator]
        assert store.journal.view.head == head


async def test_another_release_tries_all_that_it_could_not_read_before(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    sold = till.scan(TEA_CODE)
    till.scan(TEA_CODE)
    async with shop(tmp_path) as store:
        line = till.lines[sold - 1]
        till.lines[sold - 1] = b'["?"]'
        await till.tell(store)
        assert await agreed(store) == {"tea": -1}

        # A release that understands the line: as if it had been that all along.
        def learn(sql: Sql) -> None:
            chunk = tables.chunk.c
            rows = sql.execute(select(chunk.id, chunk.body)).fetchall()
            (row,) = [number for number, body in rows if b'["?"]' in bytes(body)]
            body = b"\n".join([*till.lines[: sold - 1], line, *till.lines[sold:]])
            sql.execute(update(tables.chunk).where(chunk.id == row).values(body=body))
            sql.execute(delete(tables.meta).where(tables.meta.c.name == "read-by"))

        await store._database.write(learn)
    async with store_at(tmp_path / "hub.db") as store:
        assert await agreed(store) == {"tea": -2}
        assert await held(store) == []


async def test_words_on_the_journal_s_own_entries_follow_them_into_another_epoch(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        base, depth = store.journal.view.head, store.journal.view.depth
        position = await store.journal.append([b'["of a later release"]'])
        await fold_all(store)
        target = f"hub/{position.epoch}/{position.seq}"
        await store.decide(Dismissed(NOON_US, target, "ann", "not for us"))
        assert await agreed(store) == {}
        assert await held(store) == []
        await store.journal.open_epoch(Chapter(Epoch(base.epoch.generation + 1, 9), base, depth))
        assert await agreed(store) == {}
        assert await held(store) == []
        assert f"hub/{Epoch(base.epoch.generation + 1, 9)}/1".encode() in (await journal_lines(store))[-1]


async def live(path: Path, seed: int, order: int) -> object:
    """Tills that scan what nobody knows and undo what nobody did, and people who say what it was."""
    rng = random.Random(seed)
    tills = [Station(f"till-{n}", Epoch(1, n), f"boot-{n}") for n in (1, 2)]
    for till in tills:
        till.anchor()
        for _ in range(25):
            after_s = rng.choice([1, 60, 900])
            match rng.randint(0, 5):
                case 0:
                    till.count(rng.choice([TEA_CODE, NEW_CODE]), rng.randint(0, 9) * 1000, after_s)
                case 1:
                    till.undo(rng.randint(1, 27), after_s)
                case 2:
                    till.say(b"rubbish", after_s)
                case _:
                    till.scan(rng.choice([TEA_CODE, NEW_CODE, BAD_CODE]), -1000, Reason.SALE, after_s)
    words: list[HeldWord] = []
    for _ in range(12):
        till, seq = rng.choice(tills), rng.randint(1, 26)
        words.append(released(till, seq, rng.choice([TEA, JAM, None])) if rng.random() < 0.6 else dismissed(till, seq))
    journal = [encode_entry(word) for word in words]
    rng = random.Random(order)
    folder = path / f"{seed}-{order}"
    folder.mkdir()
    async with shop(folder) as store:
        late = [CodeLink(key(NEW_CODE), JAM)] if seed % 2 else []
        while journal or late or any(till.told < len(till.lines) for till in tills):
            match rng.randint(0, 3):
                case 0 if journal:
                    await store.journal.append([journal.pop(0)])
                case 1:
                    await store.fold_some(rng.choice([1, 5, 1000]))
                case 2 if late:
                    await store.apply_catalogue(late)
                    late = []
                case _:
                    left = [till for till in tills if till.told < len(till.lines)]
                    await store.commit([till.commit(rng.choice([1, 9])) for till in left])
        await agreed(store)
        rows = [(row.item, row.on_hand_milli, row.lo_milli, row.hi_milli) for row in (await store.stock()).rows]
        return [row for row in rows if any(row[1:])], await held(store)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(n, marks=pytest.mark.torture) for n in range(6, 80))])
async def test_the_order_of_arrival_does_not_show(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await live(tmp_path, seed, 0)
    for order, batch in ((1, 1), (2, 9)):
        monkeypatch.setattr(folding, "BATCH", batch)
        assert await live(tmp_path, seed, order) == first


async def test_a_word_under_a_key_is_made_once(tmp_path: Path) -> None:
    till, seqs = a_till()
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        word = Dismissed(NOON_US, str(till.id(seqs["bad"])), "ann", "x", "k")
        first, _ = await store.decide(word)
        assert await store.decide(word) == (first, True)
        with pytest.raises(BadInput, match="key-reused"):
            await store.decide(Dismissed(NOON_US, str(till.id(seqs["unknown"])), "ann", "x", "k"))
