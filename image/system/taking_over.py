"""Takes over the technician's file at each start: reads, keeps, does once what is to be done once, blots out, says.

    read shelfwire.toml            nothing there, or wrong: what held before holds on
    keep it in taken.json          from here nothing is lost, whatever becomes of the card's FAT
    reset; lay the invitation      each can be done again
    note that it is done           from here nothing is done twice
    blot out the secrets           in place; what is not blotted out is no new file, it is covered by the one kept
    write what runs reads (/run)   networks, time server, door for a technician
    write shelfwire-says.txt       beside the file, for a technician with a laptop

Each step may be the last before a power cut; the next start goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from image.errors import ImageError
from image.system.boot_file import BadBootFile, BootFile, Reset, blots, blotted, covered, read_boot_file, written
from image.system.files import get, put, put_if_other, remove, write_over
from image.system.kept import Taken, ToDo, keep_taken, read_taken
from image.system.network_files import (
    open_pages,
    ssh_hours,
    station_settings,
    time_sources,
    wifi_settings,
    wired_network,
    wireless_network,
)
from image.system.reset import clear_folder, reset_errors, reset_station

FILE: Final = "shelfwire.toml"
SAYS: Final = "shelfwire-says.txt"
HUB_FILE: Final = "hub.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything is: `config` is the mounted FAT, `data` and `run` are /data and /run, `base` the edge.toml that
    every station has. `owner` are user and group of the agent's or hub's files."""

    config: Path
    data: Path
    run: Path
    base: Path
    kind: Literal["station", "hub"]
    owner: tuple[int, int] | None = None

    @property
    def network(self) -> Path:
        return self.data / "network"

    @property
    def station(self) -> Path:
        return self.data / "shelfwire" / "station"

    @property
    def hub(self) -> Path:
        return self.data / "shelfwire" / "hub"


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads settings, so that nothing is taken over that they would not take: both raise `ImageError`."""

    station: Callable[[str], object]
    """Takes the text of an edge.toml."""
    hub: Callable[[str], tuple[int, ...]]
    """Takes the text of a hub.toml; gives the ports of pages that it serves to other machines."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: `good` unless something is wrong, in `lines` for people; `ssh` says that the door opens."""

    good: bool
    lines: tuple[str, ...]
    ssh: bool = False


def take_over(places: Places, writable: Callable[[], AbstractContextManager[None]], readers: Readers) -> Outcome:
    """Do all of it. `writable` makes the FAT writable for a while. Raises `OSError` where /data or /run cannot be
    written."""
    lines: list[str] = []
    taken, trouble = _taken_over(places, readers)
    good = trouble == ""
    taken = _done_once(places, taken, lines)
    taken, not_blotted = _blotted_out(places, taken, writable)
    good = good and not not_blotted
    ssh = _laid(places, taken, lines)
    if places.kind == "hub" and (hub_trouble := _hub_laid(places, readers, lines)):
        good = False
        lines.insert(0, f"{HUB_FILE} is NOT taken over; what held before holds on: {hub_trouble}")
    if taken.to_do.ssh_key:
        taken = msgspec.structs.replace(taken, to_do=ToDo())
        keep_taken(places.network, taken)
    if trouble:
        lines.insert(0, f"{FILE} is NOT taken over; what held before holds on: {trouble}")
    if not_blotted:
        lines.insert(0, f"the secrets in {FILE} could not be blotted out: {not_blotted}. Delete them.")
    told = tuple(lines) or ("all well; nothing was said to this machine yet",)
    _say(places, told, writable)
    return Outcome(good, told, ssh)


def _taken_over(places: Places, readers: Readers) -> tuple[Taken, str]:
    """Read and keep the file. Gives what holds, and what is wrong with the file, "" for nothing."""
    kept = read_taken(places.network)
    try:
        data = get(places.config / FILE)
    except OSError as error:
        return kept, f"it cannot be read: {error}"
    if data is None:
        return kept, ""
    try:
        if kept.original and covered(data, kept.original, blots(kept.original)):
            return kept, ""
        file = read_boot_file(data)
        taken = _merged(kept, file, data, places.kind)
        if places.kind == "station":
            text = _settings(places, taken.file)
            # What the agent has already was asked of it before: that takes its time.
            if get(places.station / "edge.toml") != text.encode():
                readers.station(text)
    except ImageError as error:
        return kept, str(error)
    keep_taken(places.network, taken)
    return taken, ""


def _merged(kept: Taken, file: BootFile, data: bytes, kind: str) -> Taken:
    """Say what holds from now on. Raises `BadBootFile`."""
    pieces = blots(data)
    password = ""
    if file.wifi is not None:
        password = file.wifi.password
        if blotted(password):
            if kept.file.wifi is None or kept.file.wifi.name != file.wifi.name or not kept.password:
                raise BadBootFile("wifi.password", f"is not known for {file.wifi.name!r}; write it again")
            password = kept.password
    reset = "" if blotted(file.factory_reset) else file.factory_reset
    if reset == "keep-unsent-log" and kind == "hub":
        raise BadBootFile("factory_reset", "a hub holds the books of the store; only 'everything' makes it as new")
    to_do = ToDo(
        invitation="" if blotted(file.invitation) else file.invitation,
        factory_reset=reset,
        ssh_key="" if file.ssh is None or blotted(file.ssh.key) else file.ssh.key.strip(),
        ssh_hours=0 if file.ssh is None or blotted(file.ssh.key) else file.ssh.hours,
    )
    after = read_boot_file(written(data, pieces)) if pieces else file
    return Taken(file=after, password=password, to_do=to_do, original=data if pieces else b"")


