"""The composition root of a station: builds every part from the settings, runs them, and takes them down in order.

Beyond 300 lines because nothing else may build parts: all of it is here, in the order it is built in.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge.api.app import Api
from edge.api.logs import LogDesk
from edge.api.server import LocalApi
from edge.buffer.api import LogLimits, StationLog
from edge.buffer.mending import opened
from edge.buffer.salvage import SetAside
from edge.buffer.sqlite_log import SqliteLog
from edge.catalogue.replica import CatalogueReplica
from edge.clock import SystemClock, read_boot_id
from edge.drivers.api import parse_table
from edge.drivers.feedback import Feedback, GpioFeedback, MemoryFeedback
from edge.drivers.installed import installed_drivers
from edge.drivers.lights import FeedbackSettings
from edge.drivers.unloadable import Unloadable
from edge.errors import BadDriver, BadSettings, EdgeError, HardwareAbsent
from edge.folders import make_folder
from edge.hardware.watch import Plug, PlugWatch
from edge.health import HealthDesk
from edge.lookup import CatalogueLookup
from edge.runner.runner import Runner
from edge.runner.supervisor import Peripheral
from edge.settings import Selling, Settings, TlsSettings, near
from edge.standing import StandingDesk
from edge.station.anchoring import NOTE as ANCHOR_NOTE
from edge.station.anchoring import Anchoring
from edge.station.chatter import ChatterGate
from edge.station.config import StationConfig
from edge.station.station import Station
from edge.storage import StorageDesk
from edge.uplink.tls import TlsFiles
from edge.uplink.uplink import Uplink, UplinkSettings
from protocol.catalogue import STORE, area_scope, station_scope
from protocol.identity import DeviceId
from protocol.topics import Stream

LOCK_FILE = "agent.lock"
STOCK_FILE = "stock.db"
CHATTER_FILE = "chatter.db"
CATALOGUE_FILE = "catalogue.db"
MIB = 1024 * 1024
LAST_DRAIN_S = 1.0
UPLINK_AGAIN_S = 5.0

_log = logging.getLogger(__name__)


class AlreadyRunning(EdgeError):
    """Another agent works in this data folder."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The station takes scans: where its API is, and how long the start took."""

    station: str
    api: str
    pid: int
    took_ms: int


def build_devices(settings: Settings) -> tuple[list[Peripheral], Feedback]:
    """Make every device and the lights, opening none. Raises `BadSettings` with the place in the file."""
    peripherals: list[Peripheral] = []
    specs = installed_drivers()
    for name, one in settings.devices.items():
        spec = specs.get(one.driver)
        if spec is None:
            raise BadSettings(f"devices.{name}.driver", f"no driver {one.driver!r}", near(one.driver, specs))
        try:
            driver = spec.load()
        except BadDriver as error:
            _log.error("driver not loaded", extra={"device": name, "error": str(error)})
            peripherals.append(Peripheral(name, spec.name, Unloadable(str(error))))
            continue
        with _in_table(f"devices.{name}"):
            device = driver.make_from(one.table)
            peripherals.append(Peripheral(name, driver.name, device, _paths(one.table), driver.experimental))
    if settings.lights is None:
        return peripherals, MemoryFeedback()
    with _in_table("lights"):
        return peripherals, GpioFeedback(parse_table("lights", FeedbackSettings, settings.lights))


def _paths(table: Mapping[str, object]) -> tuple[str, ...]:
    """Give the files that a device's table names: by these it comes and goes."""
    return tuple(value for value in table.values() if isinstance(value, str) and value.startswith("/"))


