"""Photographs that failed the quality check, and cases that were set aside: append-only parts beside the log."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dermai.files import sha256_bytes
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import DamagedPart, write_part

Kind = Literal["retakes", "set_aside"]
COLUMNS = ("case_id", "site", "device", "reason")
SCHEMA = pa.schema([("asked_at", pa.timestamp("us", tz="UTC")), *((name, pa.string()) for name in COLUMNS)])


def record_retakes(log: PredictionLog, rows: pd.DataFrame, when: datetime, kind: Kind = "retakes") -> Path | None:
    """Add what of one folder is to be photographed again or was set aside; the same folder writes the same part."""
    if rows.empty:
        return None
    table = pa.Table.from_pandas(
        rows[list(COLUMNS)].assign(asked_at=pd.Timestamp(when)), schema=SCHEMA, preserve_index=False
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    name = sha256_bytes(rows[["file", *COLUMNS]].to_csv(index=False).encode("utf-8", "surrogateescape"))[:24]
    path = log.folder / kind / f"part-{name}.parquet"
    if not path.exists():
        write_part(path, buffer.getvalue(), f"none of the {len(rows)} photographs to retake or clear up was recorded")
    return path


def read_retakes(log: PredictionLog, kind: Kind = "retakes") -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """All of them, oldest first, and the parts that cannot be read."""
    tables, damaged = [], []
    for part in sorted((log.folder / kind).glob("*.parquet")):
        try:
            tables.append(pq.read_table(part, schema=SCHEMA))
        except (OSError, pa.ArrowException) as error:
            damaged.append(DamagedPart(part, " ".join(str(error).split())[:200]))
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    return table.to_pandas().sort_values("asked_at").reset_index(drop=True), tuple(damaged)