def _done_once(places: Places, taken: Taken, lines: list[str]) -> Taken:
    """Do what is to be done once; the door for a technician comes later, for it is in RAM alone."""
    to_do = taken.to_do
    if to_do.factory_reset:
        reset(places, "everything" if to_do.factory_reset == "everything" else "keep-unsent-log")
        lines.append(f"made as new: {to_do.factory_reset}")
    if to_do.invitation and places.kind == "station":
        put(places.station / "invitation.txt", to_do.invitation.encode(), 0o600, places.owner)
        lines.append("invitation: taken over")
    if to_do.factory_reset or to_do.invitation:
        taken = msgspec.structs.replace(taken, to_do=ToDo(ssh_key=to_do.ssh_key, ssh_hours=to_do.ssh_hours))
        keep_taken(places.network, taken)
    return taken


def reset(places: Places, how: Reset) -> None:
    """Make the machine as new, agent and hub being stopped. Can be done again. Raises `OSError`."""
    reset_station(places.station, how)
    reset_errors(places.data / "journal")
    if how == "everything":
        clear_folder(places.hub)
        clear_folder(places.data / "shelfwire" / "broker")


def _blotted_out(
    places: Places, taken: Taken, writable: Callable[[], AbstractContextManager[None]]
) -> tuple[Taken, str]:
    if not taken.original:
        return taken, ""
    path, pieces = places.config / FILE, blots(taken.original)
    try:
        found = get(path)
        if found is not None and covered(found, taken.original, pieces) and found != written(taken.original, pieces):
            with writable():
                write_over(path, pieces)
    except (OSError, ImageError) as error:
        return taken, str(error)
    taken = msgspec.structs.replace(taken, original=b"")
    keep_taken(places.network, taken)
    return taken, ""


def _laid(places: Places, taken: Taken, lines: list[str]) -> bool:
    """Write what others read, in RAM, and the agent's settings; say whether a technician's door is to open."""
    file, run = taken.file, places.run
    wanted = dict(_volatile(places, taken))
    for path, text in wanted.items():
        if text is None:
            remove(path)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        private = path.name == "wpa_supplicant.conf"
        put_if_other(path, text.encode(), 0o600 if private else 0o644)
    if places.kind == "station" and places.base.exists():
        put_if_other(places.station / "edge.toml", _settings(places, file).encode(), 0o640, places.owner)
    for what, there in (("network", file.network.address), ("wifi", file.wifi), ("time server", file.time_server)):
        if there:
            lines.append(f"{what}: as {FILE} says")
    if not taken.to_do.ssh_key:
        return False
    put(run / "shelfwire" / "technician" / "authorized_keys", (taken.to_do.ssh_key + "\n").encode())
    lines.append(f"ssh: open for {taken.to_do.ssh_hours} h from this start, for technician")
    return True


def _hub_laid(places: Places, readers: Readers, lines: list[str]) -> str:
    """Take over the hub's settings, and open the ports of its pages; say what is wrong with them, "" for nothing."""
    kept = places.hub / HUB_FILE
    trouble = ""
    try:
        told = get(places.config / HUB_FILE)
        if told is not None:
            readers.hub(told.decode("utf-8"))
            if put_if_other(kept, told, 0o640, places.owner):
                lines.append(f"{HUB_FILE}: taken over")
    except (ImageError, UnicodeDecodeError, OSError) as error:
        trouble = str(error)
    try:
        ports = readers.hub((get(kept) or b"").decode("utf-8")) if kept.exists() else ()
    except (ImageError, UnicodeDecodeError):
        ports = ()  # The hub says itself what is wrong with it.
    page = places.run / "shelfwire/nftables.d/pages.nft"
    if ports:
        page.parent.mkdir(parents=True, exist_ok=True)
        put_if_other(page, open_pages(ports).encode())
        lines.append(f"page: open to other machines at {', '.join(map(str, ports))}, as {HUB_FILE} says")
    else:
        remove(page)
    return trouble


def _volatile(places: Places, taken: Taken) -> Iterator[tuple[Path, str | None]]:
    file, run = taken.file, places.run
    yield run / "systemd/network/10-shelfwire-wired.network", wired_network(file.network)
    wifi = file.wifi
    yield run / "systemd/network/10-shelfwire-wireless.network", None if wifi is None else wireless_network(wifi)
    yield (
        run / "shelfwire/wifi/wpa_supplicant.conf",
        None if wifi is None else wifi_settings(wifi, taken.password),
    )
    sources = time_sources(file.time_server) if file.time_server else None
    yield run / "shelfwire/chrony.d/technician.sources", sources
    hours = taken.to_do.ssh_hours
    yield run / "systemd/system/ssh.service.d/60-hours.conf", ssh_hours(hours) if hours else None


def _settings(places: Places, file: BootFile) -> str:
    return station_settings(places.base.read_text("utf-8"), file)


def _say(places: Places, lines: tuple[str, ...], writable: Callable[[], AbstractContextManager[None]]) -> None:
    """Say it beside the file, and in /run for who asks the machine itself."""
    text = "".join(f"{line}\n" for line in lines).encode()
    put_if_other(places.run / "shelfwire" / "says.txt", text)
    path = places.config / SAYS
    try:
        if places.config.is_dir() and get(path) != text.replace(b"\n", b"\r\n"):
            with writable():
                put(path, text.replace(b"\n", b"\r\n"))
    except (OSError, ImageError):
        return  # The screen and /run have it; a partition that cannot be written is no reason to stand still.
