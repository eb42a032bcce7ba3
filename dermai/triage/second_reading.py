"""Second readings: a share of the cases that are sorted as normal, drawn at random, is read and followed all the same.

What is sent home and never biopsied never shows a miss; the drawn cases do. The draw follows from the pseudonym key and
the case: triaged again, a case is not drawn again, and nobody without the key can choose. The model's answer is not
shown with such a case, so that who reads it decides by the photograph.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar

import pandas as pd

from dermai.data.pseudonyms import Pseudonyms
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import WRITTEN
from dermai.prediction_log.sortings import COLUMNS, read_sortings, record_sortings
from dermai.taxonomy import RiskLevel
from dermai.triage.outcomes import confirmed_cases
from dermai.triage.risk import RANK
from dermai.triage.worklist import WorklistCase

WHY, PLACE = "second reading", "place of a second reading"  # what is drawn


def sort_with_draws(
    cases: Sequence[WorklistCase],
    patients: Mapping[str, str],
    version: str,
    share: float,
    pseudonyms: Pseudonyms,
    earlier: pd.DataFrame,
) -> tuple[list[WorklistCase], pd.DataFrame]:
    """The worklist with the drawn cases among those to read, and the rows of `record_sortings` that are new.

    `patients` has the patient of each case; `earlier` the sortings so far (`read_sortings`). What was drawn with
    another share before stays as it was, and what was drawn under another version stays among those to read.
    """
    asked = set(earlier.loc[earlier["drawn"].astype(bool) & (earlier["risk"] == RiskLevel.NORMAL), "case_id"])
    mine = earlier[earlier["model_version"] == version].sort_values(WRITTEN, kind="stable")
    normal = mine[mine["risk"] == RiskLevel.NORMAL].drop_duplicates("case_id")
    before = dict(zip(normal["case_id"], normal["drawn"], strict=True))
    last = mine.drop_duplicates("case_id", keep="last")
    shown = dict(zip(last["case_id"], last["risk"], strict=True))
    drawn, rows = set(), []
    for case in cases:
        is_normal = case.risk == RiskLevel.NORMAL
        wins = bool(before.get(case.case_id, pseudonyms.draw(WHY, case.case_id) < share)) if is_normal else True
        waits = case.cautions and case.risk == RiskLevel.PRIORITY and before.get(case.case_id)
        if (
            is_normal and (wins or case.case_id in asked)
        ) or waits:  # a caution of today does not tell what was hidden yesterday
            drawn.add(case.case_id)
        if shown.get(case.case_id) == case.risk or (is_normal and case.case_id in before):
            continue
        rows.append(
            {
                "case_id": case.case_id, "patient_id": patients[case.case_id], "model_version": version,
                "risk": case.risk, "probability": share if is_normal else 1.0, "drawn": wins,
                "cautions": "; ".join(case.cautions),
            }
        )  # fmt: skip
    kept = [case for case in cases if case.case_id not in drawn]
    blind = [_without_answer(case) for case in cases if case.case_id in drawn]
    return at_drawn_places(kept, blind, pseudonyms), pd.DataFrame(rows, columns=list(COLUMNS))


class Listed(Protocol):
    """A case of a worklist."""

    @property
    def case_id(self) -> str: ...

    @property
    def risk(self) -> str: ...


AnyCase = TypeVar("AnyCase", bound=Listed)


def at_drawn_places(kept: Sequence[AnyCase], blind: Collection[AnyCase], pseudonyms: Pseudonyms) -> list[AnyCase]:
    """The worklist `kept`, most urgent first, with the `blind` cases at drawn places among those to read."""
    listed = list(kept)
    start = sum(case.risk == RiskLevel.HIGH_PRIORITY for case in kept)
    read = sum(case.risk != RiskLevel.NORMAL for case in kept)
    places = {case.case_id: start + int(pseudonyms.draw(PLACE, case.case_id) * (read - start + 1)) for case in blind}
    for case in sorted(blind, key=lambda case: (-places[case.case_id], case.case_id)):
        listed.insert(places[case.case_id], case)  # from the end, so that the places before stay where they are
    return listed


def record_draws(
    cases: Sequence[WorklistCase],
    patients: Mapping[str, str],
    version: str,
    share: float,
    pseudonyms: Pseudonyms,
    log: PredictionLog,
    received: datetime,
    further: bool = False,
) -> list[WorklistCase]:
    """`sort_with_draws` on what the log knows of earlier sortings, and the new ones written down.

    With `further` the cases may have more photographs than those that they are sorted by: none becomes less urgent.
    """
    if share <= 0:
        return list(cases)
    earlier = read_sortings(log)[0]
    if further:
        cases = as_urgent_as_before(cases, earlier)
    shown, drawn = sort_with_draws(cases, patients, version, share, pseudonyms, earlier)
    record_sortings(log, drawn, received)
    return shown


def as_urgent_as_before(cases: Sequence[WorklistCase], earlier: pd.DataFrame) -> list[WorklistCase]:
    """Cases of which further photographs came: none stands under a lower level than when it was last sorted."""
    last = earlier.sort_values(WRITTEN, kind="stable").drop_duplicates("case_id", keep="last")
    before = dict(zip(last["case_id"], last["risk"], strict=True))
    levels = ((case, before.get(case.case_id, case.risk)) for case in cases)
    return [replace(case, risk=min(case.risk, level, key=RANK.__getitem__)) for case, level in levels]


def unread_second_readings(log: PredictionLog, confirmed: pd.DataFrame) -> set[str]:
    """Cases that were drawn and of which a lesion was not read yet: no page shows what the model answered.

    `confirmed` is that of `read_confirmations`. What was read before another photograph came in is to be read again.
    """
    sortings = read_sortings(log)[0]
    drawn = set(sortings.loc[sortings["drawn"].astype(bool) & (sortings["risk"] == RiskLevel.NORMAL), "case_id"])
    referred = log.referred(case_id=drawn)
    return drawn - confirmed_cases(referred, referred, confirmed)


def _without_answer(case: WorklistCase) -> WorklistCase:
    return replace(
        case, risk=RiskLevel.NORMAL.to_be_read.value, answer=None, likely=(), abstained=False, possible=(),
        malignant=float("nan"), second_reading=True,
    )  # fmt: skip
