"""Results as a table for the terminal and as the page `docs/benchmarks.md`. Pure."""

# ruff: noqa: RUF001 - the sign of multiplication is meant

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from bench.figures import Cuts, Figure, PowerCuts, Results

_PAGE = """\
# Benchmarks

Made from `bench/results/published.json` by `make bench ARGS=--publish`; change that, not this page. Each part says when
it was taken and of which commit. The newest run, of {at}, took {seconds:.0f} s and found this machine:

{machine}

Where a bare thing cannot be left out, a figure stands beside it: the *floor*, measured in the same run, in turns with
it where both are short. *× floor* says how many times the floor's time (or memory) it takes. Figures are medians of
several rounds unless a percentile is named. Every commit is durable: SQLite with WAL and `synchronous=FULL`, one sync
each. All of it is on one machine, the connections on loopback. The catalogue has 100,000 items with a code and a price
each, 300,000 rows; sales are spread evenly over 20,000 of them, which is harder on the hub than a shop's real habits.
† other processes used more than a tenth of the processors meanwhile: the figure is worse than it would be alone.
"""

_POWER = """\
## Power cuts

Taken {at} at commit {commit}, in {seconds:.0f} s, all in one run. The disk is a file system of our own that keeps what
was not synced apart and forgets it at the cut, all of it or all but a random part, data and names alike; `make torture`
cuts each of our stores a thousand times. An event is *acknowledged* when the call that stores it has returned. Events
come one by one, a thousandth of a second apart; all that the store made when it was opened is durable before the first
cut, and what is left is read in the way that finds most. The stores *at work* do all that they do in life, are cut many
times, and while they are being made too.

{table}
"""

_NOTES = """\
## How it is measured

- **One scan.** A real agent reads a scanner at a pty that waits for ACK. Time runs from before the first byte is
  written until ACK is read, and until a bystander at the broker hears the hub's cursor cover the scan; the station
  hears the same message. One scan at a time, then a random pause of up to 10 ms. A sync is the median of the bare
  commits made in between. One scan in a hundred meets a sync as slow as one in a hundred is, so its bound is given with
  that sync too: where the bare commit's own p99 is above the first bound, no program can keep it. Likewise, where the
  floor of an acknowledgement is near 3 ms, the promise of 3 ms is one about the machine.
- **Backlog.** A million sales are written to a station's log, then agent, mosquitto and hub run as they do in a shop.
  The rate counts from the first word between station and hub to the cursor that covers the last entry; the whole time
  from the start of the agent's process until the hub has folded the last entry.
  Meanwhile somebody scans seven times a second, and the page's own updates are read as a browser reads them: *seen* is
  when a scan, or one made after it, is first among them. Content and order are compared by the chain of digests at
  both ends.
- **Fifty return.** Fifty real uplinks over logs in memory, in two processes, connect at the same moment, each with
  20,000 events; an agent with its disk is scanned at ten times a second, as in *one scan*, until all fifty are drained.
- **TLS.** The same backlog of a new station each time, in the clear and over mTLS in turns, through one mosquitto that
  listens for both; over TLS the hub's connection is secured like the station's. Timed as *backlog*, with nobody
  scanning.
- **Catalogue.** The snapshot: from the station's first word to the one that says it is durable. The delta: from head
  office's writing the rows, over the hub's log and books, to the station's word.
- **Hub store, station log, station catalogue.** In one process, without network. The hub's floor writes the rows that
  the store wrote, read back from it, in transactions of the same size. PostgreSQL is a server of the bench's own with
  its settings as they come, on the same disk and processors, over a socket: each commit waits for its sync.
- **Station log.** *In its own thread*: the log's transactions, chain, bounds and folding as its thread does them, with
  nobody to wait for: as the bare loop is run, and as peers are, which keep whoever calls them waiting. This is what the
  log costs. *Awaited*: as in a station, which goes on hearing its devices while the card syncs: on top comes the way to
  the thread and back, a bare loop's as well (*handed to a thread and awaited*). Where a sync takes a tenth of a
  millisecond, as on this machine's virtual disk, that way is as long; with syncs of 5 ms, about an SD card's, both are
  next to nothing. *One more offered meanwhile*: two callers, each transaction holding one append, so that the next is
  there when the last is committed. Peers take an event at a time; which of them are durable is told by the power cuts.
  *Callers at once*: threads for the peer, with its lock; ours waits for all of them in one loop, and a commit takes who
  waits.
- **Station log, a whole till.** Rules, runner and both logs in one process, on a disk that sleeps in its syncs, those
  of two files one after the other, and counts them and all that SQLite writes. An idle till's second is 10 ms long;
  of *1 sync*, 0.05 are left to marks and anchors. What the file system writes for its own journal comes on top: 8 kB a
  scan were given to the card by a whole machine ([lab.md](lab.md)).
  The streams are 500 RFID reads a second at a door, eight new tags among them, and 100 weights, all of them logged.
- **Item lookup.** A thousand connections in a process of their own, all kept, each asking again as soon as it is
  answered, for 20,000 of 100,000 items at random; before the rounds each is asked once, which is the figure for the
  first time. A real hub; Starlette served by the same uvicorn and parser, once with the same bytes for every code and
  once with a query on plain rows in SQLite; Django with REST framework and the same rows, under gunicorn with two
  workers of four threads. In turns.
- **RFID presence.** The engine alone, in processor time: every tag in one of four zones, one in eight heard in two, all
  rings full, reports of a hundred reads. The dictionary keeps each tag's last time and count. Both wait for memory once
  the tags do not fit the processor's caches, and so is their loss compared.
- **Station at rest.** A real agent with all of the catalogue, three seconds after its start.

`make bench` writes `bench/results/latest.json`; `make bench ARGS="--only log fold"` measures parts, and with
`--publish` leaves the others as they were published.
"""


