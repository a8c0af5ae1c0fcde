"""Reads what is kept of an identity, changing nothing: for those who only want to know whose station this is."""

from __future__ import annotations

from pathlib import Path

from edge.enrol.files import get
from edge.enrol.record import ASIDE, Record, decode_record

FOLDER = "identity"
RECORD = "record.json"
ACCEPTANCE = "acceptance.json"
IN_USE = "in-use"
"""Leads to the folder of the keys that connections are made with."""
KEY, CERTIFICATE, CA = "key.pem", "cert.pem", "ca.pem"


def read_record(data_dir: Path) -> Record:
    """Read the record below a station's data folder. Raises `OSError`."""
    data = get(data_dir / FOLDER / RECORD)
    return Record() if data is None else decode_record(data) or ASIDE
