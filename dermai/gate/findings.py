"""The form of decisions, as decision.json and the records hold them: every number that led to the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from operator import not_
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dermai.language.messages import message

Outcome = Literal["promote", "reject", "insufficient_evidence"]
OUTCOMES: dict[Outcome, str] = {
    "promote": message("promote"),
    "reject": message("reject"),
    "insufficient_evidence": message("insufficient evidence"),
}
TestResult = Literal["shown", "not_shown", "worse"]
ComparedWith = Literal["champion", "anchor"]
ShownOn = Literal[
    "test patients", "all confirmed lesions", "daily practice", "daily practice with earlier challengers", ""
]
Mode = Literal["statistical", "point"]
ALL, TEST = "All confirmed lesions", "Test patients"  # the columns of evidence
BENIGN = "benign"  # the pool on which specificity is judged, beside the gated classes


class Finding(BaseModel):
    """A part of the decision, as it stands in decision.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FloorTest(Finding):
    """Is the sensitivity above the floor? Bounds are one-sided, each at its own level."""

    floor: float
    lower_bound: float
    upper_bound: float
    p_value: float
    p_value_below: float
    verdict: TestResult
    further_cases: int | None = None


class PairedComparison(Finding):
    """Paired answers of candidate and reference on the same lesions. Counts of lesions; the difference and the tests
    weigh patients equally. `shown` needs the margin ruled out and, where `allowed_drop` is given, a difference that is
    itself no larger. `worse` is evidence against the candidate, not merely a lack of evidence for it."""

    reference: ComparedWith
    margin: float
    allowed_drop: float | None = None
    both: int
    candidate_only: int
    reference_only: int
    neither: int
    patients: int
    effective_patients: float
    difference: float
    interval: tuple[float, float]
    p_value: float
    p_value_worse: float
    method: str
    verdict: TestResult
    further_cases: int | None = None


class ClassFinding(Finding):
    """One gated class. `patient_sensitivity` weighs patients equally; it is what is tested."""

    code: str
    lesions: int
    patients: int
    hits: int
    sensitivity: float | None
    patient_sensitivity: float | None
    interval: tuple[float, float]
    enough: bool
    floor: FloorTest
    comparisons: tuple[PairedComparison, ...] = ()
    further_cases: int | None = None


class SpecificityFinding(Finding):
    """Benign lesions that are not called malignant."""

    classes: tuple[str, ...]
    lesions: int
    patients: int
    specificity: float | None
    interval: tuple[float, float]
    enough: bool
    comparisons: tuple[PairedComparison, ...] = ()


class MacroF1Finding(Finding):
    """Mean F1 over the diagnoses present. The drop itself is judged; evidence against is beyond its interval."""

    candidate: float
    champion: float
    difference: float
    standard_error: float
    allowed_drop: float
    verdict: TestResult


class SubgroupFinding(Finding):
    """Sensitivity for a class in a group of patients, beside the champion's."""

    code: str
    attribute: str
    group: str
    lesions: int
    patients: int
    candidate_hits: int
    champion_hits: int
    difference: float
    p_value_worse: float
    allowed_drop: float
    verdict: TestResult


class Reason(Finding):
    """Why the outcome is what it is: a code for machines, plain words for a doctor."""

    code: str
    about: str
    text: str


class Agreement(Finding):
    """Does the deployed model call a class where its sisters do? On test patients, whose diagnoses are not looked at.

    `with_sisters` and `among_sisters` are the mean shares of lesions on which it and a sister, or two sisters, differ;
    `missed` and `missed_among_sisters` the shares of a sister's calls of the class that it, or another sister, does not
    make.
    """

    code: str
    lesions: int
    with_sisters: float
    among_sisters: float
    allowed: float
    missed: float
    missed_among_sisters: float
    allowed_missed: float
    verdict: TestResult


class Estimated(Finding):
    """A difference with its interval."""

    value: float
    low: float
    high: float


class Change(Finding):
    """What an update brought for a class (`dermai.gate.learning`); None where there is no lesion to see it on."""

    code: str
    new_lesions: int
    old_lesions: int
    learning: Estimated | None
    potential: Estimated | None
    retention: Estimated | None


class AllLesions(Finding):
    """The second column of evidence: all confirmed lesions, each answered by a model of the line that never saw it.

    `decision` is that of this column alone. `left_out` counts lesions that one of the models could not answer so.
    """

    decision: GateDecision
    agreement: tuple[Agreement, ...]
    variance_inflation: float
    promotes_alone: bool = True
    left_out: int = Field(0, exclude_if=not_)
    changes: tuple[Change, ...] = Field((), exclude_if=not_)

    @property
    def agreed(self) -> bool:
        """Whether the deployed model calls what its sisters call, so that their evidence is its own."""
        return bool(self.agreement) and all(found.verdict == "shown" for found in self.agreement)


