"""The worklist: referred cases sorted by risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dermai.data.tables import csv_text
from dermai.files import write_text
from dermai.models.called_class import CalledClass, called_class
from dermai.taxonomy import RiskLevel, load_taxonomy
from dermai.triage.cautions import Cautions, cautious_risk
from dermai.triage.risk import ORDER, abstains

SHOWN_CLASSES = 3
NOTHING: Mapping[str, Sequence[str]] = {}
NO_CAUTIONS = Cautions()
NO_THRESHOLDS: Mapping[str, float] = {}


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
    second_reading: bool = False  # drawn from those sorted as normal; the answer is not shown before it is read

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
    taxonomy = load_taxonomy()
    columns = {name: f"p_{name}" for name in taxonomy.codes if f"p_{name}" in rows and rows[f"p_{name}"].notna().any()}
    urgent = [column for name, column in columns.items() if taxonomy.risk(name) is ORDER[0]]
    rank = {level.value: place for place, level in enumerate(ORDER)}
    about = {str(case): cautions.about(images) for case, images in rows.groupby("case_id")["image"]}
    shown = [cautious_risk(risk, about[str(case)]) for case, risk in zip(rows["case_id"], rows["risk"], strict=True)]
    rows = rows.assign(risk=shown)
    ordered = rows.assign(_rank=rows["risk"].map(rank), _urgent=rows[urgent].sum(axis=1))
    ordered = ordered.sort_values(["_rank", "_urgent", "image", "case_id"], ascending=[True, False, True, True])
    cases = []
    for case_id, photographs in ordered.groupby("case_id", sort=False):
        first = photographs.iloc[0]
        found = tuple(str(first["diagnoses"]).split())
        abstained = abstains(found, largest_set)
        probabilities = {name: float(first[column]) for name, column in columns.items() if pd.notna(first[column])}
        answer = None
        if first["predicted"] and not (abstained and taxonomy.risk(first["predicted"]) is RiskLevel.NORMAL):
            answer = called_class(str(first["predicted"]), probabilities, operating_points)
        own = (answer.code,) if answer else ()
        ordered_classes = sorted(probabilities, key=lambda name: -probabilities[name])
        likely = sorted({*ordered_classes[:SHOWN_CLASSES], *own}, key=ordered_classes.index)
        cases.append(
            WorklistCase(
                case_id=str(case_id),
                risk=str(first["risk"]),
                answer=answer,
                likely=tuple((name, probabilities[name]) for name in likely),
                abstained=abstained,
                possible=tuple(dict.fromkeys((*found, *own))),
                malignant=float(first["_urgent"]),
                clinical=_clinical(first),
                site=str(first["site"]) or "unknown",
                images=tuple(photographs["image"]),
                lesions=tuple(photographs.get("lesion_id", ())),
                warnings=tuple(warnings.get(str(case_id), ())),
                cautions=about[str(case_id)],
                notes=tuple(notes.get(str(case_id), ())),
            )
        )
    return cases


def _clinical(row: pd.Series) -> str:
    age = f"{row['age']:.0f} years" if pd.notna(row["age"]) else ""
    return ", ".join(str(part) for part in (age, row["sex"], row["body_site"]) if part)


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
                "abstained": "" if case.second_reading else "yes" if case.abstained else "no",
                "malignant_probability": f"{case.malignant:.3f}" if case.likely else "",
                "site": case.site,
                "photographs": len(case.images),
                "lesions": " ".join(dict.fromkeys(case.lesions)),
                "warnings": "; ".join(case.warnings),
                "cautions": "; ".join(case.cautions),
                "second_reading": "yes" if case.second_reading else "",
            }
            for position, case in enumerate(cases, 1)
        ],
        columns=["position", "case_id", "risk", "model_answer", "reason", "possible_diagnoses", "abstained",
                 "malignant_probability", "site", "photographs", "lesions", "warnings", "cautions", "second_reading"],
    )  # fmt: skip
    write_text(path, csv_text(table))
