"""Identities over REST and on their pages: invited, shown as they enrol, ended, and all of it accounted for.

Beyond 300 lines because REST and pages are two doors to the same identities of one shop.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from hub import tokens
from hub.tokens import Scope
from protocol.draining import DrainTaken
from protocol.identity_words import Certified, Standing
from protocol.invitation import INVITATION_DIGITS, read_invitation
from protocol.service_tokens import TokenSaid
from protocol.state import StationState
from protocol.topics import Stream
from provisioning.authority_folder import make_authority
from tests.unit.hub_store.identities import OLD, handed_over
from tests.unit.hub_store.identities import certified as certified_word
from tests.unit.hub_store.identities import invited as invited_word
from tests.unit.hub_web.asking import assert_problem
from tests.unit.hub_web.enrolling import enrolling
from tests.unit.hub_web.shop import NOON_US, Shop, called, eventually

WHO = {"author": "Ada", "note": "new till"}
TILL = {"position": "till-3", "place": "shop", **WHO}
MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop that enrols stations."""
    shop = Shop(tmp_path / "hub.db")
    authority = make_authority(tmp_path, shop.outside.store, NOON_US, secrets.token_bytes)
    assert authority.store == shop.outside.store
    async with shop.store, enrolling(tmp_path, shop.store, lambda: shop.now_us) as enrolment:
        await eventually(lambda: not enrolment.status.failure)
        shop.enrolling = enrolment
        yield shop


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with called(shop.app()) as client:
        yield client


async def came(shop: Shop, identity: str, serial: str = "a1", *, days: int = 60) -> Standing:
    """Let the station come that was invited."""
    now_us = shop.now_us
    word = Certified(
        now_us, identity, serial, secrets.token_hex(32), now_us - DAY_US, now_us + days * DAY_US, "Ada", ""
    )
    return await shop.store.identities.say(word)


