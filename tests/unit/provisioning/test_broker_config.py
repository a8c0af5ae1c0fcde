"""What a broker is told, to the letter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.enrolment import Role
from protocol.errors import BadInput
from protocol.identity import StoreId
from protocol.identity_words import End
from provisioning.broker_config import Listening, Member, configuration, hq_permissions, store_permissions
from provisioning.broker_lists import lists_of
from tests.unit.provisioning.shop import DAY_US, NOON_US, STORE, Shop

OAK = StoreId("oak")
LISTENING = Listening(
    port=8883, ca="/b/ca.pem", certificate="/b/own.pem", key="/b/own.pem", revoked="/b/c", permissions="/b/a"
)


def test_a_station_s_permissions_are_its_own_topics_and_what_is_for_all() -> None:
    assert store_permissions([Member("st-a", OAK, Role.STATION)]).splitlines()[1:] == [
        "",
        "user st-a",
        "topic write shelfwire/1/oak/s/st-a/log/stock",
        "topic write shelfwire/1/oak/s/st-a/log/chatter",
        "topic write shelfwire/1/oak/s/st-a/live",
        "topic write shelfwire/1/oak/s/st-a/state",
        "topic write shelfwire/1/oak/s/st-a/want",
        "topic write shelfwire/1/oak/s/st-a/reply",
        "topic read shelfwire/1/oak/s/st-a/cursor/stock",
        "topic read shelfwire/1/oak/s/st-a/cursor/chatter",
        "topic read shelfwire/1/oak/s/st-a/cat",
        "topic read shelfwire/1/oak/s/st-a/cmd",
        "topic read shelfwire/1/oak/cat/head",
        "topic read shelfwire/1/oak/cat/log",
    ]


def test_at_head_office_a_hub_speaks_for_its_own_store_only() -> None:
    text = hq_permissions([Member("hq", StoreId("hq"), Role.HQ), Member("hub-oak", OAK, Role.HUB)])
    office, hub = text.split("user hub-oak\n")
    assert "topic write shelfwire/1/+/hq/cat" in office
    assert "topic read shelfwire/1/+/feed/log" in office
    assert {line.split("/")[2] for line in hub.splitlines()} == {"oak"}
    assert "topic write shelfwire/1/oak/feed/log" in hub
    assert "topic write shelfwire/1/oak/hq/cat" not in hub


@pytest.mark.parametrize("name", ["", "a b", "a\ntopic readwrite #", "#", "+", "A", "../a"])
def test_a_name_that_is_none_is_written_into_no_list(name: str) -> None:
    with pytest.raises(BadInput):
        store_permissions([Member(name, OAK, Role.STATION)])


@pytest.mark.parametrize("path", ["/b/a\nallow_anonymous true", "/b/a\r", " /b/a", "/b/\x00"])
def test_a_path_is_one_line_or_refused(path: str) -> None:
    with pytest.raises(BadInput):
        configuration(replace(LISTENING, permissions=path))


def test_whoever_is_let_in_shows_a_certificate_and_goes_by_the_name_in_it() -> None:
    lines = configuration(LISTENING).splitlines()
    for line in (
        "allow_anonymous false", "require_certificate true", "use_identity_as_username true",
        "use_username_as_clientid true", "crlfile /b/c", "acl_file /b/a", "listener 8883", "set_tcp_nodelay true",
    ):  # fmt: skip
        assert line in lines
    assert sum(line.startswith("listener") for line in lines) == 1


async def test_lists_have_another_name_for_other_identities_and_every_day() -> None:
    shop = Shop()
    names = [lists_of(await shop.book.standings(), STORE, NOON_US).generation]
    _, issued = await shop.enrolled()
    standing = issued.standing
    names.append(lists_of([standing], STORE, NOON_US).generation)
    assert lists_of([standing], STORE, NOON_US + 1).generation == names[-1]
    names.append(lists_of([standing], STORE, NOON_US + DAY_US).generation)
    ended = await shop.desk.end(standing.identity, End.REVOKED, "ann", "stolen")
    gone = lists_of([ended], STORE, NOON_US)
    names.append(gone.generation)
    assert len(set(names)) == len(names)
    assert gone.serials == {standing.certificates[0].serial}
    text = gone.files(shop.authority, NOON_US)["acl"].decode()
    assert standing.identity not in text
    assert f"topic write shelfwire/1/{STORE}/broker/{gone.generation}" in text
