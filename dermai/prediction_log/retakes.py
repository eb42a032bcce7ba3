"""Photographs that failed the quality check, and cases that were set aside: append-only parts beside the log."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa

from dermai.errors import DermaiError
from dermai.files import sha256_bytes
from dermai.language.messages import message
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import DamagedPart, read_tables, write_table

Kind = Literal["retakes", "set_aside"]
COLUMNS = ("case_id", "site", "device", "reason")
ASKED_BY = "asked_by"  # the account of a reader; "" where the quality check asked
SCHEMA = pa.schema(
    [("asked_at", pa.timestamp("us", tz="UTC")), *((name, pa.string()) for name in (*COLUMNS, ASKED_BY))]
)
LONGEST_REASON = 300  # characters


def record_retakes(log: PredictionLog, rows: pd.DataFrame, when: datetime, kind: Kind = "retakes") -> Path | None:
    """Add what of one folder is to be photographed again or was set aside; the same folder writes the same part."""
    if rows.empty:
        return None
    table = _typed(rows, when, "")
    name = sha256_bytes(rows[["file", *COLUMNS]].to_csv(index=False).encode("utf-8", "surrogateescape"))[:24]
    path = log.folder / kind / f"part-{name}.parquet"
    if not path.exists():
        write_table(path, table, f"none of the {len(rows)} photographs to retake or clear up was recorded")
    return path


def ask_for_photograph(log: PredictionLog, case_id: str, site: str, reason: str, account: str, when: datetime) -> Path:
    """Add a reader's wish for another photograph of a case, with the reason that the practice is told.

    Raises:
        DermaiError: no reason is given, or it is too long.
        PredictionLogError: it could not be written.
    """
    said = " ".join(reason.split())
    if not said or len(said) > LONGEST_REASON:
        raise DermaiError(
            message("say in 1 to %(number)s characters why the photograph is to be taken again", number=LONGEST_REASON)
        )
    rows = pd.DataFrame([{"case_id": case_id, "site": site, "device": "", "reason": said}])
    path = log.folder / "retakes" / f"part-asked-{uuid.uuid4().hex[:18]}.parquet"
    write_table(path, _typed(rows, when, account), "the wish for another photograph was not recorded")
    return path


def _typed(rows: pd.DataFrame, when: datetime, account: str) -> pa.Table:
    stamped = rows[list(COLUMNS)].assign(asked_at=pd.Timestamp(when), **{ASKED_BY: account})
    return pa.Table.from_pandas(stamped, schema=SCHEMA, preserve_index=False)


def read_retakes(log: PredictionLog, kind: Kind = "retakes") -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """All of them, oldest first, and the parts that cannot be read."""
    table, damaged = read_tables(sorted((log.folder / kind).glob("*.parquet")), SCHEMA)
    return table.fillna({ASKED_BY: ""}).sort_values("asked_at").reset_index(drop=True), damaged
