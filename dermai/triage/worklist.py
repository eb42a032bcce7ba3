"""The worklist: referred cases sorted by risk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dermai.data.tables import csv_text
from dermai.files import write_text
from dermai.language.messages import message
from dermai.models.called_class import CalledClass, called_class
from dermai.taxonomy import RiskLevel, load_taxonomy
from dermai.triage.cautions import Cautions, cautious_risk
from dermai.triage.risk import ORDER, RANK, abstains

SHOWN_CLASSES = 3
UNKNOWN_SITE = message("unknown")
NOTHING: Mapping[str, Sequence[str]] = {}
NO_CAUTIONS = Cautions()
NO_THRESHOLDS: Mapping[str, float] = {}
Photograph = Mapping[str, Any]  # a row of a folder with a model's answers


@dataclass(frozen=True)
class WorklistCase:
    """One referral, with what the model says of its most urgent photograph.

    `answer` is the class that it calls: the one that sets `risk`. A model that abstains has no answer, unless the
    called class is more than normally urgent: that is said all the same, as uncertain.
    """

    case_id: str
    risk: str
    answer: CalledClass | None
    likely: tuple[tuple[str, float], ...]  # the most probable classes, and the answer
    abstained: bool
    possible: tuple[str, ...]  # the conformal set, and the answer
    malignant: float  # probability of any high-priority class
    clinical: str
    site: str
    images: tuple[str, ...]
    lesions: tuple[str, ...] = ()  # the lesion of each photograph
    warnings: tuple[str, ...] = ()  # a mix-up of patients that a person must clear up
    cautions: tuple[str, ...] = ()  # why it is read although the model might call it normal
    notes: tuple[str, ...] = ()
    without_answer: bool = False  # it is not shown before the case is read, whatever it is
    second_reading: bool = False  # drawn from those sorted as normal, which no page tells

    @property
    def explained(self) -> tuple[str, str] | None:
        """The photograph and class of the heat map; a normal case has none, nor has one without an answer."""
        return (self.images[0], self.answer.code) if self.answer and self.risk != RiskLevel.NORMAL else None

    @property
    def several_lesions(self) -> bool:
        """A diagnosis of such a case must say of which lesion it is."""
        return len(set(self.lesions)) > 1


def worklist_cases(
    rows: pd.DataFrame,
    largest_set: int,
    warnings: Mapping[str, Sequence[str]] = NOTHING,
    notes: Mapping[str, Sequence[str]] = NOTHING,
    operating_points: Mapping[str, float] = NO_THRESHOLDS,
    cautions: Cautions = NO_CAUTIONS,
) -> list[WorklistCase]:
    """Photographs with one model's answers to cases, most urgent first, deterministic.

    `operating_points` are that model's; `warnings` and `notes` are sentences about a case. No case with a caution is
    `normal`.
    """
    by_case: dict[str, list[Photograph]] = defaultdict(list)
    for row in rows.to_dict("records"):
        by_case[str(row["case_id"])].append({str(name): value for name, value in row.items()})
    cases = [
        worklist_case(
            photographs,
            largest_set,
            tuple(warnings.get(case, ())),
            tuple(notes.get(case, ())),
            operating_points,
            cautions,
        )
        for case, photographs in by_case.items()
    ]
    return sorted(cases, key=_urgency)


def worklist_case(
    photographs: Sequence[Photograph],
    largest_set: int,
    warnings: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    operating_points: Mapping[str, float] = NO_THRESHOLDS,
    cautions: Cautions = NO_CAUTIONS,
) -> WorklistCase:
    """One case of `worklist_cases`; each photograph has what a row of the table has."""
    taxonomy = load_taxonomy()
    urgent_codes = [code for code in taxonomy.codes if taxonomy.risk(code) is ORDER[0]]
    about = cautions.about(str(photograph["image"]) for photograph in photographs)

    def urgency(photograph: Photograph) -> tuple[int, float, str]:
        urgent = float(sum(_probabilities(photograph, urgent_codes).values()))
        return RANK[cautious_risk(str(photograph["risk"]), about)], -urgent, str(photograph["image"])

    ordered = sorted(photographs, key=urgency)
    first = ordered[0]
    found = tuple(str(first["diagnoses"]).split())
    abstained = abstains(found, largest_set)
    probabilities = _probabilities(first, taxonomy.codes)
    answer = None
    if first["predicted"] and not (abstained and taxonomy.risk(first["predicted"]) is RiskLevel.NORMAL):
        answer = called_class(str(first["predicted"]), probabilities, operating_points)
    own = (answer.code,) if answer else ()
    ordered_classes = sorted(probabilities, key=lambda name: -probabilities[name])
    likely = sorted({*ordered_classes[:SHOWN_CLASSES], *own}, key=ordered_classes.index)
    return WorklistCase(
        case_id=str(first["case_id"]),
        risk=cautious_risk(str(first["risk"]), about),
        answer=answer,
        likely=tuple((name, probabilities[name]) for name in likely),
        abstained=abstained,
        possible=tuple(dict.fromkeys((*found, *own))),
        malignant=-urgency(first)[1],
        clinical=clinical_words(first),
        site=str(first["site"]) or UNKNOWN_SITE,
        images=tuple(str(photograph["image"]) for photograph in ordered),
        lesions=tuple(str(photograph["lesion_id"]) for photograph in ordered if "lesion_id" in photograph),
        warnings=warnings,
        cautions=about,
        notes=notes,
    )


def _urgency(case: WorklistCase) -> tuple[int, float, str, str]:
    return RANK[case.risk], -case.malignant, case.images[0], case.case_id


def _probabilities(photograph: Photograph, codes: Iterable[str]) -> dict[str, float]:
    """Those of these classes that the model gives."""
    found = {code: photograph.get(f"p_{code}") for code in codes}
    return {code: float(value) for code, value in found.items() if pd.notna(value)}


def clinical_words(row: Photograph) -> str:
    """Age, sex and site on the body, as far as they are known."""
    age = row.get("age")
    years = message("%(number)s years", number=f"{age:.0f}") if age is not None and pd.notna(age) else ""
    return ", ".join(str(part) for part in (years, row.get("sex"), row.get("body_site")) if part)


def write_worklist_csv(path: Path, cases: list[WorklistCase]) -> None:
    """One line a case, in the order of the page."""
    table = pd.DataFrame(
        [
            {
                "position": position,
                "case_id": case.case_id,
                "risk": case.risk,
                "model_answer": case.answer.code if case.answer else "",
                "reason": case.answer.reason.replace("\u00a0", " ") if case.answer else "",
                "possible_diagnoses": " ".join(case.possible),
                "abstained": "" if case.without_answer else "yes" if case.abstained else "no",
                "malignant_probability": f"{case.malignant:.3f}" if case.likely else "",
                "site": case.site,
                "photographs": len(case.images),
                "lesions": " ".join(dict.fromkeys(case.lesions)),
                "warnings": "; ".join(case.warnings),
                "cautions": "; ".join(case.cautions),
                "without_answer": "yes" if case.without_answer else "",
            }
            for position, case in enumerate(cases, 1)
        ],
        columns=["position", "case_id", "risk", "model_answer", "reason", "possible_diagnoses", "abstained",
                 "malignant_probability", "site", "photographs", "lesions", "warnings", "cautions", "without_answer"],
    )  # fmt: skip
    write_text(path, csv_text(table))
