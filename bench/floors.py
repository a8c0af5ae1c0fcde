"""The bare things that figures are compared with: a raw SQLite loop on each of the two libraries, raw MQTT."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

import apsw
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

_TABLE = "CREATE TABLE entry (depth INTEGER PRIMARY KEY, line BLOB NOT NULL)"
_INSERT = "INSERT INTO entry (line) VALUES (?)"


class Commits:
    """Commits one line at a time with apsw, WAL and FULL: one sync each. `with` opens and closes the file."""

    def __init__(self, path: Path) -> None:
        self._connection = _apsw(path)

    def __enter__(self) -> Commits:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def commit_s(self, line: bytes) -> float:
        """Commit a line; give the seconds it took."""
        began = time.perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(_INSERT, (line,))
        self._connection.execute("COMMIT")
        return time.perf_counter() - began


def apsw_append_s(path: Path, lines: Sequence[bytes], per_transaction: int, vfs: str | None = None) -> float:
    """Write lines with apsw, WAL and FULL, `per_transaction` at a time: what all took, in seconds."""
    connection = _apsw(path, vfs)
    began = time.perf_counter()
    for start in range(0, len(lines), per_transaction):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, [(line,) for line in lines[start : start + per_transaction]])
        connection.execute("COMMIT")
    taken = time.perf_counter() - began
    connection.close()
    return taken


async def handed_append_s(path: Path, lines: Sequence[bytes], per_transaction: int) -> float:
    """Do the same with apsw in a thread, each transaction handed to it by the event loop and awaited.

    What every loop pays that goes on while the disk syncs: a queue there, a future back; no chain, groups or bounds.
    """
    loop = asyncio.get_running_loop()
    jobs: SimpleQueue[tuple[Sequence[bytes], asyncio.Future[None]] | None] = SimpleQueue()

    def work() -> None:
        connection = _apsw(path)
        while (job := jobs.get()) is not None:
            part, stored = job
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, [(line,) for line in part])
            connection.execute("COMMIT")
            loop.call_soon_threadsafe(stored.set_result, None)
        connection.close()

    thread = threading.Thread(target=work, name="floor")
    thread.start()
    began = time.perf_counter()
    for start in range(0, len(lines), per_transaction):
        stored: asyncio.Future[None] = loop.create_future()
        jobs.put((lines[start : start + per_transaction], stored))
        await stored
    taken = time.perf_counter() - began
    jobs.put(None)
    await asyncio.to_thread(thread.join)
    return taken


def stdlib_append_s(path: Path, lines: Iterable[bytes], per_transaction: int) -> float:
    """Do the same with the standard library's sqlite3."""
    connection = stdlib(path)
    connection.execute(_TABLE)
    began = time.perf_counter()
    rest = iter(lines)
    while part := [(line,) for line in islice(rest, per_transaction)]:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, part)
        connection.execute("COMMIT")
    taken = time.perf_counter() - began
    connection.close()
    return taken


def stdlib(path: Path) -> sqlite3.Connection:
    """Open a file with the standard library's sqlite3, as durable as the hub's."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _apsw(path: Path, vfs: str | None = None) -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs=vfs)
    connection.pragma("locking_mode", "EXCLUSIVE")
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "FULL")
    connection.execute(_TABLE)
    return connection


class Echo:
    """Two bare paho clients on one broker: one publishes at QoS 1, the other hears it. `with` connects them."""

    TOPIC = "floor"

    def __init__(self, port: int, in_flight: int) -> None:
        self._port = port
        self._heard = threading.Semaphore(0)
        self._bytes = 0
        self._publisher = bare_client(in_flight)
        self._subscriber = bare_client(in_flight)
        self._subscriber.on_message = self._hear

    def __enter__(self) -> Echo:
        for client in (self._publisher, self._subscriber):
            connect(client, self._port)
        ready = threading.Event()
        self._subscriber.on_subscribe = lambda *_: ready.set()
        self._subscriber.subscribe(self.TOPIC, qos=1)
        if not ready.wait(10):
            raise TimeoutError("no SUBACK within 10 s")
        return self

    def __exit__(self, *_: object) -> None:
        for client in (self._publisher, self._subscriber):
            client.disconnect()
            client.loop_stop()

    def round_trip_s(self, payload: bytes) -> float:
        """Publish and wait until it is heard: what that took, in seconds."""
        began = time.perf_counter()
        self._publisher.publish(self.TOPIC, payload, 1)
        self._wait()
        return time.perf_counter() - began

    def throughput_s(self, payloads: Sequence[bytes], window: int) -> float:
        """Publish all, at most `window` not heard yet, and wait until all are heard: what it took, in seconds."""
        began = time.perf_counter()
        for number, payload in enumerate(payloads):
            if number >= window:
                self._wait()
            self._publisher.publish(self.TOPIC, payload, 1)
        for _ in range(min(window, len(payloads))):
            self._wait()
        return time.perf_counter() - began

    def _hear(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        self._bytes += len(message.payload)
        self._heard.release()

    def _wait(self) -> None:
        if not self._heard.acquire(timeout=30):
            raise TimeoutError("a message published was not heard within 30 s")


def bare_client(in_flight: int = 20) -> Client:
    """Make a client of MQTT 5 with nothing of ours."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(in_flight)
    client.max_queued_messages_set(0)
    return client


def connect(client: Client, port: int) -> None:
    """Connect a client on loopback and start its thread."""
    client.connect("127.0.0.1", port)
    # paho leaves Nagle's algorithm on, and an exchange then waits 40 ms for nothing.
    raw = client.socket()
    assert isinstance(raw, socket.socket)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.loop_start()
