"""Codes meant to do harm, scanned at a till: inert data on every page, in every answer, log, file and on the terminal.

Whoever prints a barcode can have anything in it. Each is scanned through the till's local API in a running shop, which
sells before and after; then all that a person or a program may look at is held against what may stand there.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.store.shop import CODES, Shop

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.asyncio(loop_scope="module")]

MILK, TEA = list(CODES)[:2]
MARK = "hostile"
HOSTILE = {
    "markup": f"<script>document.title='{MARK}'</script><img src=x onerror=\"{MARK}()\">",
    "an attribute": f'" onmouseover="{MARK}()" x=\'',
    "a template": f"{{{{ 7*7 }}}}{{% raise %}}${{{MARK}}}%s%n",
    "SQL": f"{MARK}'; DROP TABLE item; DELETE FROM quarantine; --",
    "a path": f"../../../../../../tmp/{MARK}\\..\\..\\{MARK}",
    "a terminal's commands": f"\x1b]0;{MARK}\x07\x1b[2J\x1b[31m{MARK}\x9b5n",
    "a forged line of a log": f'{MARK}\r\n{{"level":"error","event":"{MARK}"}}\r\n',
    "a forged metric": f'{MARK}"}} 1\nshelfwire_forged 1\n',
    "a spreadsheet's formula": f'=HYPERLINK("http://x/{MARK}","click")',
    "text turned round": f"\u202e{MARK}gpj.exe\u2066",
    "NUL and its like": f"{MARK}\x00\x01\x7f\x85\u2028end",
    "half a character": f"{MARK}\ud800",
    "64 kB": MARK * 9363,
}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\u2066-\u2069]")
PAGES = ("/", "/quarantine", "/counts", "/transfers", "/planning", "/floor", "/periods", "/tags", "/contested")
ANSWERS = ("quarantine", "events", "stations", "stock", "items", "losses")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop at whose till every one of them was scanned, and a good code before and after."""
    async with Shop(tmp_path_factory.mktemp("shop"), {"till-1": "sale"}) as shop:
        await shop.open()
        till = shop.stations["till-1"]
        assert await till.scanner.scan(MILK) is True
        for code in HOSTILE.values():
            body = json.dumps({"code": code}).encode()
            answer = await till.api.post("/v1/scan", content=body, headers={"content-type": "application/json"})
            assert answer.status_code < 500, answer.text
        assert await till.scanner.scan(TEA) is True

        async def booked() -> str | None:
            stock = await shop.hub.stock()
            return None if (stock.get("milk"), stock.get("tea")) == (-1000, -1000) else f"{stock}"

        await shop.until("both good scans to be booked", booked)
        yield shop


async def terminal(*words: str, given: bytes = b"") -> str:
    """Give what a command prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shelfwire.cli", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate(given)
    assert process.returncode in (0, 1), printed
    return printed.decode()


def names(folder: Path) -> list[str]:
    """Name all files below a folder, and what lies beside where its paths could lead."""
    return [path.name for path in (*folder.rglob("*"), *Path("/tmp").glob("*"))]


async def test_some_of_them_came_as_far_as_the_hub(shop: Shop) -> None:
    held = await shop.hub.quarantine()
    assert len([row for row in held if MARK in bytes.fromhex(row.body_hex).decode()]) >= 5


async def test_pages_show_them_as_text(shop: Shop) -> None:
    shown = 0
    for path in PAGES:
        answer = await shop.hub.page(path)
        assert answer.status_code == 200, path
        page = answer.text
        shown += MARK in page
        assert not CONTROLS.search(page), (path, CONTROLS.search(page))
        for tag in re.findall(r"<[^>]*>", page):
            assert MARK not in tag or re.fullmatch(r'<(a href|input|span|bdi|td|th|time|code)[^<]*"[^<]*>', tag), tag
            assert f'{MARK}()"' not in tag.replace("&#34;", "'"), tag
        assert "<script>document" not in page
        assert " 49" not in page or "{{ 7*7 }}" in page, "a template was filled in"
    assert shown


async def test_answers_for_programs_are_json_and_metrics_are_metrics(shop: Shop) -> None:
    for path in ANSWERS:
        answer = await shop.hub.page(f"/api/v1/{path}")
        assert answer.status_code == 200
        assert answer.json() is not None
    for line in (await shop.hub.page("/metrics")).text.splitlines():
        assert re.fullmatch(r'#.*|[a-z0-9_]+(\{([a-z_]+="[^"\\]*",?)*\})? \S+', line), line
        assert MARK not in line
    health = (await shop.stations["till-1"].api.get("/v1/health")).text
    assert json.loads(health)
    assert MARK not in health


async def test_a_line_of_a_log_is_one_event_and_moves_no_cursor(shop: Shop) -> None:
    for process in shop.supervisor.processes:
        if process.name not in ("hub", "till-1"):
            continue
        for line in process.log.read_text().splitlines():
            assert isinstance(json.loads(line), dict), line
            assert not CONTROLS.search(line), line
            assert len(line) < 20_000, line[:200]


async def test_what_a_terminal_is_told_does_not_command_it(shop: Shop, tmp_path: Path) -> None:
    config = str(shop.folder / "till-1.toml")
    for words in (("status",), ("status", "--json"), ("verify",), ("export", "-o", str(tmp_path / "carried"))):
        printed = await terminal("edge", "buffer", *words, "--config", config)
        assert not CONTROLS.search(printed), (words, CONTROLS.search(printed))
    for name, code in HOSTILE.items():
        given = code.encode(errors="surrogatepass") + b"\n"
        printed = await terminal("decode", "-", given=given)
        assert not CONTROLS.search(printed), (name, printed[:200])


async def test_files_are_where_they_were_and_tables_are_whole(shop: Shop) -> None:
    assert not [name for name in names(shop.folder) if MARK in name]
    stock = await shop.hub.stock()
    assert (stock["milk"], stock["tea"]) == (-1000, -1000)
