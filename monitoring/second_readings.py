"""What the second readings of a model have shown so far, of the cases whose follow-up time is over."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from dermai.config import Params
from dermai.evaluation.second_readings import missed_at_most, weighted_sensitivity
from dermai.gate.exact import interval
from dermai.gate.reference_standard import counting
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import LOGGED_AT
from dermai.prediction_log.sortings import counting_sortings, read_sortings
from dermai.promotion.shadow_evidence import SIMULATED
from dermai.taxonomy import RiskLevel, load_taxonomy
from monitoring.history import SecondReadings, UnbiasedSensitivity

COLUMNS = ["case_id", "lesion_id", "patient_id", "predicted", "site"]


def second_readings_so_far(log: PredictionLog, version: str, params: Params) -> SecondReadings | None:
    """None where no case was sorted as normal, or none is old enough to be followed.

    A diagnosis counts as the policy's reference standards ask. Lesions of one case, and cases of one patient, are not
    independent: of each patient the first drawn case counts for the bound, and of each class the first lesion.
    """
    sortings = counting_sortings(read_sortings(log)[0])
    sortings = sortings[sortings["model_version"] == version]
    if not (sortings["risk"] == RiskLevel.NORMAL).any():
        return None
    lesions = _lesions(log, version, set(sortings["case_id"]), params)
    since = sortings["sorted_at"]
    if not lesions["site"].str.startswith(SIMULATED).all():  # patients who exist cannot come in on a day of the past
        since = sortings[["sorted_at", LOGGED_AT]].max(axis=1)
    days = params.gate.shadow.follow_up_days
    over = (since + timedelta(days=days) <= pd.Timestamp.now(tz="UTC")).to_numpy(dtype=bool)
    normal = (sortings["risk"] == RiskLevel.NORMAL).to_numpy()
    drawn = sortings[normal & sortings["drawn"].to_numpy(dtype=bool) & over].drop_duplicates("patient_id")
    known = _known(lesions[lesions["case_id"].isin(set(drawn["case_id"]))])
    cancers, read_again = int(known.sum()), len(known)
    came_back = read_again / len(drawn) if len(drawn) else 0.0
    level = params.monitoring.confidence
    return SecondReadings(
        follow_up_days=days,
        normal=int((normal & over).sum()),
        asked=len(drawn),
        read_again=read_again,
        cancers=cancers,
        at_most=missed_at_most(cancers, read_again, level) if read_again else None,
        at_most_if_unknown_were=missed_at_most(cancers + len(drawn) - read_again, len(drawn), level)
        if len(drawn)
        else None,
        waiting=int((normal & sortings["drawn"].to_numpy(dtype=bool) & ~over).sum()),
        confidence=level,
        classes=tuple(_of_class(code, lesions, sortings[over], came_back, params) for code in params.gate.gated_classes)
        if read_again
        else (),
    )


def _lesions(log: PredictionLog, version: str, cases: set[str], params: Params) -> pd.DataFrame:
    """A row a photograph of these cases with `truth`, "" where no diagnosis counts."""
    rows = log.read(version, COLUMNS, only=("case_id", cases)).table[COLUMNS]
    known = read_confirmations(log)[0]
    counts = counting(params.gate, known["diagnosis"], known["confirmed_by"].fillna(""))
    known = known.assign(truth=known["diagnosis"].where(counts, ""))[["case_id", "lesion_id", "truth"]]
    joined = rows.merge(known, on=["case_id", "lesion_id"], how="left")
    return joined.assign(truth=joined["truth"].fillna(""), site=joined["site"].fillna(""))


def _known(lesions: pd.DataFrame) -> pd.Series:
    """Whether each case is a cancer, of the cases of which that is known: any lesion one, or all lesions none."""
    malignant = lesions["truth"].isin(load_taxonomy().malignant)
    by_case = lesions.assign(cancer=malignant, known=lesions["truth"] != "").groupby("case_id")
    found = by_case[["cancer"]].any().join(by_case["known"].all())
    return found.loc[found["cancer"] | found["known"], "cancer"]


def _of_class(
    code: str, lesions: pd.DataFrame, sortings: pd.DataFrame, came_back: float, params: Params
) -> UnbiasedSensitivity:
    of_class = lesions[lesions["truth"] == code].assign(called=lesions["predicted"] == code)
    per_lesion = of_class.groupby("lesion_id", sort=False).agg(
        case_id=("case_id", "first"), patient_id=("patient_id", "first"), called=("called", "any")
    )
    table = per_lesion.merge(sortings.drop(columns="patient_id"), on="case_id").drop_duplicates("patient_id")
    normal = table["risk"] == RiskLevel.NORMAL
    read, again = table[~normal], table[normal & table["drawn"]]
    chances = sortings.loc[sortings["risk"] == RiskLevel.NORMAL, "probability"] * came_back
    chances = chances[chances > 0]
    level = params.monitoring.confidence
    found = weighted_sensitivity(
        int(read["called"].sum()),
        int((~read["called"]).sum()),
        [float(chance) for chance in again["probability"] * came_back],
        (float(chances.min()), float(chances.max())) if len(chances) else None,
        level,
    )
    hits, cases = int(table["called"].sum()), len(table)
    low, high = interval(hits, cases, level) if cases else (0.0, 1.0)
    return UnbiasedSensitivity(
        lesion_class=code, found=found.found, missed=found.missed, drawn=found.drawn, value=found.value, low=found.low,
        high=found.high, naive_hits=hits, naive_cases=cases, naive_low=low, naive_high=high,
    )  # fmt: skip
