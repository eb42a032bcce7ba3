"""Photographs that failed the quality check, and cases that were set aside: append-only parts beside the log."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa

from dermai.files import sha256_bytes
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import DamagedPart, read_tables, write_table

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
    name = sha256_bytes(rows[["file", *COLUMNS]].to_csv(index=False).encode("utf-8", "surrogateescape"))[:24]
    path = log.folder / kind / f"part-{name}.parquet"
    if not path.exists():
        write_table(path, table, f"none of the {len(rows)} photographs to retake or clear up was recorded")
    return path


def read_retakes(log: PredictionLog, kind: Kind = "retakes") -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """All of them, oldest first, and the parts that cannot be read."""
    table, damaged = read_tables(sorted((log.folder / kind).glob("*.parquet")), SCHEMA)
    return table.sort_values("asked_at").reset_index(drop=True), damaged
