"""The referred cases as a reader works through them: in clinical order, a patient's cases together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

import pandas as pd

from dermai.data.pseudonyms import Pseudonyms
from dermai.language.messages import message
from dermai.models.called_class import CalledClass, called_class
from dermai.prediction_log.case_levels import case_levels
from dermai.prediction_log.parts import WRITTEN
from dermai.prediction_log.referred_photographs import CAME_IN, FIRST_SEEN, REFERRED_AT
from dermai.taxonomy import RiskLevel, load_taxonomy
from dermai.triage.outcomes import mixed_up
from dermai.triage.risk import ORDER, RANK, abstains
from dermai.triage.second_reading import at_drawn_places, looks_drawn
from dermai.triage.worklist import UNKNOWN_SITE, clinical_words


@dataclass(frozen=True)
class CasePhotograph:
    """A stored photograph of a case; `first_seen` is its place in the order of writing when it came in at `came_in`."""

    image: str
    lesion_id: str
    view: str
    first_seen: int
    came_in: datetime


@dataclass(frozen=True)
class ModelAnswer:
    """What the model said of the case's most urgent photograph `image`."""

    version: str
    image: str
    called: str  # a class code; "" where the model has no answer
    probabilities: Mapping[str, float]
    possible: tuple[str, ...]  # the conformal set
    abstained: bool
    malignant: float  # probability of any high-priority class

    def explained(self, operating_points: Mapping[str, float]) -> CalledClass | None:
        """The called class with its reason; None where the model abstains and nothing urgent is called."""
        silent = self.abstained and self.called and load_taxonomy().risk(self.called) is RiskLevel.NORMAL
        if not self.called or silent or self.called not in self.probabilities:
            return None
        return called_class(self.called, self.probabilities, operating_points)


@dataclass(frozen=True)
class CaseToRead:
    """A referred case, by its pseudonyms.

    `answer` is None where no model answered. Of a case that is read without it, it may be shown only when the case is
    read: `dermai.triage.reading_list.ReadingList.answer` holds that. Nothing shown tells such a case that was sorted as
    normal and drawn for a second reading from one that was sorted as *priority*.
    """

    case_id: str
    patient_id: str
    site: str
    clinical: str
    risk: str  # the level under which it is shown
    referred_at: datetime
    photographs: tuple[CasePhotograph, ...]  # the most urgent first; as they came where the answer is hidden
    without_answer: bool
    answer: ModelAnswer | None
    cautions: str = ""
    warnings: tuple[str, ...] = ()  # a mix-up of patients that a person must clear up
    notes: tuple[str, ...] = ()

    @property
    def lesions(self) -> tuple[str, ...]:
        """Its lesions, once each."""
        return tuple(dict.fromkeys(photograph.lesion_id for photograph in self.photographs))

    def of_lesion(self, lesion: str) -> tuple[CasePhotograph, ...]:
        """The photographs of one lesion."""
        return tuple(photograph for photograph in self.photographs if photograph.lesion_id == lesion)

    def days(self, now: datetime) -> int:
        """Whole days since it was referred."""
        return max(0, (now - self.referred_at).days)


def cases_to_read(
    photographs: pd.DataFrame, sortings: pd.DataFrame, pseudonyms: Pseudonyms, largest_set: int, hidden: float = 0.0
) -> tuple[CaseToRead, ...]:
    """Every referred case, read ones too, in clinical order; a patient's cases stand where the most urgent one does.

    `photographs` is `ReferredPhotographs.table`, `sortings` `read_sortings`. As on the worklist of a triage: by risk,
    then by the probability of a malignant diagnosis. What is read without the model's answer, second readings and the
    share `hidden` of the *priority* cases, stands at a place that says nothing of the answer. The order does not change
    when a case is read.
    """
    if photographs.empty:
        return ()
    taxonomy = load_taxonomy()
    columns = {code: f"p_{code}" for code in taxonomy.codes if f"p_{code}" in photographs}
    urgent = [column for code, column in columns.items() if taxonomy.risk(code) is ORDER[0]]
    sorted_as = sortings.sort_values(WRITTEN, kind="stable").drop_duplicates("case_id", keep="last")
    levels = case_levels(photographs, sortings)
    about = CaseRemarks(
        risks=dict(levels["risk"]),
        drawn=frozenset(levels.index[levels["drawn"]]),
        looks_drawn=partial(looks_drawn, pseudonyms=pseudonyms, hidden=hidden),
        cautions=dict(zip(sorted_as["case_id"], sorted_as["cautions"], strict=True)),
        warnings_and_notes=mixed_up(photographs, photographs),
    )
    rows = photographs.assign(_urgent=photographs[urgent].sum(axis=1), _own=photographs["risk"].map(RANK))
    rows = rows.sort_values(["case_id", "_own", "_urgent", "image"], ascending=[True, True, False, True])
    names = [str(name) for name in rows.columns]
    records = (dict(zip(names, values, strict=True)) for values in rows.itertuples(index=False, name=None))
    found = [
        _case(list(of_case), columns, largest_set, about)
        for _, of_case in groupby(records, key=lambda record: record["case_id"])
    ]
    found.sort(key=_urgency)
    kept, blind = [case for case in found if not case.without_answer], [case for case in found if case.without_answer]
    return _together(at_drawn_places(kept, blind, pseudonyms))