def written(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


async def invite(rest: httpx.AsyncClient, **more: str) -> str:
    made = await rest.post("/api/v1/identities", json={**TILL, **more})
    assert made.status_code == 201, made.text
    identity: str = made.json()["identity"]["identity"]
    return identity


async def test_an_invitation_is_told_once_and_kept_nowhere(
    shop: Shop, rest: httpx.AsyncClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = (await rest.post("/api/v1/identities", json=TILL)).json()
    assert (len(made["digits"]), "".join(made["rows"])) == (INVITATION_DIGITS, made["digits"])
    read = read_invitation(made["digits"])
    assert (read.hub, made["identity"]["state"]) == ("127.0.0.1", "invited")
    await came(shop, made["identity"]["identity"])
    everything = "".join(
        [(await rest.get(path)).text for path in ("/api/v1/identities", "/api/v1/identities/audit", "/stations")]
    )
    everything += caplog.text + written(tmp_path)
    for secret in (made["digits"], *made["rows"], read.token.hex(), read.token.decode("latin-1")):
        assert secret not in everything


async def test_what_became_of_an_invitation_can_be_followed(shop: Shop, rest: httpx.AsyncClient) -> None:
    identity = await invite(rest)
    path = f"/api/v1/identities/{identity}"
    assert (await rest.get(path)).json()["invitation_open"]
    shop.now_us += 16 * MINUTE_US
    assert (await rest.get(path)).json()["state"] == "lapsed"
    assert await invite(rest, again=identity) == identity
    await came(shop, identity)
    await shop.say(identity, (await online(shop)))
    one = (await rest.get(path)).json()
    assert (one["state"], one["position"], one["last_heard_us"]) == ("enrolled", "till-3", shop.now_us)
    assert one["certificates"][0]["serial"] == "a1"
    shop.now_us += 50 * DAY_US
    assert (await rest.get(path)).json()["renewal_late"]
    shop.now_us += 11 * DAY_US
    assert (await rest.get(path)).json()["state"] == "run-out"
    assert_problem(await rest.get("/api/v1/identities/st-nobody"), "identity-unknown", 404)


async def online(shop: Shop) -> StationState:
    return StationState("online", place="shop", standing="reading", catalogue=await shop.current())


async def test_a_key_makes_one_invitation(rest: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k-1"}
    assert (await rest.post("/api/v1/identities", json=TILL, headers=headers)).status_code == 201
    assert_problem(await rest.post("/api/v1/identities", json=TILL, headers=headers), "key-used", 409)
    other = {**TILL, "position": "till-4"}
    assert_problem(await rest.post("/api/v1/identities", json=other, headers=headers), "key-reused", 422)
    assert len((await rest.get("/api/v1/identities")).json()["identities"]) == 1


@pytest.mark.parametrize(
    ("changed", "name", "status"),
    [
        ({"position": "Till 3"}, "bad-request", 422),
        ({"place": "../etc"}, "bad-request", 422),
        ({"mode": "steal"}, "bad-request", 422),
        ({"again": "hub"}, "bad-request", 422),
        ({"replaces": "counts"}, "bad-request", 422),
        ({"valid_s": 10**9}, "bad-request", 422),
        ({"author": ""}, "bad-request", 422),
        ({"note": "\x1b[2J"}, "bad-note", 400),
        ({"area": "nowhere"}, "area-unknown", 400),
        ({"again": "st-aaaaaaaaaaaaa"}, "identity-unknown", 404),
    ],
    ids=str,
)
async def test_what_nobody_can_be_invited_to_is_refused(
    rest: httpx.AsyncClient, changed: dict[str, object], name: str, status: int
) -> None:
    assert_problem(await rest.post("/api/v1/identities", json={**TILL, **changed}), name, status)
    assert (await rest.get("/api/v1/identities")).json()["identities"] == []


async def test_a_spare_is_invited_in_place_of_a_dead_station_and_of_nobody_else(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    dead = await invite(rest)
    await came(shop, dead)
    assert_problem(await rest.post("/api/v1/identities", json=TILL), "position-taken", 409)
    elsewhere = {**TILL, "position": "door", "replaces": dead}
    assert_problem(await rest.post("/api/v1/identities", json=elsewhere), "position-differs", 409)
    spare = await invite(rest, replaces=dead)
    await came(shop, spare, "b1")
    states = {each["identity"]: each["state"] for each in (await rest.get("/api/v1/identities")).json()["identities"]}
    assert states == {dead: "retired", spare: "enrolled"}
    (standing,) = (await rest.get("/api/v1/positions")).json()["positions"]
    assert (standing["position"], standing["station"]) == ("till-3", spare)


async def test_who_is_invited_elsewhere_is_shown_where_it_was_until_it_enrols_there(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    identity = await invite(rest)
    await came(shop, identity)
    shop.now_us += MINUTE_US
    told = await rest.post("/api/v1/identities", json={**TILL, "again": identity, "position": "till-4"})
    assert told.json()["identity"]["position"] == "till-4"
    for position, awaited in (("till-3", True), ("till-4", False)):
        shown = (await rest.get(f"/api/v1/identities/{identity}")).json()
        assert (shown["position"], shown["invitation_open"]) == (position, awaited)
        assert f">{position}<" in (await rest.get(f"/stations/{identity}")).text
        if awaited:
            await came(shop, identity, "a2")


async def test_an_identity_is_ended_once_and_for_all(shop: Shop, rest: httpx.AsyncClient) -> None:
    identity = await invite(rest)
    await came(shop, identity)
    end = f"/api/v1/identities/{identity}/end"
    for how in ("retired", "retired", "revoked"):
        answer = await rest.post(end, json={"end": how, "author": "Ada", "note": "stolen"})
        assert (answer.status_code, answer.json()["state"]) == (200, how)
    assert_problem(await rest.post("/api/v1/identities", json={**TILL, "again": identity}), "identity-ended", 409)
    unknown = await rest.post("/api/v1/identities/st-aaaaaaaaaaaaa/end", json={"end": "revoked", **WHO})
    assert_problem(unknown, "identity-unknown", 404)
    assert_problem(await rest.post(end, json={"end": "forgiven", **WHO}), "bad-request", 422)


async def test_the_log_of_one_that_was_retired_is_let_in_from_the_page_and_over_rest(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    identity = await invite(rest)
    await came(shop, identity)
    path, page = f"/api/v1/identities/{identity}/drain", f"/stations/{identity}"
    assert_problem(await rest.post(path, json=WHO), "identity-live", 409)
    assert "Let its log in once" not in (await rest.get(page)).text
    await rest.post(f"/api/v1/identities/{identity}/end", json={"end": "retired", **WHO})
    shown = (await rest.get(page)).text
    keys = re.findall(r'name="key" value="(\w+)"', shown)
    form = {"stream": "stock", "valid_s": "3600", "author": "Bo", "note": "<found>", "key": keys[0]}
    assert (await rest.post(f"{page}/drain", data=form)).status_code == 303
    (drain,) = (await rest.get(f"/api/v1/identities/{identity}")).json()["drains"]
    assert (drain["author"], drain["until_us"], drain["up_to"]) == ("Bo", shop.now_us + 3_600_000_000, None)
    assert "may come in until" in (await rest.get(page)).text
    taken = DrainTaken(shop.now_us, identity, Stream.STOCK, f"1.{7:016x}", 9, "ab" * 32, "Bo", "")
    await shop.store.identities.say(taken)
    shown = (await rest.get(page)).text
    assert "was taken in, up to" in shown
    assert "&lt;found&gt;" in shown
    assert '<option value="stock">' not in shown
    assert_problem(await rest.post(path, json=WHO), "already-drained", 409)
    assert (await rest.post(path, json={**WHO, "stream": "chatter"})).status_code == 200
    words = (await rest.get("/api/v1/identities/audit", params={"identity": identity})).json()["words"]
    assert [(each["kind"], each["author"]) for each in words[:3]] == [
        ("drain-opened", "Ada"),
        ("drain-taken", "Bo"),
        ("drain-opened", "Bo"),
    ]
    assert words[1]["up_to"] == f"1.{7:016x}:9"
    await rest.post(f"/api/v1/identities/{identity}/end", json={"end": "revoked", **WHO})
    assert_problem(await rest.post(path, json=WHO), "identity-revoked", 409)
    assert_problem(await rest.post(path, json={**WHO, "valid_s": 10**6}), "bad-request", 422)


async def test_all_that_was_said_is_listed_the_newest_first_page_by_page(shop: Shop, rest: httpx.AsyncClient) -> None:
    names = []
    for n in range(5):
        names.append(await invite(rest, position=f"till-{n}"))
        await came(shop, names[-1], f"{n + 1:x}")
    said, after = [], None
    while True:
        params = {"limit": 3} if after is None else {"limit": 3, "after": after}
        page = (await rest.get("/api/v1/identities/audit", params=params)).json()
        said += [(word["kind"], word["identity"]) for word in page["words"]]
        if not said[3:]:
            # What is said meanwhile moves no page.
            await invite(rest, position="late")
        after = page["next"]
        if after is None:
            break
    assert said == [(kind, name) for name in reversed(names) for kind in ("certified", "invited")]
    of_one = (await rest.get("/api/v1/identities/audit", params={"identity": names[0]})).json()["words"]
    assert [(word["kind"], word["author"], word["note"]) for word in of_one] == [
        ("certified", "Ada", ""),
        ("invited", "Ada", "new till"),
    ]
    listed, after = [], None
    while True:
        params = {"limit": 2} if after is None else {"limit": 2, "after": after}
        page = (await rest.get("/api/v1/identities", params=params)).json()
        listed += [each["identity"] for each in page["identities"]]
        after = page["next"]
        if after is None:
            break
    assert len(listed) == 6
    assert listed == sorted(listed)
    awaited = (await rest.get("/api/v1/identities", params={"state": "invited"})).json()["identities"]
    assert [each["position"] for each in awaited] == ["late"]
    assert_problem(await rest.get("/api/v1/identities", params={"after": "x"}), "bad-page", 400)
    assert_problem(await rest.get("/api/v1/identities/audit", params={"after": "x"}), "bad-page", 400)


async def test_who_made_and_who_revoked_a_service_token_is_told_among_it(shop: Shop, rest: httpx.AsyncClient) -> None:
    made = TokenSaid(NOON_US, "1f0c9a7be2", "<b>ERP</b>", ("stock:read", "hub"), None, False, "ann")
    await shop.store.service_tokens.say_missing([made])
    identity = await invite(rest)
    await shop.store.service_tokens.say_missing([replace(made, at_us=NOON_US + 9, revoked=True, author="")])
    first = (await rest.get("/api/v1/identities/audit", params={"limit": 2})).json()
    last = (await rest.get("/api/v1/identities/audit", params={"after": first["next"]})).json()
    revoked, invited_, told = first["words"] + last["words"]
    assert (revoked["kind"], revoked["at_us"], revoked["author"]) == ("token-revoked", NOON_US + 9, "")
    assert (invited_["kind"], invited_["token"], invited_["identity"]) == ("invited", None, identity)
    assert {name: value for name, value in told.items() if value is not None} == {
        "kind": "token-made",
        "at_us": NOON_US,
        "author": "ann",
        "note": "",
        "token": "1f0c9a7be2",
        "name": "<b>ERP</b>",
        "scopes": ["stock:read", "hub"],
    }
    of_one = (await rest.get("/api/v1/identities/audit", params={"identity": identity})).json()["words"]
    assert [each["kind"] for each in of_one] == ["invited"]


async def test_a_hand_over_check_is_told_with_its_signed_record(shop: Shop, rest: httpx.AsyncClient) -> None:
    await shop.store.identities.say(invited_word(at_us=NOON_US - 9))
    await shop.store.identities.say(certified_word(at_us=NOON_US - 8))
    assert "not accepted yet" in (await rest.get("/stations")).text
    assert "Not accepted yet" in (await rest.get(f"/stations/{OLD}")).text
    assert (await rest.get(f"/api/v1/identities/{OLD}/checks")).json() == {"checks": []}
    assert_problem(await rest.get(f"/stations/{OLD}/acceptance"), "not-found", 404)
    assert (await rest.get(f"/api/v1/identities/{OLD}")).json()["handed_over_us"] is None
    word = handed_over(person="<script>ann</script>", at_us=NOON_US)
    await shop.store.identities.say(word)
    (check,) = (await rest.get(f"/api/v1/identities/{OLD}/checks")).json()["checks"]
    assert (check["record"], check["signature"], check["public_key"]) == (word.record, word.signature, word.public_key)
    assert (check["person"], check["flawless"], check["received_us"]) == ("<script>ann</script>", False, word.at_us)
    assert [(step["device"], step["result"], step["fault"]) for step in check["steps"][:2]] == [
        ("hand", "passed", ""),
        ("scale", "failed", "absent"),
    ]
    assert (await rest.get(f"/api/v1/identities/{OLD}")).json()["handed_over_us"] == word.at_us
    audit = (await rest.get("/api/v1/identities/audit")).json()["words"]
    assert (audit[0]["kind"], audit[0]["author"], audit[0]["serial"]) == ("handed-over", OLD, "a1")
    for path in ("/stations", f"/stations/{OLD}", f"/stations/{OLD}/acceptance"):
        page = (await rest.get(path)).text
        assert "&lt;script&gt;ann&lt;/script&gt;" in page
        assert "<script>ann" not in page
    assert_problem(await rest.get("/api/v1/identities/st-aaaaaaaaaaaaa/checks"), "identity-unknown", 404)


async def test_only_who_may_provision_may(shop: Shop) -> None:
    bearers = {}
    made = []
    for scope in (Scope.HUB, Scope.PROVISION):
        one, presented = tokens.make_token(scope.value, [scope], None, NOON_US, secrets.token_urlsafe)
        made.append(one)
        bearers[scope] = {"authorization": f"Bearer {presented}"}
    shop.tokens = tokens.Tokens(made)
    async with called(shop.app()) as client:
        await shop.store.identities.say(invited_word())
        checks = f"/api/v1/identities/{OLD}/checks"
        for path in ("/api/v1/identities", "/api/v1/identities/audit", checks, "/stations", f"/stations/{OLD}"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers=bearers[Scope.HUB])).status_code == 403
            assert (await client.get(path, headers=bearers[Scope.PROVISION])).status_code == 200
        refused = await client.post("/api/v1/identities", json=TILL, headers=bearers[Scope.HUB])
        assert_problem(refused, "scope-missing", 403)


async def test_a_hub_that_enrols_nobody_says_so(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store, called(shop.app()) as client:
        assert_problem(await client.post("/api/v1/identities", json=TILL), "enrolment-off", 409)
        assert "[enrolment]" in (await client.get("/stations")).text
        assert "shelfwire_enrolment" not in (await client.get("/metrics")).text


async def test_a_person_invites_on_the_page_and_sees_who_came(shop: Shop, rest: httpx.AsyncClient) -> None:
    page = (await rest.get("/stations")).text
    (key,) = re.findall(r'name="key" value="(\w+)"', page)
    form = {**TILL, "mode": "count", "valid_s": "3600", "area": "", "key": key}
    made = await rest.post("/stations", data=form)
    assert made.status_code == 201
    shown = "".join(re.findall(r"<li><code>([\d ]+)</code>", made.text)).replace(" ", "")
    assert read_invitation(shown).port == shop.enrolling.status.port  # type: ignore[union-attr]
    assert "<svg" in made.text
    # Sent twice, it invites once.
    assert (await rest.post("/stations", data=form)).status_code == 409
    (one,) = (await rest.get("/api/v1/identities")).json()["identities"]
    assert (one["mode"], one["expires_us"]) == ("count", shop.now_us + 3_600_000_000)
    await came(shop, one["identity"])
    assert "enrolled" in (await rest.get("/stations")).text
    again = (await rest.get("/stations", params={"replaces": one["identity"]})).text
    assert f'name="replaces" value="{one["identity"]}"' in again
    path = f"/stations/{one['identity']}"
    assert "certificate given" in (await rest.get(path)).text
    end = {"end": "revoked", "author": "Ada", "note": "stolen", "sure": one["identity"]}
    assert (await rest.post(f"{path}/end", data={**end, "sure": "yes"})).status_code == 422
    assert (await rest.post(f"{path}/end", data=end)).status_code == 303
    assert (await rest.get(f"/api/v1/identities/{one['identity']}")).json()["state"] == "revoked"


async def test_what_ends_soon_or_was_refused_is_told_on_the_first_page_and_in_the_metrics(
    shop: Shop, rest: httpx.AsyncClient
) -> None:
    await came(shop, await invite(rest))
    assert "1 station" in (await rest.get("/")).text
    await rest.post("/api/v1/identities", json=TILL)
    shop.now_us += 50 * DAY_US
    assert "1 not renewed" in (await rest.get("/")).text
    told = (await rest.get("/metrics")).text
    assert 'shelfwire_identities{state="enrolled"} 1.0' in told
    assert 'shelfwire_enrolment_refused_total{problem="position-taken"} 1.0' in told
    assert "shelfwire_enrolment_failing 0.0" in told
    assert re.search(r'shelfwire_identity_certificate_end_timestamp_seconds{identity="st-\w+",position="till-3"}', told)
    shop.now_us += 20 * DAY_US
    assert "1 run out" in (await rest.get("/")).text
