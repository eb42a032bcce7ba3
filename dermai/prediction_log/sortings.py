"""How cases were sorted on the worklist, and with which probability each was asked to be read: signed parts.

A row a case, model version and change: the level under which the case was shown, and the draw. A case that is to be
read anyway has the probability 1; one that is sorted as normal has that of a second reading. Cases that were triaged
before there were second readings have no row.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pyarrow as pa

from dermai.files import locked, sha256_bytes
from dermai.prediction_log.log import LOCK, PredictionLog
from dermai.prediction_log.order_of_writing import order_of, time_of
from dermai.prediction_log.part_records import SortingsRecorded
from dermai.prediction_log.parts import LOGGED_AT, WRITTEN, DamagedPart, read_tables, table_bytes, write_part
from dermai.prediction_log.signed_folder import pending_of
from dermai.taxonomy import RiskLevel

COLUMNS = ("case_id", "patient_id", "model_version", "risk", "probability", "drawn")
SCHEMA = pa.schema(
    [
        ("case_id", pa.string()),
        ("patient_id", pa.string()),
        ("model_version", pa.string()),
        ("risk", pa.string()),  # under which the model and the cautions sort it
        ("probability", pa.float64()),  # with which it is asked to be read and followed
        ("drawn", pa.bool_()),  # whether it is
        ("sorted_at", pa.timestamp("us", tz="UTC")),
    ]
)


def record_sortings(log: PredictionLog, rows: pd.DataFrame, when: datetime) -> None:
    """Add how cases were sorted, with `COLUMNS`; nothing is written where there is no row.

    Raises:
        PredictionLogError: the disk is full or read-only; nothing was recorded.
        AuditLogDamaged: the audit log takes no record; nothing was recorded.
    """
    if rows.empty:
        return
    stamped = rows[list(COLUMNS)].assign(sorted_at=pd.Timestamp(when))
    content = table_bytes(pa.Table.from_pandas(stamped, schema=SCHEMA, preserve_index=False))
    folder = log.sortings
    with locked(log.folder / LOCK):
        folder.settle()
        name = log.next_part_name()
        write_part(pending_of(folder.folder / name), content, "how the cases were sorted was not recorded")
        folder.record(SortingsRecorded(parts={name: sha256_bytes(content)}, rows=len(stamped)))


def read_sortings(log: PredictionLog) -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """Every row in the order of writing, with `logged_at` and `written`, and the parts that are not as recorded.

    Raises:
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    parts = log.sortings.compare()
    tables, damaged = [], list(parts.damaged)
    for part in parts.sound:
        table, unreadable = read_tables([part], SCHEMA)
        stamp = pd.Timestamp(time_of(part.name))
        table[LOGGED_AT], table[WRITTEN] = stamp, order_of(part.name)
        tables.append(table)
        damaged += unreadable
    if tables:
        return pd.concat(tables, ignore_index=True), tuple(damaged)
    none = SCHEMA.empty_table().to_pandas()
    return none.assign(**{LOGGED_AT: none["sorted_at"], WRITTEN: pd.Series(dtype="int64")}), tuple(damaged)


def counting_sortings(sortings: pd.DataFrame) -> pd.DataFrame:
    """One row a case and model version: the first that sorted it as normal, else the first.

    What is sorted as normal once may have been sent home, whatever a caution of another day said of it.
    """
    normal = sortings["risk"] == RiskLevel.NORMAL
    ordered = sortings.assign(_other=~normal).sort_values(["_other", WRITTEN], kind="stable")
    kept = ordered.drop_duplicates(["case_id", "model_version"]).drop(columns="_other")
    return kept.sort_values(WRITTEN, kind="stable").reset_index(drop=True)