class GateDecision(Finding):
    """The outcome and everything it rests on: findings of the test patients, and of the second column `all_lesions`.

    `outcome`, `summary` and `reasons` are of both columns; `no_second_column` says why there is none and what it takes.

    `further_cases`: for each gated class and for benign lesions the patients with a confirmed diagnosis after which
    all tests on them will probably be shown, 0 where they are; None where as things look no number will do.
    `not_counted`: which test lesions do not count for how they were confirmed, a sentence a class.
    """

    outcome: Outcome
    summary: str
    reasons: tuple[Reason, ...]
    mode: Mode
    controls_error_rate: bool
    alpha: float
    harm_level: float
    confidence: float
    policy_hash: str
    classes: tuple[ClassFinding, ...]
    specificity: SpecificityFinding | None = None
    macro_f1: MacroF1Finding | None = None
    subgroups: tuple[SubgroupFinding, ...] = ()
    further_cases: dict[str, int | None] = {}
    not_counted: tuple[str, ...] = Field((), exclude_if=not_)
    all_lesions: AllLesions | None = Field(None, exclude_if=not_)
    no_second_column: str = Field("", exclude_if=not_)

    @property
    def columns(self) -> tuple[tuple[str, GateDecision], ...]:
        """Title and decision of each column of evidence, all confirmed lesions first; a single one has no title."""
        return ((ALL, self.all_lesions.decision), (TEST, self)) if self.all_lesions else (("", self),)

    @property
    def harmed_groups(self) -> tuple[SubgroupFinding, ...]:
        """The groups of patients in which there is evidence of harm."""
        return tuple(group for group in self.subgroups if group.verdict == "worse")

    @property
    def hold_in_practice(self) -> tuple[GateDecision, ...]:
        """The columns in each of which a test must be shown so that daily practice need not show it again.

        None where the deployed model does not call what its sisters call: the test patients do not promote instead, as
        a second chance would double the level.
        """
        column = self.all_lesions
        if column is None:
            return (self,)
        if not column.agreed:
            return ()
        return (column.decision,) if column.promotes_alone else (column.decision, self)

    @property
    def groups_held_back(self) -> tuple[SubgroupFinding, ...]:
        """The groups of patients that hold a candidate back, in either column."""
        column = self.all_lesions
        if column is None:
            return tuple(group for group in self.subgroups if group.verdict != "shown")
        of_test = self.harmed_groups if column.promotes_alone else self.subgroups
        return tuple(group for group in (*column.decision.subgroups, *of_test) if group.verdict != "shown")

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons in plain words."""
        return tuple(reason.text for reason in self.reasons)

    @property
    def findings(self) -> Iterator[FloorTest | PairedComparison | MacroF1Finding | SubgroupFinding]:
        """Every test that has a verdict."""
        for of_class in self.classes:
            yield of_class.floor
            yield from of_class.comparisons
        if self.specificity:
            yield from self.specificity.comparisons
        if self.macro_f1:
            yield self.macro_f1
        yield from self.subgroups


class SeriesEvidence(Finding):
    """What the challengers of one recipe, one after the other, showed together in a test, the newest included.

    `threshold` is asked of them all, `own_threshold` of the newest alone.
    """

    challengers: int
    patients: int
    largest_e_value: float
    threshold: float
    own_threshold: float


class ShadowTest(Finding):
    """One test of the challenger. `largest` e-values are over all looks; `on` says where it was shown.

    `drawn` of the patients are second readings, each of which stands for 1/`probability` or fewer.
    """

    about: str
    against: Literal["floor", "champion", "anchor"]
    lesions: int
    patients: int
    e_value: float
    largest_e_value: float
    largest_e_value_worse: float
    threshold: float
    on: ShownOn
    verdict: TestResult
    further_patients: int | None = None
    drawn: int = Field(0, exclude_if=not_)
    probability: float = Field(1.0, exclude_if=lambda probability: probability == 1)
    series: SeriesEvidence | None = Field(None, exclude_if=not_)


class ShadowDecision(Finding):
    """What daily practice says of a challenger so far; `further_cases` as in `GateDecision`, from now on.

    `lesions` counts those with a diagnosis that counts, `unconfirmed` is the share of referrals without one at the end
    of follow-up: the largest of all referrals and of the parts in which misses would hide.
    """

    outcome: Outcome
    summary: str
    reasons: tuple[str, ...]
    alpha: float
    policy_hash: str
    lesions: int
    tests: tuple[ShadowTest, ...]
    macro_f1_difference: float | None = None
    subgroups_open: tuple[str, ...] = ()
    further_cases: dict[str, int | None] = Field({}, exclude_if=not_)
    unconfirmed: float | None = Field(None, exclude_if=not_)
    not_counted: tuple[str, ...] = Field((), exclude_if=not_)
