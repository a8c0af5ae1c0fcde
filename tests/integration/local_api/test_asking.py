"""What the local API tells of items and labels, and what it calls what is not there."""

from __future__ import annotations

import httpx

from edge.api.server import LocalApi
from edge.lookup import CatalogueLookup
from protocol.variable_measure import parse_patterns
from tests.integration.local_api.serving import api_of, name_of
from tests.integration.station_rig import (
    BAD,
    BANANAS,
    DEADLINE_S,
    MILK,
    UNKNOWN,
    StationRig,
    stocked,
)


async def test_an_item_is_told_with_its_price_and_the_catalogues_version(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/v1/items/{MILK}")).json() == {
        "code": MILK,
        "item": "milk",
        "name": "Milk 1 l",
        "unit": "each",
        "factor_milli": 1000,
        "price": {"minor": 119, "currency": "EUR"},
        "catalogue": 9,
        "weight_g": None,
        "label_price": None,
    }
    assert (await client.get(f"/v1/items/{BANANAS}")).json()["unit"] == "kg"
    unknown = await client.get(f"/v1/items/{UNKNOWN}")
    assert (unknown.status_code, name_of(unknown)) == (404, "unknown-item")
    assert name_of(await client.get(f"/v1/items/{BAD}")) == "check-digit"
    assert name_of(await client.get("/v1/items/https%3A%2F%2Fexample.org%2Fx")) == "unknown-item"


async def test_what_a_label_says_is_told(rig: StationRig) -> None:
    label = f"(01)0{BANANAS}(3103)000734(3922)140"
    rig.rules = parse_patterns((), "EUR")
    async with rig.at_work() as runner, await stocked() as catalogue:
        lookup = CatalogueLookup(catalogue, lambda when: when.wall_us, rig.rules)
        async with (
            LocalApi(api_of(runner, lookup), "127.0.0.1", 0) as local,
            httpx.AsyncClient(base_url=local.url, timeout=DEADLINE_S, trust_env=False) as client,
        ):
            told = (await client.get(f"/v1/items/{label}")).json()
            assert (told["item"], told["weight_g"]) == ("bananas", 734)
            assert told["label_price"] == {"minor": 140, "currency": "EUR"}
            sold = (await client.post("/v1/scan", json={"code": label})).json()
            assert (sold["qty_milli"], sold["price"]["minor"], sold["label_price"]["minor"]) == (734, 199, 140)
            assert (await client.get("/v1/session")).json()["total"]["minor"] == 140


async def test_what_is_not_there_is_a_named_error(client: httpx.AsyncClient) -> None:
    assert name_of(await client.get("/v2")) == "no-such-resource"
    assert name_of(await client.get("/v1/scan")) == "no-such-method"