def in_order_of_arrival(cases: Sequence[CaseToRead]) -> tuple[CaseToRead, ...]:
    """Where no model's answers are shown none sends a case to the end of the list: who waits longest comes first.

    What was of high priority stays in front: nobody is to wait longer because a model's time is over.
    """
    read = [replace(case, risk=RiskLevel(case.risk).to_be_read.value) for case in cases]
    return _together(sorted(read, key=lambda case: (RANK[case.risk], case.referred_at, case.case_id)))


@dataclass(frozen=True)
class CaseRemarks:
    """What is known of the cases beside their photographs, by case."""

    risks: Mapping[str, str]
    drawn: frozenset[str]
    looks_drawn: Callable[[str, str, bool], bool]
    cautions: Mapping[str, str]
    warnings_and_notes: tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]


def _case(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], largest_set: int, about: CaseRemarks
) -> CaseToRead:
    """One case of its photographs, the most urgent first."""
    first = rows[0]
    case = str(first["case_id"])
    risk = RiskLevel(about.risks[case])
    answer, cautions = _answer(first, columns, largest_set), about.cautions.get(case, "")
    second_reading = case in about.drawn and risk is not RiskLevel.HIGH_PRIORITY
    alike = answer is not None and about.looks_drawn(case, risk.value, bool(cautions))
    # Their order tells which photograph the model found more urgent: not where its answer is hidden
    by_arrival = sorted(rows, key=lambda row: (row[FIRST_SEEN], str(row["image"])))
    shown = by_arrival if second_reading or alike else rows
    warnings, notes = about.warnings_and_notes
    sites = sorted({str(row["site"] or "") or UNKNOWN_SITE for row in rows})
    return CaseToRead(
        case_id=case,
        patient_id=str(first["patient_id"] or ""),
        site=" and ".join(sites),  # of several practices it is none's own
        clinical=clinical_words(first),
        risk=(risk.to_be_read if second_reading else risk).value,
        referred_at=min(row[REFERRED_AT] for row in rows).to_pydatetime(),
        photographs=tuple(
            CasePhotograph(
                image=str(row["image"]),
                lesion_id=str(row["lesion_id"] or ""),
                view=str(row.get("view") or ""),
                first_seen=int(row[FIRST_SEEN]),
                came_in=row[CAME_IN].to_pydatetime(),
            )
            for row in shown
        ),
        without_answer=second_reading or alike,
        answer=answer,
        cautions=cautions,
        warnings=(*warnings.get(case, ()), *_several(sites)),
        notes=tuple(notes.get(case, ())),
    )


def _answer(row: Mapping[str, Any], columns: Mapping[str, str], largest_set: int) -> ModelAnswer | None:
    probabilities = {code: float(row[column]) for code, column in columns.items() if row[column] == row[column]}
    if not row["predicted"] or not probabilities:
        return None
    possible = tuple(str(row["diagnoses"] or "").split())
    return ModelAnswer(
        version=str(row["model_version"]),
        image=str(row["image"]),
        called=str(row["predicted"]),
        probabilities=probabilities,
        possible=possible,
        abstained=abstains(possible, largest_set),
        malignant=float(row["_urgent"]),
    )


def _several(sites: Sequence[str]) -> tuple[str, ...]:
    """A warning where more than one practice used the number of a case."""
    if len(sites) == 1:
        return ()
    return (
        message(
            "photographs came under this case number from %(sites)s: call them, neither sees the case",
            sites=" and ".join(sites),
        ),
    )


def _urgency(case: CaseToRead) -> tuple[int, float, str, str]:
    malignant = case.answer.malignant if case.answer else 0.0
    return RANK[case.risk], -malignant, case.photographs[0].image, case.case_id


def _together(cases: Sequence[CaseToRead]) -> tuple[CaseToRead, ...]:
    """A patient's cases at the place of the first of them; those without a patient stand alone."""
    by_patient: dict[str, list[CaseToRead]] = {}
    for case in cases:
        by_patient.setdefault(case.patient_id or f"case {case.case_id}", []).append(case)
    return tuple(case for of_patient in by_patient.values() for case in of_patient)