def as_page(results: Results) -> str:
    """Write the page."""
    parts = [_PAGE.format(at=results.at, seconds=results.seconds, machine=_machine(results, lines=True))]
    for part, figures in _parts(results):
        rows = ["| | measured | × floor | floor | promised |", "|---|---:|---:|---|---|"]
        rows += [
            f"| {figure.what} | {_measured(figure)} | {_times(figure)} | {_floor(figure)} | {_promise(figure)} |"
            for figure in figures
        ]
        taken = results.taken(figures[0])
        parts.append(
            f"## {part[0].upper()}{part[1:]}\n\nTaken {taken.at} at commit {taken.commit}.\n\n" + "\n".join(rows) + "\n"
        )
    if results.power is not None:
        parts.append(_power_section(results.power))
    return "\n".join([*parts, _NOTES])


def as_text(results: Results) -> str:
    """Write the table for a terminal."""
    blocks: list[str] = []
    for part, figures in _parts(results):
        rows = [(f.what, _measured(f), _times(f), _floor(f), _promise(f)) for f in figures]
        what_w, value_w, times_w = (max(len(row[column]) for row in rows) for column in range(3))
        lines = [
            f"  {what:<{what_w}}  {value:>{value_w}}  {times:>{times_w}}  {floor}".rstrip()
            + (f"\n  {'promised ' + promise:>{what_w}}" if promise else "")
            for what, value, times, floor, promise in rows
        ]
        blocks.append("\n".join([part, *lines]))
    if results.power is not None:
        blocks.append("\n".join(["power cuts", *(f"  {_power_line(one)}" for one in results.power.rows)]))
    legend = "measured, times the floor, floor; † others used more than a tenth of the processors meanwhile"
    return "\n\n".join([_machine(results, lines=False), *blocks, legend])


def told(value: float, unit: str) -> str:
    """Write a value with three significant digits or all before the point, and its unit."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def _power_section(power: PowerCuts) -> str:
    rows = ["| store | cuts | of them lossy | acknowledged | lost |", "|---|---:|---:|---:|---:|"]
    for one in power.rows:
        name = f"{one.store} {one.version}".strip()
        if one.note:
            rows.append(f"| {name} | {one.note} | | | |")
        else:
            rows.append(f"| {name} | {one.cuts:,} | {one.lossy:,} | {one.acknowledged:,} | {one.lost:,} |")
    table = "\n".join([*rows, *(["", *broken] if (broken := _broken(power)) else [])])
    return _POWER.format(at=power.at, commit=power.commit, seconds=power.seconds, table=table)


def _broken(power: PowerCuts) -> list[str]:
    """Tell of stores of ours of which something was wrong afterwards."""
    return [
        f"- {one.store}: {_times_unreadable(one)}" + "".join(f"\n  - {fault}" for fault in one.faults)
        for one in power.rows
        if one.ours and one.unreadable
    ]


def _times_unreadable(one: Cuts) -> str:
    return f"{one.unreadable} could not be read to the end, or had something else wrong"


def _power_line(one: Cuts) -> str:
    name = f"{one.store} {one.version}".strip()
    if one.note:
        return f"{name}: {one.note}"
    unreadable = f"; {_times_unreadable(one)}" if one.unreadable else ""
    return (
        f"{name}: {one.cuts:,} cuts, {one.lossy:,} of them lossy: {one.lost:,} of {one.acknowledged:,} acknowledged"
        f" events lost{unreadable}" + "".join(f"\n    {fault}" for fault in one.faults)
    )


def _parts(results: Results) -> Iterable[tuple[str, list[Figure]]]:
    for part, figures in groupby(results.figures, key=lambda figure: figure.part):
        yield part, list(figures)


def _machine(results: Results, *, lines: bool) -> str:
    machine = results.machine
    told_of = [
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_mb:,} MB,"
        f" Linux {machine.kernel}, {machine.file_system}",
        f"Python {machine.python}, SQLite {machine.sqlite_apsw} (apsw, stations) and {machine.sqlite_stdlib}"
        f" (standard library, hub), mosquitto {machine.mosquitto}",
        f"a fixed computation took up to {machine.noise:.0%} longer at one moment of the run than at another",
    ]
    return "\n".join(f"- {one}" for one in told_of) if lines else "\n".join(told_of)


def _measured(figure: Figure) -> str:
    return told(figure.value, figure.unit) + (" †" if figure.loaded else "")


def _floor(figure: Figure) -> str:
    floor = figure.floor
    return "" if floor is None else f"{told(floor.value, figure.unit)}, {floor.what}"


def _times(figure: Figure) -> str:
    times = figure.times_floor
    return "" if times is None else f"{times:.1f}×" if times < 100 else f"{times:,.0f}×"


def _promise(figure: Figure) -> str:
    return "" if figure.limit is None else f"{figure.limit.text}: {'kept' if figure.holds else 'MISSED'}"
