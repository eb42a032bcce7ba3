"""Referred cases whose diagnosis has not come back: how long each has waited, under which level it stands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import LOGGED_AT, WRITTEN, read_part
from dermai.prediction_log.sortings import read_sortings
from dermai.taxonomy import RiskLevel

READ = ["case_id", "lesion_id", "role", "risk", "site", "predicted_at"]
ANSWERED = ("champion", "")  # roles whose answers are shown, or who stands where no model answers
ORDER = {level.value: place for place, level in enumerate(RiskLevel)}  # most urgent first
SIMULATED = "simulated"  # how the site of patients who do not exist begins: their given days count


def referred_cases(log: PredictionLog) -> pd.DataFrame:
    """A row a case: `case_id`, `referred_at`, `risk` as it is shown now, `second_reading`, `lesions` (a set).

    The later of the given day and the moment of writing is when it came in. A case that was drawn for a second reading
    stands under *priority*. Parts that cannot be read are passed over, as `PredictionLog.read` names them.
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
    rows = rows.assign(referred_at=rows["predicted_at"].where(simulated, later), _order=rows["risk"].map(ORDER))
    by_case = rows.groupby("case_id")
    newest = rows[rows[WRITTEN] == by_case[WRITTEN].transform("max")].groupby("case_id")["_order"].min()
    names = {place: name for name, place in ORDER.items()}
    risks, lesions = newest.map(names), by_case["lesion_id"].agg(set)
    came_in = pd.to_datetime(by_case["referred_at"].min(), utc=True)  # a table without rows knows no types
    cases = pd.DataFrame({"referred_at": came_in, "risk": risks, "lesions": lesions})
    sortings = read_sortings(log)[0].sort_values(WRITTEN, kind="stable").drop_duplicates("case_id", keep="last")
    shown = sortings.set_index("case_id")
    drawn = shown.index[shown["drawn"].astype(bool) & (shown["risk"] == RiskLevel.NORMAL)]
    risk = shown["risk"].reindex(cases.index).fillna(cases["risk"])
    again = pd.Series(cases.index.isin(drawn), cases.index)
    risk = risk.where(~again, RiskLevel.NORMAL.to_be_read.value)
    return cases.assign(risk=risk, second_reading=again).reset_index()


def waiting_cases(log: PredictionLog) -> pd.DataFrame:
    """Of `referred_cases` those of which a lesion has no diagnosis of any kind, the longest wait first.

    Raises:
        AuditLogDamaged: the audit log, which names each part with diagnoses, does not verify.
    """
    cases = referred_cases(log)
    known = read_confirmations(log)[0]
    done = set(zip(known["case_id"], known["lesion_id"], strict=True))
    waits = [
        any((case, lesion) not in done for lesion in lesions)
        for case, lesions in zip(cases["case_id"], cases["lesions"], strict=True)
    ]
    return cases[np.array(waits, dtype=bool)].sort_values(["referred_at", "case_id"]).reset_index(drop=True)
