"""Which of the referrals in shadow mode were to be read and followed, by how the worklists sorted their cases."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from dermai.gate.readings import Readings
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import WRITTEN
from dermai.prediction_log.sortings import counting_sortings, read_sortings
from dermai.taxonomy import RiskLevel


def readings_of(log: PredictionLog, rows: pd.DataFrame, lesions: Iterable[str]) -> Readings:
    """The readings of lesions, in this order; `rows` are one model's in the order of time, with the case of each.

    A lesion came in with the first of its cases. A case that any version sorted as normal counts as sorted so, since it
    may have been sent home then. One that was never sorted, by an earlier release or while no model answered or nothing
    was drawn, counts as to be read: if many of those have no diagnosis, practice shows no floor.
    """
    sortings = read_sortings(log)[0]
    by_case = counting_sortings(sortings.assign(model_version="")).set_index("case_id")
    case = rows.drop_duplicates("lesion_id").set_index("lesion_id")["case_id"].reindex(list(lesions))
    sorted_as = by_case.reindex(case.to_numpy())
    probability = sorted_as["probability"].fillna(1.0).to_numpy(dtype=float)
    asked = sorted_as["drawn"].astype("boolean").fillna(True).to_numpy(dtype=bool)
    # Not of another challenger's time, nor of a later setting: what was shown while all were read stays shown
    normal = sortings[(sortings["risk"] == RiskLevel.NORMAL) & sortings["case_id"].isin(set(case))]
    drawn_with = normal.sort_values(WRITTEN, kind="stable")["probability"]
    share = float(drawn_with.iloc[0]) if len(drawn_with) else 1.0
    return Readings(case.to_numpy(dtype=str), probability, asked | (probability == 1), share)
