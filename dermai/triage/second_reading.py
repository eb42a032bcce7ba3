"""Second readings: a share of the cases that are sorted as normal, drawn at random, is read and followed all the same.

What is sent home and never biopsied never shows a miss; the drawn cases do. The draw follows from the pseudonym key and
the case: triaged again, a case is not drawn again, and nobody without the key can choose. The model's answer is not
shown with such a case, so that who reads it decides by the photograph. A share of the *priority* cases is shown in the
same way: that an answer is hidden does not tell the reader that it was normal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

import pandas as pd

from dermai.data.pseudonyms import Pseudonyms
from dermai.prediction_log.case_levels import case_levels, levels_before
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import WRITTEN
from dermai.prediction_log.sortings import COLUMNS, read_sortings, record_sortings
from dermai.taxonomy import RiskLevel
from dermai.triage.outcomes import confirmed_cases
from dermai.triage.risk import RANK
from dermai.triage.worklist import WorklistCase

MORE_URGENT = "it is as urgent as its earlier photographs were: these here would be less"
WHY, PLACE = "second reading", "place of a second reading"  # what is drawn
WITHOUT = "read without the model's answer"


@dataclass(frozen=True)
class EarlierSortings:
    """How cases were sorted before, ready to be asked: made once for a worklist, or for all that a model answers.

    `asked` were drawn under any version; `drawn` has each case that `version` sorted as normal, and whether it was
    drawn; `of_version` and `last` have the level under which a case was sorted last, under that version and under any.
    """

    version: str
    asked: Collection[str]
    drawn: Mapping[str, bool]
    of_version: Mapping[str, str]
    last: Mapping[str, str]

    @classmethod
    def of(cls, sortings: pd.DataFrame, version: str) -> EarlierSortings:
        """From `read_sortings`."""
        asked = set(sortings.loc[sortings["drawn"].astype(bool) & (sortings["risk"] == RiskLevel.NORMAL), "case_id"])
        mine = sortings[sortings["model_version"] == version].sort_values(WRITTEN, kind="stable")
        normal = mine[mine["risk"] == RiskLevel.NORMAL].drop_duplicates("case_id")
        last = [table.drop_duplicates("case_id", keep="last") for table in (mine, sortings)]
        return cls(
            version,
            asked,
            {case: bool(drawn) for case, drawn in zip(normal["case_id"], normal["drawn"], strict=True)},
            *(dict(zip(table["case_id"], table["risk"], strict=True)) for table in last),
        )


def sort_with_draws(
    cases: Sequence[WorklistCase],
    patients: Mapping[str, str],
    share: float,
    pseudonyms: Pseudonyms,
    earlier: EarlierSortings,
    hidden: float = 0.0,
) -> tuple[list[WorklistCase], pd.DataFrame]:
    """The worklist with the drawn cases among those to read, and the rows of `record_sortings` that are new.

    `hidden` is the share of the *priority* cases that are shown as the drawn ones are. `patients` has the patient of
    each case. What was drawn with another share before stays as it was, and what was drawn under another version
    stays among those to read.
    """
    before = earlier.drawn
    drawn, rows = set(), []
    for case in cases:
        is_normal = case.risk == RiskLevel.NORMAL
        wins = bool(before.get(case.case_id, pseudonyms.draw(WHY, case.case_id) < share)) if is_normal else True
        waits = case.cautions and case.risk == RiskLevel.PRIORITY and before.get(case.case_id)
        if (
            is_normal and (wins or case.case_id in earlier.asked)
        ) or waits:  # a caution of today does not tell what was hidden yesterday
            drawn.add(case.case_id)
        if earlier.of_version.get(case.case_id) == case.risk or (is_normal and case.case_id in before):
            continue
        rows.append(
            {
                "case_id": case.case_id, "patient_id": patients[case.case_id], "model_version": earlier.version,
                "risk": case.risk, "probability": share if is_normal else 1.0, "drawn": wins,
                "cautions": "; ".join(case.cautions),
            }
        )  # fmt: skip
    without = drawn | {
        case.case_id for case in cases if looks_drawn(case.case_id, case.risk, bool(case.cautions), pseudonyms, hidden)
    }
    kept = [case for case in cases if case.case_id not in without]
    blind = [_without_answer(case, case.case_id in drawn) for case in cases if case.case_id in without]
    return at_drawn_places(kept, blind, pseudonyms), pd.DataFrame(rows, columns=list(COLUMNS))


class Listed(Protocol):
    """A case of a worklist."""

    @property
    def case_id(self) -> str: ...

    @property
    def risk(self) -> str: ...


AnyCase = TypeVar("AnyCase", bound=Listed)


def looks_drawn(case_id: str, risk: str, cautious: bool, pseudonyms: Pseudonyms, hidden: float) -> bool:
    """Whether a *priority* case is shown as a second reading is: none with a caution, which no second reading has."""
    return risk == RiskLevel.PRIORITY and not cautious and pseudonyms.draw(WITHOUT, case_id) < hidden


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
    photographs: pd.DataFrame,
    hidden: float = 0.0,
) -> list[WorklistCase]:
    """`sort_with_draws` on what the log knows of earlier sortings, and the new ones written down.

    `photographs` are those that the cases are sorted by: one that has others in the log becomes no less urgent.
    """
    earlier = read_sortings(log)[0]
    cases = no_less_urgent(cases, photographs, log, earlier)
    if share <= 0:
        return cases
    sorted_before = EarlierSortings.of(earlier, version)
    shown, drawn = sort_with_draws(cases, patients, share, pseudonyms, sorted_before, hidden)
    record_sortings(log, drawn, received)
    return shown


def no_less_urgent(
    cases: Sequence[WorklistCase], photographs: pd.DataFrame, log: PredictionLog, sortings: pd.DataFrame
) -> list[WorklistCase]:
    """The worklist where cases that have other photographs in the log are as urgent as these made them."""
    known = log.referred(case_id=set(photographs["case_id"]))
    found = as_urgent_as_before(cases, levels_before(known, photographs, sortings))
    return sorted(found, key=lambda case: RANK[case.risk])


def as_urgent_as_before(cases: Sequence[WorklistCase], before: Mapping[str, str]) -> list[WorklistCase]:
    """Cases of which further photographs came, with the level that each had `before`: none becomes less urgent."""
    found = []
    for case in cases:
        level = before.get(case.case_id, case.risk)
        more = RANK[level] < RANK[case.risk]
        found.append(replace(case, risk=level, notes=(*case.notes, MORE_URGENT)) if more else case)
    return found


def unread_second_readings(log: PredictionLog, confirmed: pd.DataFrame) -> set[str]:
    """Cases that were drawn and of which a lesion was not read yet: no page shows what the model answered.

    `confirmed` is that of `read_confirmations`. What was read before another photograph came in is to be read again.
    """
    sortings = read_sortings(log)[0]
    drawn = set(sortings.loc[sortings["drawn"].astype(bool) & (sortings["risk"] == RiskLevel.NORMAL), "case_id"])
    referred = log.referred(case_id=drawn)
    return drawn - confirmed_cases(referred, referred, confirmed)


def unread_without_answer(
    log: PredictionLog, confirmed: pd.DataFrame, referred: pd.DataFrame, pseudonyms: Pseudonyms, hidden: float
) -> set[str]:
    """Of `referred` cases those of which no page shows the answer yet: second readings, and those that look like them.

    `confirmed` is that of `read_confirmations`, `referred` of `PredictionLog.referred` about whole cases.
    """
    sortings = read_sortings(log)[0]
    last = sortings.sort_values(WRITTEN, kind="stable").drop_duplicates("case_id", keep="last").set_index("case_id")
    levels = case_levels(referred, sortings)["risk"]
    cautious = set(last.index[last["cautions"] != ""])
    named = {str(case): str(level) for case, level in levels.items()}
    alike = {c for c, level in named.items() if looks_drawn(c, level, c in cautious, pseudonyms, hidden)}
    return unread_second_readings(log, confirmed) | (alike - confirmed_cases(referred, referred, confirmed))


def _without_answer(case: WorklistCase, second_reading: bool) -> WorklistCase:
    return replace(
        case, risk=RiskLevel.NORMAL.to_be_read.value, answer=None, likely=(), abstained=False, possible=(),
        malignant=float("nan"), notes=tuple(note for note in case.notes if note != MORE_URGENT), without_answer=True,
        second_reading=second_reading,
    )  # fmt: skip