class Agent:
    """One station. `version` is told to the hub; `on_ready` is called once scans are taken."""

    def __init__(self, settings: Settings, version: str, on_ready: Callable[[Ready], None]) -> None:
        """Raises `BadSettings` for a device that cannot be as its table says."""
        self._settings = settings
        self._version = version
        self._on_ready = on_ready
        self._peripherals, self._feedback = build_devices(settings)

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT, then stop in order. Raises `EdgeError` if the station cannot work."""
        started = time.monotonic()
        settings = self._settings
        stop = asyncio.Event()
        async with AsyncExitStack() as stack:
            stack.enter_context(_signals(stop))
            stack.enter_context(only_agent(settings.data_dir))
            clock = SystemClock(read_boot_id())
            anchoring = Anchoring(clock.boot)

            def utc_us() -> int:
                return anchoring.stored_us(clock.now())

            limits = settings.limits
            stock_limits = _log_limits(limits.stock_mib, limits.reserve_mib)
            chatter_limits = _log_limits(limits.chatter_mib, 0)
            stock = await stack.enter_async_context(self._log_file(STOCK_FILE, stock_limits, utc_us))
            chatter = await stack.enter_async_context(self._log_file(CHATTER_FILE, chatter_limits, utc_us))
            anchoring.resume(stock.notes().get(ANCHOR_NOTE))
            replica = await stack.enter_async_context(CatalogueReplica(settings.data_dir / CATALOGUE_FILE))
            if replica.begun_anew is not None:
                _log.error("catalogue set aside", extra={"why": replica.begun_anew})
            lookup = CatalogueLookup(replica, anchoring.utc_us, settings.codes)
            scopes = (station_scope(settings.station), area_scope(settings.place), STORE)
            rules = Station(
                StationConfig(
                    place=settings.place,
                    mode=settings.mode,
                    scopes=scopes,
                    scale=settings.scale,
                    weight_wait_us=round(limits.weight_wait_s * 1e6),
                    count_codes=limits.count_codes,
                    idle_us=round(limits.session_idle_s * 1e6) or None,
                    dwell_us={name: one.dwell_ms * 1000 for name, one in settings.devices.items()},
                    store=settings.store,
                    area=settings.area,
                    baskets=settings.selling is Selling.BASKET,
                )
            )
            plugs = await _plugs(stack, self._peripherals)
            gate = ChatterGate(limits.chatter_per_s)
            storage = StorageDesk(
                settings.data_dir, stock, chatter, clock.up_us, lambda: anchoring.past_us(clock.now()), gate
            )
            runner = Runner(
                rules,
                stock,
                chatter,
                clock,
                lookup,
                self._peripherals,
                self._feedback,
                gate,
                anchoring,
                plugs=plugs,
                presence=settings.presence,
                has_lights=settings.lights is not None,
            )
            desk = HealthDesk(
                settings, self._version, clock, anchoring.utc_us, runner, stock, chatter, replica, storage
            )
            hub = UplinkSettings(
                settings.store, settings.station, settings.hub.host, settings.hub.port, _tls_files(settings.hub.tls)
            )
            uplink = Uplink(hub, stock, chatter, replica, clock, runner.anchor, desk.state)
            logs = LogDesk(settings.store, settings.station, {Stream.STOCK: stock, Stream.CHATTER: chatter}, utc_us)
            api = Api(
                runner,
                lookup,
                clock,
                scopes,
                lambda: desk.health(uplink.connected, uplink.drained, uplink.trouble),
                logs,
            )
            # Left in this order: the runner stops first, what it wrote last is drained, then the logs close.
            at_work = asyncio.Event()
            await stack.enter_async_context(_draining(uplink, at_work))
            local = await stack.enter_async_context(LocalApi(api, settings.api.host, settings.api.port))
            await stack.enter_async_context(runner)
            at_work.set()
            ready = Ready(settings.station, local.url, os.getpid(), round((time.monotonic() - started) * 1000))
            _log.info("ready", extra={"station": ready.station, "api": ready.api, "took_ms": ready.took_ms})
            # What was built so far stays for good: a full collection need not look at it, nor a scan wait for that.
            gc.freeze()
            self._on_ready(ready)
            standing = StandingDesk(runner, uplink, self._feedback)
            await _first_of(stop.wait(), runner.watch(), local.watch(), standing.run(), storage.run())
            _log.info("stopping")
        _log.info("stopped")

    @asynccontextmanager
    async def _log_file(self, name: str, limits: LogLimits, utc_us: Callable[[], int]) -> AsyncIterator[StationLog]:
        path = self._settings.data_dir / name

        def make() -> SqliteLog:
            return SqliteLog(path, clock=utc_us, nonce=_nonce, limits=limits)

        async with opened(path, make, _nonce, utc_us, partial(_tell_damage, name)) as log:
            yield log


def _tls_files(tls: TlsSettings | None) -> TlsFiles | None:
    return None if tls is None else TlsFiles(Path(tls.ca), Path(tls.certificate), Path(tls.key), tls.name)


def _log_limits(mib: int, reserve_mib: int) -> LogLimits:
    return LogLimits(max_bytes=mib * MIB, keep_bytes=mib * MIB // 4, reserve_bytes=reserve_mib * MIB)


def _nonce() -> int:
    return secrets.randbits(64)


def _tell_damage(name: str, done: SetAside) -> None:
    """Say in the station's journal what its hub will show as a loss."""
    _log.error(
        "log damaged and set aside",
        extra={
            "log": name,
            "why": done.why,
            "aside": str(done.aside),
            "epoch": str(done.epoch),
            "kept": done.kept,
            "first": done.first,
            "last": done.last,
        },
    )


