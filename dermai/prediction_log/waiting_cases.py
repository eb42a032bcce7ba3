"""Referred cases whose diagnosis has not come back: how long each has waited, under which level it stands."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from dermai.prediction_log.case_levels import ANSWERED, case_levels
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import KEY, LOGGED_AT, WRITTEN, read_part
from dermai.prediction_log.sortings import read_sortings
from dermai.taxonomy import RiskLevel

READ = [*KEY, "role", "risk", "site", "predicted_at"]
SIMULATED = "simulated"  # how the site of patients who do not exist begins: their given days count


def referred_cases(log: PredictionLog) -> pd.DataFrame:
    """A row a case, the longest ago first: `case_id`, `referred_at`, `risk`, `second_reading`, `waiting`.

    `risk` is the level under which it is shown (`case_levels`): *priority* at least where it was drawn for a second
    reading. It came in at the
    later of the given day and the moment of writing, and waits where a lesion has no diagnosis of any kind. Parts that
    cannot be read are passed over, as `PredictionLog.read` names them.

    Raises:
        AuditLogDamaged: the audit log, which names each part with diagnoses, does not verify.
    """
    tables = []
    for version in log.model_versions():
        for part in log.parts(version):
            try:
                tables.append(read_part(part, READ, False, None).to_pandas())
            except (OSError, pa.ArrowException):
                continue
    rows = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*READ, LOGGED_AT, WRITTEN])
    rows = rows[rows["role"].isin(ANSWERED)]
    simulated = rows["site"].fillna("").str.startswith(SIMULATED)
    later = rows[["predicted_at", LOGGED_AT]].max(axis=1)
    rows = rows.assign(referred_at=rows["predicted_at"].where(simulated, later))
    came_in = pd.to_datetime(rows.groupby("case_id")["referred_at"].min(), utc=True)  # without rows there are no types
    levels = case_levels(rows, read_sortings(log)[0]).reindex(came_in.index)
    again = levels["drawn"].astype(bool) & (levels["risk"] != RiskLevel.HIGH_PRIORITY)
    risk = levels["risk"].where(~again, RiskLevel.NORMAL.to_be_read.value)
    cases = pd.DataFrame({"referred_at": came_in})
    known = read_confirmations(log)[0]
    lesions = pd.MultiIndex.from_frame(rows[["case_id", "lesion_id"]].drop_duplicates())
    open_lesions = lesions[~lesions.isin(pd.MultiIndex.from_frame(known[["case_id", "lesion_id"]]))]
    waiting = cases.index.isin(open_lesions.get_level_values("case_id"))
    found = cases.assign(risk=risk, second_reading=again, waiting=waiting).reset_index()
    return found.sort_values(["referred_at", "case_id"]).reset_index(drop=True)
