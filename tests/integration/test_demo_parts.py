"""What the demo stands on: processes that die with it, logs read at rest, a folder that goes away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from edge.buffer.sqlite_log import SqliteLog
from protocol.events import Anchor, Count, CountReading, Delta, Mark, Reason, Reversal, StationEntry, When, encode_entry
from shelfwire.demo.at_rest import STOCK_LOG, read_log
from shelfwire.demo.folder import demo_folder
from shelfwire.demo.ports import free_ports, is_free
from shelfwire.demo.processes import ProcessDied, Supervisor
from shelfwire.demo.waiting import DeadlineMissed, wait_for

WHEN = When("b00700000001", 1, 1, synced=True)
SLEEPER = (sys.executable, "-c", "import sys, time; print('here', flush=True); time.sleep(600)")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)",
)

ECHO = (
    "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('here', flush=True)\n"
    "c, _ = s.accept()\nwhile data := c.recv(100): c.sendall(data)"
)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def wait_gone(pid: int) -> None:
    async def gone() -> bool:
        return not is_running(pid)

    await wait_for(f"process {pid} to be gone", gone, 60)


async def wait_says(supervisor: Supervisor, what: str) -> None:
    async def said() -> bool:
        return all(what in process.tail() for process in supervisor.processes)

    await wait_for(f"{what!r} in every log", said, 60)


def contents_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_leaving_the_supervisor_ends_every_process(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        processes = [supervisor.add(f"sleeper-{n}", SLEEPER) for n in range(3)]
        for process in processes:
            await process.start()
        await wait_says(supervisor, "here")
        pids = [process.pid for process in processes]
    for pid in pids:
        assert pid is not None
        assert not is_running(pid)


async def test_a_process_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfwire.demo.processes.STOP_S", 0.2)
    async with Supervisor(tmp_path) as supervisor:
        process = supervisor.add("deaf", DEAF)
        await process.start()
        await wait_says(supervisor, "here")
        pid = process.pid
        await process.stop()
        assert not process.alive
    assert pid is not None
    assert not is_running(pid)


async def test_a_process_that_was_silenced_says_nothing_and_ends_no_connection_and_hears_that_it_is_to_end(
    tmp_path: Path,
) -> None:
    async with Supervisor(tmp_path) as supervisor:
        (port,) = free_ports(1)
        echo = supervisor.add("echo", (sys.executable, "-c", ECHO, str(port)))
        await echo.start()
        await wait_says(supervisor, "here")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        echo.silence()
        writer.write(b"ping\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readline()
        echo.restore()
        async with asyncio.timeout(60):
            assert await reader.readline() == b"ping\n"
        echo.silence()
        await echo.stop()
        assert not echo.alive
        writer.close()


async def test_a_process_that_ends_by_itself_is_noticed_and_one_that_was_killed_is_not(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        process = supervisor.add("quitter", (sys.executable, "-c", "raise SystemExit(3)"))
        await process.start()

        async def ended() -> bool:
            return not process.alive

        await wait_for("it to end", ended, 60)
        with pytest.raises(ProcessDied, match="quitter ended by itself with code 3"):
            supervisor.check()
        sleeper = supervisor.add("sleeper", SLEEPER)
        await process.stop()
        await sleeper.start()
        await sleeper.kill()
        assert sleeper.kills == 1
        supervisor.check()


async def test_not_even_sigkill_of_the_demo_leaves_a_process_behind(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import asyncio, pathlib
        from shelfwire.demo.processes import Supervisor
        async def main():
            async with Supervisor(pathlib.Path({str(tmp_path)!r})) as supervisor:
                process = supervisor.add("sleeper", {SLEEPER!r})
                await process.start()
                print(process.pid, flush=True)
                await asyncio.sleep(600)
        asyncio.run(main())
    """)
    demo = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert demo.stdout is not None
    child = int(await demo.stdout.readline())
    assert is_running(child)
    demo.kill()
    await demo.wait()
    await wait_gone(child)


async def test_a_deadline_says_what_it_waited_for() -> None:
    async def never() -> bool:
        return False

    with pytest.raises(DeadlineMissed, match="waited 0 s for the moon; last seen: clouds"):
        await wait_for("the moon", never, 0.05, lambda: "clouds")


def test_ports_are_different_free_and_not_those_of_clients() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)
    lowest_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(ports) < lowest_of_clients


async def test_what_a_killed_station_had_committed_is_read_from_its_disk(tmp_path: Path) -> None:
    entries: list[StationEntry] = [
        Anchor("b00700000001", 1, 2, 3),
        Delta(WHEN, "scanner", "PLU4011", None, -420, Reason.SALE, "shop"),
        Delta(WHEN, "scanner", "PLU4011", None, -300, Reason.SALE, "shop"),
        Reversal(WHEN, "scanner", "1.0000000000000001", 3),
        CountReading(WHEN, "scanner", "PLU4011", None, 5000, "shop", "session"),
        CountReading(WHEN, "scanner", "PLU4011", None, 2000, "shop", "session"),
        Count(WHEN, 1, "scanner", "PLU4011", 7000, "shop", "session"),
        Mark(WHEN),
    ]
    async with SqliteLog(tmp_path / STOCK_LOG, clock=lambda: 0, nonce=lambda: 1) as log:
        for entry in entries:
            await log.append([encode_entry(entry)])
        # Still open: its write-ahead log holds everything, as after a power cut.
        assert (tmp_path / f"{STOCK_LOG}-wal").stat().st_size > 0
        before = contents_of(tmp_path)
        found = read_log(tmp_path)
        after = contents_of(tmp_path)
    assert list(found.entries) == entries
    assert after == before
    assert (found.scans(), found.scans(3), found.counts()) == (5, 2, 1)
    assert (found.booked(), found.booked(4), found.told()) == (4, 3, 3)


def test_a_station_that_never_began_has_no_entries(tmp_path: Path) -> None:
    assert read_log(tmp_path).entries == ()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_demo_leaves_no_folder(temporary: Path) -> None:
    with demo_folder(None) as folder:
        (folder / "data").mkdir()
        assert folder.parent == temporary
    assert list(temporary.iterdir()) == []


def test_what_a_killed_demo_left_is_removed_by_the_next_and_a_running_one_is_not_disturbed(temporary: Path) -> None:
    with demo_folder(None) as running:
        script = textwrap.dedent("""
            import os, signal
            from shelfwire.demo.folder import demo_folder
            with demo_folder(None) as folder:
                print(folder, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        """)
        ended = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert ended.returncode == -signal.SIGKILL
        dead = ended.stdout.strip()
        assert Path(dead).is_dir()
        assert Path(dead) != running
        with demo_folder(None):
            assert not Path(dead).exists()
            assert running.is_dir()


def test_a_folder_to_keep_stays(tmp_path: Path) -> None:
    with demo_folder(tmp_path / "kept") as folder:
        (folder / "hub.toml").write_text("store = 'x'")
    assert (tmp_path / "kept" / "hub.toml").exists()
    with pytest.raises(FileExistsError), demo_folder(tmp_path / "kept"):
        pass