async def _plugs(stack: AsyncExitStack, peripherals: Iterable[Peripheral]) -> dict[DeviceId, Plug]:
    """Watch the folders where devices appear. Without that, devices are tried again and again."""
    try:
        watch = await stack.enter_async_context(PlugWatch())
        return {one.id: watch.plug(one.paths) for one in peripherals if one.paths}
    except HardwareAbsent as error:
        _log.warning("plugs not watched", extra={"error": str(error)})
        return {}


@contextmanager
def only_agent(data_dir: Path) -> Iterator[None]:
    """Hold the data folder, made if need be, for this process alone. Raises `AlreadyRunning`, `EdgeError`."""
    try:
        make_folder(data_dir, 0o750)
        # Never deleted: two processes could then hold locks on two files of this name.
        descriptor = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise EdgeError(f"data folder {data_dir}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning(f"another agent works in {data_dir}") from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@contextmanager
def _in_table(path: str) -> Iterator[None]:
    """Say in which table of the file a driver found its settings wrong."""
    try:
        yield
    except BadSettings as error:
        key = f"{path}.{error.key}" if error.key else path
        raise BadSettings(key, error.detail, error.suggestion) from error


@asynccontextmanager
async def _draining(uplink: Uplink, at_work: asyncio.Event) -> AsyncIterator[None]:
    """Talk to the hub once the station is at work; at the end give the last entries a moment to leave."""
    talking = asyncio.create_task(_talk(uplink, at_work), name="uplink")
    try:
        yield
    finally:
        give_up = time.monotonic() + LAST_DRAIN_S
        # The uplink has no event for this, and it is the last second of the process.
        while uplink.connected and uplink.drained.stock > 0 and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        talking.cancel()
        await asyncio.wait([talking])


async def _talk(uplink: Uplink, at_work: asyncio.Event) -> None:
    """Run the uplink. A bug in it must not stop the shop from selling: it is logged, and begun again."""
    # Not before: the hub may want a new epoch, and the rules would be reading the log for their last period.
    await at_work.wait()
    while True:
        try:
            await uplink.run()
        except Exception as error:  # noqa: BLE001 - see above
            _log.error("uplink broke", exc_info=error)
        await asyncio.sleep(UPLINK_AGAIN_S)


async def _first_of(*jobs: Awaitable[object]) -> None:
    """Wait until one job ends, and raise what it raised."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
