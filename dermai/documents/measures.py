"""How well a version did, as one list: each measure with its interval, and the group of lesions that it is of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dermai.documents.version_evidence import VersionEvidence
from dermai.evaluation.metrics import Estimate, Rate
from dermai.gate.exact import interval
from dermai.percentages import percentage


@dataclass(frozen=True)
class Measure:
    """One number, a share between 0 and 1, with its two-sided interval; `of` is empty for all test lesions."""

    name: str
    of: str
    value: float
    low: float
    high: float
    confidence: float
    lesions: int | None = None

    @property
    def label(self) -> str:
        """`sensitivity, MM`."""
        return f"{self.name}, {self.of}" if self.of else self.name

    @property
    def words(self) -> str:
        """As in "sensitivity, MM: 86 % (95 % interval 73 to 94 %), 50 lesions"."""
        counted = f", {self.lesions} lesions" if self.lesions is not None else ""
        return (
            f"{self.label}: {percentage(self.value)} % ({percentage(self.confidence)} % interval "
            f"{percentage(self.low)} to {percentage(self.high)} %){counted}"
        )


def measures_of(evidence: VersionEvidence) -> tuple[Measure, ...]:
    """What was measured on the test lesions when the version was made; what has no value is left out."""
    evaluation = evidence.evaluation
    if evaluation is None:
        return ()
    found, confidence = evaluation.lesions, evaluation.lesions.confidence
    rows: list[Measure | None] = [
        _measure("balanced accuracy", "", found.balanced_accuracy, confidence, found.cases),
        _measure("accuracy", "", found.accuracy, confidence),
        _measure("macro F1", "", found.macro_f1, confidence, found.cases),
        _measure("weighted F1", "", found.weighted_f1, confidence, found.cases),
    ]
    for row in found.per_class:
        rows += [
            _measure("sensitivity", row.code, row.sensitivity, confidence),
            _measure("specificity", row.code, row.specificity, confidence),
            _measure("precision", row.code, row.precision, confidence),
            _measure("F1", row.code, row.f1, confidence),
        ]
    return tuple(row for row in rows if row is not None)


def group_measures(evidence: VersionEvidence) -> tuple[Measure, ...]:
    """Sensitivity for each gated class in each group of patients that the gate looked at."""
    return tuple(_groups(evidence))


def _groups(evidence: VersionEvidence) -> Iterator[Measure]:
    decision = evidence.decision
    if decision is None:
        return
    for found in decision.subgroups:
        if found.lesions:
            low, high = interval(found.candidate_hits, found.lesions, decision.confidence)
            of = f"{found.code}, {found.attribute.replace('_', ' ')} {found.group}"
            value = found.candidate_hits / found.lesions
            yield Measure("sensitivity", of, value, low, high, decision.confidence, found.lesions)


def _measure(
    name: str, of: str, number: Rate | Estimate, confidence: float, lesions: int | None = None
) -> Measure | None:
    if number.value is None:
        return None
    counted = number.total if isinstance(number, Rate) else lesions
    return Measure(name, of, number.value, number.low, number.high, confidence, counted)
