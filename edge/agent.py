"""The composition root of a station: builds every part from the settings, runs them, and takes them down in order.

Beyond 300 lines because nothing else may build parts: all of it is here, in the order it is built in.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge.api.app import Api
from edge.api.enrol import EnrolPages
from edge.api.handover import CheckPages
from edge.api.health_messages import NobodyAnswer, standing_answer
from edge.api.logs import LogDesk
from edge.api.messages import status_answer
from edge.api.server import LocalApi
from edge.buffer.api import LogLimits, StationLog
from edge.buffer.mending import opened
from edge.buffer.salvage import SetAside
from edge.buffer.sealing import Owner, claim, drop_catalogue, finish_sealing, owner_of, seal
from edge.buffer.sqlite_log import SqliteLog
from edge.catalogue.replica import CatalogueReplica
from edge.clock import SystemClock, read_boot_id
from edge.codecs.readings import Scan
from edge.configuring.desk import SettingsDesk
from edge.drivers.api import parse_table
from edge.drivers.feedback import Feedback, GpioFeedback, MemoryFeedback
from edge.drivers.installed import installed_drivers
from edge.drivers.lights import FeedbackSettings
from edge.drivers.unloadable import Unloadable
from edge.enrol.api import NoWire
from edge.errors import BadDriver, BadSettings, EdgeError, HardwareAbsent
from edge.folders import make_folder
from edge.hardware.watch import Plug, PlugWatch
from edge.health import HealthDesk
from edge.lookup import CatalogueLookup
from edge.machine import MachineDesk
from edge.runner.handover import HandoverDesk
from edge.runner.handover_plan import plan_of
from edge.runner.runner import Runner
from edge.runner.supervisor import Peripheral
from edge.settings import Machine, Selling, Settings, TlsSettings, near
from edge.standing import StandingDesk
from edge.station.actions import Goods
from edge.station.anchoring import NOTE as ANCHOR_NOTE
from edge.station.anchoring import Anchoring
from edge.station.chatter import ChatterGate
from edge.station.config import StationConfig
from edge.station.station import Station
from edge.storage import StorageDesk
from edge.uplink.tls import TlsFiles
from edge.uplink.uplink import Uplink, UplinkSettings
from edge.whoever import as_enrolled
from protocol.catalogue import STORE, area_scope, station_scope
from protocol.errors import BadInput
from protocol.events import When
from protocol.handshake import Trouble
from protocol.identity import DeviceId
from protocol.topics import Stream

LOCK_FILE = "agent.lock"
STOCK_FILE = "stock.db"
CHATTER_FILE = "chatter.db"
CATALOGUE_FILE = "catalogue.db"
MIB = 1024 * 1024
LAST_DRAIN_S = 1.0
UPLINK_AGAIN_S = 5.0
OWN_TROUBLES = frozenset(
    {Trouble.OWN_REVOKED, Trouble.OWN_EXPIRED, Trouble.OWN_REFUSED, Trouble.OWN_MISSING, Trouble.NOT_LET_IN}
)

if TYPE_CHECKING:
    from edge.enrol.desk import EnrolDesk

_log = logging.getLogger(__name__)


class AlreadyRunning(EdgeError):
    """Another agent works in this data folder."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The station is at work: where its API is, and how long the start took.

    `enrolled` is false for one that is nobody yet (`station` is "" then), and refuses every scan but an invitation.
    """

    station: str
    api: str
    pid: int
    took_ms: int
    enrolled: bool = True
    hub: str = ""
    """Where its broker is, which knows what time it is."""


def build_devices(settings: Machine) -> tuple[list[Peripheral], Feedback]:
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
            checks = driver.checked_by(one.table)
            peripherals.append(Peripheral(name, driver.name, device, _paths(one.table), driver.experimental, checks))
    if settings.lights is None:
        return peripherals, MemoryFeedback()
    with _in_table("lights"):
        return peripherals, GpioFeedback(parse_table("lights", FeedbackSettings, settings.lights))


def _paths(table: Mapping[str, object]) -> tuple[str, ...]:
    """Give the files that a device's table names: by these it comes and goes."""
    return tuple(value for value in table.values() if isinstance(value, str) and value.startswith("/"))


