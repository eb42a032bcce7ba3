"""Answers on their way into the prediction log: written as parts, then named together by one signed record."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dermai.files import locked, sha256_bytes
from dermai.prediction_log.part_records import PredictionsRecorded
from dermai.prediction_log.parts import EMBEDDING, TEXT_COLUMNS, check_rows, typed_table, write_part
from dermai.prediction_log.signed_folder import SignedFolder, pending_of

SECONDS = 60.0  # of work that a killed triage may lose


@dataclass
class Writer:
    """Parts that were written and have no record yet. `lock` is held while they get it; `next_name` names a part."""

    parts: SignedFolder
    lock: Path
    next_name: Callable[[], str]
    _hashes: dict[str, str] = field(default_factory=dict)
    _rows: int = 0
    _recorded: float = field(default_factory=time.monotonic)

    def append(self, rows: pd.DataFrame, embeddings: NDArray[np.float32], model_version: str) -> list[Path]:
        """Write photographs of one model version, one new part for each day: see `PredictionLog.append`."""
        check_rows(rows, embeddings)
        written = []
        days = rows["predicted_at"].dt.tz_convert("UTC").dt.strftime("%Y-%m-%d")
        for day in sorted(days.unique()):
            here = (days == day).to_numpy()
            content = _as_part(rows[here], embeddings[here])
            path = self.parts.folder / f"model_version={model_version}" / f"day={day}" / self.next_name()
            lost = f"the prediction log took none of the {int(here.sum())} photographs of {day}"
            write_part(pending_of(path), content, lost)
            self._hashes[str(path.relative_to(self.parts.folder))] = sha256_bytes(content)
            self._rows += int(here.sum())
            written.append(path)
        if time.monotonic() - self._recorded > SECONDS:
            self.record()
        return written

    def record(self) -> None:
        """Name the parts in the audit log; from then on they are read.

        Raises:
            AuditLogDamaged: it takes no record.
        """
        if self._hashes:
            with locked(self.lock):
                self.parts.record(PredictionsRecorded(parts=dict(self._hashes), rows=self._rows))
        self._hashes, self._rows, self._recorded = {}, 0, time.monotonic()


@contextmanager
def writing(parts: SignedFolder, lock: Path, next_name: Callable[[], str]) -> Iterator[Writer]:
    """A writer whose parts are recorded at the end, however it ends; what a killed one left is put right first."""
    with locked(parts.folder.parent / ".predictions.lock"):
        with locked(lock):
            parts.settle()
        writer = Writer(parts, lock, next_name)
        try:
            yield writer
        finally:
            writer.record()


def _as_part(rows: pd.DataFrame, embeddings: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(
        typed_table(rows, embeddings),
        buffer,
        compression="zstd",
        use_dictionary=["case_id", "patient_id", "lesion_id", *TEXT_COLUMNS[4:]],
        column_encoding={f"{EMBEDDING}.list.element": "BYTE_STREAM_SPLIT"},
    )
    return buffer.getvalue()
