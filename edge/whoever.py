"""Says which station a machine is: the one its file names, or the one its identity does, or none yet."""

from __future__ import annotations

from pathlib import Path

from edge.enrol.kept import CA, CERTIFICATE, FOLDER, IN_USE, KEY, read_record
from edge.enrol.record import Record
from edge.errors import EdgeError
from edge.settings import HubSettings, Machine, Settings, TlsSettings, load_machine, settled


class NotEnrolled(EdgeError):
    """The machine is nobody: neither its file nor an identity says who."""


def as_enrolled(machine: Machine, record: Record) -> Settings | None:
    """Give the settings of the station that the identity says; None for one that is nobody, or not any more."""
    papers = record.named
    if papers is None:
        return None
    keys = machine.data_dir / FOLDER / IN_USE
    tls = TlsSettings(
        ca=str(keys / CA), certificate=str(keys / CERTIFICATE), key=str(keys / KEY), name=papers.broker_name
    )
    host = papers.broker_host or record.host
    return settled(machine, papers, HubSettings(host=host, port=papers.broker_port, tls=tls))


def load_station(path: Path) -> Settings:
    """Read a file, and where it names nobody the identity beside it. Raises `BadSettings`, `EdgeError`."""
    machine = load_machine(path)
    if isinstance(machine, Settings):
        return machine
    try:
        found = as_enrolled(machine, read_record(machine.data_dir))
    except OSError as error:
        raise EdgeError(f"{machine.data_dir}: {error.strerror or error}") from error
    if found is None:
        raise NotEnrolled(f"{path}: this station is not enrolled, and its file names none")
    return found