class Agent:
    """One station. `version` is told to the hub; `on_ready` is called whenever it is at work."""

    def __init__(self, machine: Machine, version: str, on_ready: Callable[[Ready], None]) -> None:
        """`machine` names the station, or its identity does. Raises `BadSettings` for a device that cannot be as its
        table says."""
        self._machine = machine
        self._version = version
        self._on_ready = on_ready
        self._port = machine.api.port
        self._board = MachineDesk(machine.data_dir)
        self._logs: tuple[StationLog, ...] = ()
        self.stopping = asyncio.Event()
        """Set once it was told to stop."""
        build_devices(machine)

    async def answers(self) -> None:
        """Return once every open log's thread has answered. Raises `EdgeError` for one that is dead."""
        for log in self._logs:
            await log.answers()

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT, then stop in order. Raises `EdgeError` if the station cannot work."""
        machine, stop = self._machine, self.stopping
        async with AsyncExitStack() as stack:
            stack.enter_context(_signals(stop))
            stack.enter_context(only_agent(machine.data_dir))
            given = SettingsDesk(machine.data_dir, self._version, build_devices)
            if isinstance(machine, Settings):
                while not stop.is_set():
                    await self._work(machine, stop, None, given)
                return
            desk = await stack.enter_async_context(_enrol_desk(machine.data_dir))
            await _take_laid(desk, machine.enrol)
            while not stop.is_set():
                settings = as_enrolled(machine, desk.take_up())
                await (self._wait(stop, desk) if settings is None else self._work(settings, stop, desk, given))

    async def _wait(self, stop: asyncio.Event, desk: EnrolDesk) -> None:
        """Be nobody, until an invitation was followed to its end."""
        from edge.runner.doorstep import Doorstep

        started = time.monotonic()
        peripherals, feedback = build_devices(self._machine)
        async with AsyncExitStack() as stack:
            clock = SystemClock(read_boot_id())
            doorstep = Doorstep(desk, peripherals, feedback, await _plugs(stack, peripherals))

            def health() -> NobodyAnswer:
                now = clock.now()
                told = status_answer(doorstep.status), standing_answer(desk.standing)
                return NobodyAnswer(self._version, now.boot, now.up_us, now.synced, *told)

            def nothing(scan: Scan, when: When) -> Goods:
                raise BadInput(doorstep.refusal.name, doorstep.refusal.detail)

            api = Api(doorstep, nothing, clock, (STORE,), health, enrol=EnrolPages(desk, self._board))
            local = await stack.enter_async_context(LocalApi(api, self._machine.api.host, self._port))
            await stack.enter_async_context(doorstep)
            self._tell_ready(Ready("", local.url, os.getpid(), _since_ms(started), enrolled=False), local)
            await _first_of(
                stop.wait(), desk.turned.wait(), desk.run(NoWire()), local.watch(), doorstep.show(), self._board.run()
            )

    async def _work(self, base: Settings, stop: asyncio.Event, enrol: EnrolDesk | None, given: SettingsDesk) -> None:
        """Be the station that the settings say, until told to stop, to be another, or to be it by other settings."""
        try:
            await self._work_by(given.begin(base), stop, enrol, given)
        except Exception as error:
            if not given.broke(error):
                raise

    async def _work_by(
        self, settings: Settings, stop: asyncio.Event, enrol: EnrolDesk | None, given: SettingsDesk
    ) -> None:
        started = time.monotonic()
        peripherals, feedback = build_devices(settings)
        async with AsyncExitStack() as stack:
            clock = SystemClock(read_boot_id())
            anchoring = Anchoring(clock.boot)

            def utc_us() -> int:
                return anchoring.stored_us(clock.now())

            limits = settings.limits
            stock_limits = _log_limits(limits.stock_mib, limits.reserve_mib)
            chatter_limits = _log_limits(limits.chatter_mib, 0)
            owner = Owner(settings.store, settings.station)
            own = partial(self._own_log, owner, utc_us, adopts=enrol is None)
            stock = await own(stack, STOCK_FILE, stock_limits)
            chatter = await own(stack, CHATTER_FILE, chatter_limits)
            stack.enter_context(self._answered_for(stock, chatter))
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
            plugs = await _plugs(stack, peripherals)
            gate = ChatterGate(limits.chatter_per_s)
            storage = StorageDesk(
                settings.data_dir, stock, chatter, clock.up_us, lambda: anchoring.past_us(clock.now()), gate
            )
            handover = (
                None if enrol is None else self._handover(settings, peripherals, feedback, clock, anchoring, enrol)
            )
            runner = Runner(
                rules,
                stock,
                chatter,
                clock,
                lookup,
                peripherals,
                feedback,
                gate,
                anchoring,
                plugs=plugs,
                presence=settings.presence,
                has_lights=settings.lights is not None,
                enrol=enrol,
                handover=handover,
            )
            desk = HealthDesk(
                settings,
                self._version,
                clock,
                anchoring.utc_us,
                runner,
                stock,
                chatter,
                replica,
                storage,
                enrol,
                given,
                self._board,
            )

            async def anchor(sent_up_us: int, received_up_us: int, hub_us: int) -> None:
                await runner.anchor(sent_up_us, received_up_us, hub_us)
                if enrol is not None:
                    await enrol.told(hub_us)

            hub = UplinkSettings(
                settings.store,
                settings.station,
                settings.hub.host,
                settings.hub.port,
                _tls_files(settings.hub.tls, enrol),
            )
            uplink = Uplink(hub, stock, chatter, replica, clock, anchor, desk.state)
            logs = LogDesk(settings.store, settings.station, {Stream.STOCK: stock, Stream.CHATTER: chatter}, utc_us)
            api = Api(
                runner,
                lookup,
                clock,
                scopes,
                lambda: desk.health(uplink.connected, uplink.drained, uplink.trouble),
                logs,
                None
                if enrol is None
                else EnrolPages(enrol, self._board, None if handover is None else CheckPages(handover, enrol)),
            )
            wire = Conversation(uplink)
            # Left in this order: the runner stops first, what it wrote last is drained, then the logs close.
            at_work = asyncio.Event()
            await stack.enter_async_context(_draining(uplink, wire, at_work))
            local = await stack.enter_async_context(LocalApi(api, settings.api.host, self._port))
            await stack.enter_async_context(runner)
            at_work.set()
            ready = Ready(settings.station, local.url, os.getpid(), _since_ms(started), hub=settings.hub.host)
            self._tell_ready(ready, local)
            standing = StandingDesk(runner, uplink, feedback)
            tending = () if enrol is None else (enrol.run(wire), enrol.turned.wait())
            checking = () if handover is None else (handover.run(),)
            jobs = (
                runner.watch(),
                local.watch(),
                standing.run(),
                storage.run(),
                self._board.run(),
                given.run(replica, runner, uplink.speak),
            )
            await _first_of(stop.wait(), *jobs, *tending, *checking)
            _log.info("stopping")
        _log.info("stopped")

    def _handover(
        self,
        settings: Settings,
        peripherals: Sequence[Peripheral],
        feedback: Feedback,
        clock: SystemClock,
        anchoring: Anchoring,
        enrol: EnrolDesk,
    ) -> HandoverDesk:
        lights = parse_table("lights", FeedbackSettings, settings.lights or {})
        shown = None not in (lights.green_pin, lights.red_pin)
        plan = plan_of(peripherals, lights=shown, tone=lights.buzzer_pin is not None)
        return HandoverDesk(plan, feedback, clock, anchoring, enrol, settings, self._version)

    def _tell_ready(self, ready: Ready, local: LocalApi) -> None:
        # Who asks this machine goes on asking it when it has become somebody else.
        self._port = local.port
        _log.info("ready", extra={"station": ready.station, "api": ready.api, "took_ms": ready.took_ms})
        self._on_ready(ready)

    @contextmanager
    def _answered_for(self, *logs: StationLog) -> Iterator[None]:
        """Ask these logs for signs of life while they are at work; opening and mending one may take minutes."""
        self._logs = logs
        try:
            yield
        finally:
            self._logs = ()

    async def _own_log(
        self,
        owner: Owner,
        utc_us: Callable[[], int],
        stack: AsyncExitStack,
        name: str,
        limits: LogLimits,
        *,
        adopts: bool,
    ) -> StationLog:
        """Open a log of our own; one that is somebody else's is set aside, and told."""
        data_dir = self._machine.data_dir
        await asyncio.to_thread(finish_sealing, data_dir)
        async with AsyncExitStack() as opening:
            log = await opening.enter_async_context(self._log_file(name, limits, utc_us))
            if await claim(log, owner, adopts=adopts):
                stack.push_async_exit(opening.pop_all())
                return log
            theirs = owner_of(log)
        stamp = datetime.fromtimestamp(utc_us() / 1e6, UTC).strftime("%Y%m%dT%H%M%SZ")
        folder = await asyncio.to_thread(seal, data_dir, (name,), theirs, stamp)
        _log.warning(
            "log of another station set aside", extra={"log": name, "owner": str(theirs), "aside": str(folder)}
        )
        if theirs is None or theirs.store != owner.store:
            await asyncio.to_thread(drop_catalogue, data_dir / CATALOGUE_FILE)
        log = await stack.enter_async_context(self._log_file(name, limits, utc_us))
        await claim(log, owner, adopts=adopts)
        return log

    @asynccontextmanager
    async def _log_file(self, name: str, limits: LogLimits, utc_us: Callable[[], int]) -> AsyncIterator[StationLog]:
        path = self._machine.data_dir / name

        def make() -> SqliteLog:
            return SqliteLog(path, clock=utc_us, nonce=_nonce, limits=limits)

        async with opened(path, make, _nonce, utc_us, partial(_tell_damage, name)) as log:
            yield log


