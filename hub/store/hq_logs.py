"""Takes what head office's logs say, whose lines are no entries of the books: catalogue rows and documents."""

from __future__ import annotations

from hub.errors import ContractBroken
from hub.store import own_fields, progress, quarantine
from hub.store.chunks import Chunk
from hub.store.epochs import EpochRow
from hub.store.live_rows import LiveRows
from hub.store.quarantine import Bad
from hub.store.reader_logs import HQ_CATALOGUE, HQ_DOCUMENTS, LogCommit, ensure_epoch_row
from hub.store.sql import Sql
from hub.store.stated import Stated
from hub.store.transfers import Transfers
from protocol.documents import FieldsSet, StockStated, decode_document
from protocol.errors import BadInput

NOT_LINES = (HQ_CATALOGUE, HQ_DOCUMENTS)
"""Logs whose lines are no entries of the books."""


class HqLogs:
    """Works on the writer's connection; what it hands on is remembered and forgotten by whom it hands it to."""

    def __init__(self, live: LiveRows, transfers: Transfers, stated: Stated) -> None:
        self._live = live
        self._transfers = transfers
        self._stated = stated

    def snapshot(self, connection: Sql, whole: LogCommit, now_us: int) -> None:
        """Take the whole of head office's catalogue; rows that came before it and wait for the fold are passed by."""
        at = whole.state.at
        if whole.log != HQ_CATALOGUE or whole.snapshot is None or at is None:
            raise ContractBroken(f"log {whole.log} is not told whole")
        progress.pass_by(connection, whole.log)
        epoch = ensure_epoch_row(connection, whole.log, at.epoch)
        good: list[bytes] = []
        for number, line in enumerate(whole.snapshot, 1):
            try:
                self._live.check(line)
            except BadInput as error:
                # Rows of a snapshot have no seq: they are numbered downwards from -1.
                quarantine.hold(connection, epoch, -number, error.name, error.detail, line, now_us)
            else:
                good.append(line)
        self._live.replace(connection, good, now_us)

    def catalogue(self, connection: Sql, epoch: EpochRow, chunk: Chunk, now_us: int) -> list[Bad]:
        """Take the rows of a chunk; give those that are none."""
        good: list[bytes] = []
        bad: list[Bad] = []
        for seq, line in enumerate(chunk.lines, chunk.first):
            try:
                self._live.check(line)
            except BadInput as error:
                bad.append(Bad(epoch, seq, line, error))
            else:
                good.append(line)
        self._live.apply(connection, good, now_us)
        return bad

    def documents(self, connection: Sql, epoch: EpochRow, chunk: Chunk) -> list[Bad]:
        """Take the documents of a chunk; give those that are none."""
        bad: list[Bad] = []
        for seq, line in enumerate(chunk.lines, chunk.first):
            try:
                document = decode_document(line)
                if isinstance(document, StockStated):
                    self._stated.take_document(connection, epoch, seq, line, document)
                elif isinstance(document, FieldsSet):
                    own_fields.take_document(connection, epoch, seq, line, document)
                else:
                    self._transfers.take_document(connection, epoch, seq, line, document)
            except BadInput as error:
                bad.append(Bad(epoch, seq, line, error))
        return bad
