"""What the first line says, and when a station is well, degraded or silent."""

from __future__ import annotations

from hub.web.health import Health, Prices, StationLine
from hub.web.overview import Glance, Level, Tile, glance
from protocol.events import Mark
from protocol.replication.ports import Loss
from protocol.state import DeviceState, StationState
from tests.unit.hub_web.shop import MILK, MINUTE_US, HqSays, Shop


async def seen(shop: Shop) -> Glance:
    return await glance(shop.store, shop.outside)


async def line(shop: Shop, station: str) -> StationLine:
    return next(each for each in (await seen(shop)).stations if each.row.station == station)


async def tile(shop: Shop, label: str) -> Tile:
    return next(each for each in (await seen(shop)).tiles if each.label == label)


async def test_a_station_that_is_online_and_complete_is_well(shop: Shop) -> None:
    await shop.arrive("till-1", shop.anchor(10), shop.sale(MILK), Mark(shop.when()))
    await shop.say("till-1", StationState("online", catalogue=await shop.current()))
    till = await line(shop, "till-1")
    assert (till.health, till.reasons, till.prices) == (Health.OK, (), Prices.CURRENT)


async def test_after_three_minutes_without_a_word_a_station_is_silent(shop: Shop) -> None:
    await shop.say("till-1", StationState("online"))
    shop.now_us += 3 * MINUTE_US
    assert (await line(shop, "till-1")).health is Health.OK
    shop.now_us += 1
    till = await line(shop, "till-1")
    assert till.health is Health.SILENT
    assert till.reasons[0].startswith("nothing heard for")
    assert (await tile(shop, "Stations")).level is Level.ALARM


async def test_a_station_last_heard_in_2036_is_not_well_until_then(shop: Shop) -> None:
    shop.now_us += 10 * 365 * 24 * 60 * MINUTE_US
    await shop.say("till-1", StationState("online"))
    shop.now_us -= 10 * 365 * 24 * 60 * MINUTE_US
    till = await line(shop, "till-1")
    assert till.health is Health.SILENT
    assert till.reasons == ("last heard by a clock that has been set back since",)
    assert (await tile(shop, "Stations")).level is Level.ALARM


async def test_a_last_will_silences_at_once(shop: Shop) -> None:
    await shop.say("till-1", StationState("online"))
    await shop.say("till-1", StationState("offline"))
    till = await line(shop, "till-1")
    assert till.health is Health.SILENT
    assert till.reasons[0].startswith("offline for")


async def test_a_device_that_cannot_be_used_degrades_its_station_by_name(shop: Shop) -> None:
    await shop.say("till-1", StationState("online", devices=(DeviceState("scale-1", "mt8217", "lost", "unplugged"),)))
    till = await line(shop, "till-1")
    assert (till.health, till.reasons) == (Health.DEGRADED, ("scale-1 lost",))


async def test_held_and_sealed_are_told_in_plain_words(shop: Shop) -> None:
    for standing, says in (("held", "a person must choose"), ("sealed", "taken no more")):
        await shop.say("till-1", StationState("online", standing=standing))
        till = await line(shop, "till-1")
        assert till.health is Health.DEGRADED
        assert says in till.reasons[0]
        assert till.standing == standing


async def test_what_waits_for_a_quarter_of_an_hour_wants_a_look(shop: Shop) -> None:
    await shop.arrive("till-1", shop.anchor(), shop.sale(MILK), Mark(shop.when()))
    await shop.fold()
    await shop.say("till-1", StationState("online", backlog=12))
    unsent = await tile(shop, "Oldest unsent")
    assert (unsent.value.startswith("≤ "), unsent.level) == (True, Level.FINE)
    shop.now_us += 16 * MINUTE_US
    await shop.say("till-1", StationState("online", backlog=12))
    assert (await line(shop, "till-1")).health is Health.DEGRADED
    assert (await tile(shop, "Oldest unsent")).level is Level.LOOK


async def test_the_books_are_right_up_to_the_oldest_of_the_marks_and_unknown_while_one_is_missing(shop: Shop) -> None:
    await shop.arrive("till-1", shop.anchor(11), Mark(shop.when(10)))
    await shop.arrive("till-2", shop.sale(MILK))
    await shop.fold()
    assert await tile(shop, "Books right up to") == Tile("Books right up to", "unknown", "no mark from till-2")
    await shop.arrive("till-2", shop.anchor(41), Mark(shop.when(40)))
    await shop.fold()
    complete = await tile(shop, "Books right up to")
    assert complete.value.startswith("11:5")
    stations = (await seen(shop)).stations
    assert min(each.row.mark_us or 0 for each in stations) == next(
        each.row.mark_us for each in stations if each.row.station == "till-2"
    )


async def test_a_station_with_another_set_of_prices_is_behind_whatever_its_position(shop: Shop) -> None:
    await shop.stocked()
    assert {each.row.station: each.prices for each in (await seen(shop)).stations} == {
        "stockroom": Prices.CURRENT,
        "till-1": Prices.CURRENT,
        "till-2": Prices.BEHIND,
    }
    assert (await tile(shop, "Prices")).value == "1 of 3 behind"


async def test_quarantine_losses_and_conflicts_are_held_back_together(shop: Shop) -> None:
    assert (await tile(shop, "Held back")).level is Level.FINE
    await shop.arrive("till-1", b"garbage", losses=(Loss(shop.pen("till-1").epoch, 5, 9),))
    await shop.fold()
    held = await tile(shop, "Held back")
    assert (held.value, held.note, held.level) == ("1 quarantined", "no conflicts · 1 loss", Level.LOOK)
    shop.contested["s/till-1/stock"] = (1, 2)
    assert (await tile(shop, "Held back")).level is Level.ALARM


async def test_head_office_is_up_to_date_behind_not_reached_or_none(shop: Shop) -> None:
    for says, value, level in (
        (HqSays(), "up to date", Level.FINE),
        (HqSays(feed_backlog=12), "12 behind", Level.FINE),
        (HqSays(feed_backlog=5000), "5\u202f000 behind", Level.LOOK),
        (HqSays(feed_backlog=None), "not answering", Level.LOOK),
        (HqSays(connected=False, feed_backlog=7), "not reached", Level.ALARM),
        (None, "none", Level.FINE),
    ):
        shop.hq = says
        told = await tile(shop, "Head office")
        assert (told.value, told.level) == (value, level)


async def test_a_hostile_device_name_is_a_reason_only(shop: Shop) -> None:
    device = DeviceState("\x1b[2J" + "x" * 500, "serial", "<b>lost</b>")
    await shop.say("till-1", StationState("online", devices=(device,)))
    (reason,) = (await line(shop, "till-1")).reasons
    assert reason.startswith("␛[2J")
    assert len(reason) < 140
