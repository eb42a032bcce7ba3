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
from dermai.prediction_log.part_records import SortingsRecorded
from dermai.prediction_log.parts import WRITTEN, DamagedPart, read_in_order, table_bytes, write_part
from dermai.prediction_log.signed_folder import pending_of
from dermai.taxonomy import RiskLevel

COLUMNS = ("case_id", "patient_id", "model_version", "risk", "probability", "drawn", "cautions")
SCHEMA = pa.schema(
    [
        ("case_id", pa.string()),
        ("patient_id", pa.string()),
        ("model_version", pa.string()),
        ("risk", pa.string()),  # under which the model and the cautions sort it
        ("probability", pa.float64()),  # with which it is asked to be read and followed
        ("drawn", pa.bool_()),  # whether it is
        ("cautions", pa.string()),  # why it is read although the model might call it normal; "" before it was recorded
        ("sorted_at", pa.timestamp("us", tz="UTC")),
    ]
)


def record_sortings(log: PredictionLog, rows: pd.DataFrame, when: datetime) -> None:
    """Add how cases were sorted, with `COLUMNS`; nothing is written where there is no row. `cautions` may lack.

    Raises:
        PredictionLogError: the disk is full or read-only; nothing was recorded.
        AuditLogDamaged: the audit log takes no record; nothing was recorded.
    """
    if rows.empty:
        return
    stamped = rows.reindex(columns=list(COLUMNS), fill_value="").assign(sorted_at=pd.Timestamp(when))
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
    found, unreadable = read_in_order(parts.sound, SCHEMA)
    return found.fillna({"cautions": ""}), (*parts.damaged, *unreadable)


def counting_sortings(sortings: pd.DataFrame) -> pd.DataFrame:
    """One row a case and model version: the first that sorted it as normal, else the first.

    What is sorted as normal once may have been sent home, whatever a caution of another day said of it.
    """
    normal = sortings["risk"] == RiskLevel.NORMAL
    ordered = sortings.assign(_other=~normal).sort_values(["_other", WRITTEN], kind="stable")
    kept = ordered.drop_duplicates(["case_id", "model_version"]).drop(columns="_other")
    return kept.sort_values(WRITTEN, kind="stable").reset_index(drop=True)