class Conversation:
    """The uplink's work, which can be begun anew with other keys."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._again = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether the broker has us, as who we are since it was dialled last."""
        return self._uplink.connected and not self._again.is_set()

    @property
    def doubted(self) -> bool:
        """Whether the broker will not have us, for who we are."""
        return self._uplink.trouble in OWN_TROUBLES

    def redial(self) -> None:
        """Hang up, and connect anew at once."""
        self._again.set()

    async def run(self, at_work: asyncio.Event) -> None:
        """Talk until cancelled. A bug in the uplink must not stop the shop from selling: it is told, and begun anew."""
        # Not before: the hub may want a new epoch, and the rules would be reading the log for their last period.
        await at_work.wait()
        while True:
            self._again.clear()
            talking = asyncio.create_task(self._uplink.run(), name="uplink")
            called = asyncio.create_task(self._again.wait())
            try:
                await asyncio.wait((talking, called), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (talking, called):
                    task.cancel()
                await asyncio.wait((talking, called))
            if not talking.cancelled() and (error := talking.exception()) is not None:
                _log.error("uplink broke", exc_info=error)
                await asyncio.sleep(UPLINK_AGAIN_S)


@asynccontextmanager
async def _enrol_desk(data_dir: Path) -> AsyncIterator[EnrolDesk]:
    # Loaded by stations that have an identity: cryptography is large.
    from edge.enrol.desk import EnrolDesk
    from edge.enrol.est import EstClient
    from edge.enrol.folder import IdentityFolder
    from edge.enrol.moment import Moment

    folder = IdentityFolder(data_dir)
    moment = Moment(folder.path / "floor", _built_us(), lambda: time.time_ns() // 1000)
    async with EnrolDesk(folder, moment, lambda host, port: EstClient(host, port, moment)) as desk:
        yield desk


async def _take_laid(desk: EnrolDesk, file: Path | None) -> None:
    """Take the invitation that lies in a file, and overwrite that."""
    from edge.enrol.errors import NotNow
    from edge.enrol.laid import read_laid, use_up

    if file is None:
        return
    try:
        text = await asyncio.to_thread(read_laid, file)
        if text is None:
            return
        try:
            await desk.offer(text)
        except NotNow as error:
            _log.warning("invitation in a file not taken", extra={"file": str(file), "error": str(error)})
        await asyncio.to_thread(use_up, file)
    except (BadInput, EdgeError, OSError) as error:
        _log.error("invitation in a file not used", extra={"file": str(file), "error": str(error)})


def _built_us() -> int:
    """Tell when this machine's software was laid down: no certificate of its day is older."""
    return int(Path(__file__).stat().st_mtime) * 1_000_000


def _since_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _tls_files(tls: TlsSettings | None, enrol: EnrolDesk | None) -> TlsFiles | None:
    if tls is None:
        return None
    files = TlsFiles(Path(tls.ca), Path(tls.certificate), Path(tls.key), tls.name)
    return files if enrol is None else replace(files, at_least_us=lambda: enrol.at_least_us)


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
async def _draining(uplink: Uplink, wire: Conversation, at_work: asyncio.Event) -> AsyncIterator[None]:
    """Talk to the hub once the station is at work; at the end give the last entries a moment to leave."""
    talking = asyncio.create_task(wire.run(at_work), name="conversation")
    try:
        yield
    finally:
        give_up = time.monotonic() + LAST_DRAIN_S
        # The uplink has no event for this, and it is the last second of the process.
        while uplink.connected and uplink.drained.stock > 0 and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        talking.cancel()
        await asyncio.wait([talking])


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
