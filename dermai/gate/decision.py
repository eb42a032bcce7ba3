"""The gate's decision on one candidate: promote, reject or insufficient evidence."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from dermai.gate import planning
from dermai.gate.clustered import Pairs, pairs, proportion
from dermai.gate.explain import reasons, summary
from dermai.gate.findings import (
    BENIGN,
    ClassFinding,
    ComparedWith,
    FloorTest,
    GateDecision,
    MacroF1Finding,
    Outcome,
    PairedComparison,
    SpecificityFinding,
    SubgroupFinding,
    TestResult,
)
from dermai.gate.guards import Subgroup, compare_macro_f1, subgroups
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults, aligned


def decide(
    policy: GatePolicy,
    candidate: LesionResults,
    champion: LesionResults | None = None,
    anchor: LesionResults | None = None,
    *,
    alpha: float | None = None,
    confidence: float = 0.95,
    inflation: float = 1.0,
    columns: int = 1,
) -> GateDecision:
    """Judge a candidate on confirmed lesions of patients from whom the answering models have not learnt.

    `alpha` is what the ledger allows this use of the test patients, else the policy's. Every test must pass at that
    level (intersection-union: Berger, Technometrics 24 (1982) 295-300), so the chance of promoting a candidate that
    falls short in any one of them is at most alpha. A rejection needs evidence of harm, at `harm_alpha` divided by the
    number of tests that could show it, and to the number of `columns` of evidence that could. `inflation` is as in
    `clustered.pairs`.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
    """
    return _Judge(policy, candidate, champion, anchor, alpha or policy.alpha, confidence, inflation, columns).decision()


class _Judge:
    """The data of one decision, and the levels of its tests."""

    def __init__(
        self,
        policy: GatePolicy,
        candidate: LesionResults,
        champion: LesionResults | None,
        anchor: LesionResults | None,
        alpha: float,
        confidence: float,
        inflation: float,
        columns: int,
    ) -> None:
        self.policy, self.candidate, self.alpha, self.confidence = policy, candidate, alpha, confidence
        self.inflation = inflation
        named: dict[ComparedWith, LesionResults | None] = {"champion": champion, "anchor": anchor}
        self.references = {name: aligned(candidate, r, name) for name, r in named.items() if r is not None}
        self.champion = self.references.get("champion")
        self.groups: list[Subgroup] = list(subgroups(candidate, self.champion, policy)) if self.champion else []
        classes, references = len(policy.gated_classes), len(self.references)
        tests = classes * (1 + references) + references + (self.champion is not None) + len(self.groups)
        self.harm_level = policy.harm_alpha / (tests * columns)

    def decision(self) -> GateDecision:
        classes = tuple(self._class(code) for code in self.policy.gated_classes)
        specificity = self._specificity() if self.references else None
        further = {found.code: found.further_cases for found in classes}
        if specificity:
            further[BENIGN] = planning.most(each.further_cases for each in specificity.comparisons)
        undecided = GateDecision(
            outcome="insufficient_evidence",
            summary="",
            reasons=(),
            mode=self.policy.mode,
            controls_error_rate=self.policy.mode == "statistical",
            alpha=self.alpha,
            harm_level=self.harm_level,
            confidence=self.confidence,
            policy_hash=self.policy.hash,
            classes=classes,
            specificity=specificity,
            macro_f1=self._macro_f1(),
            subgroups=tuple(self._subgroup(group) for group in self.groups),
            further_cases=further if self.policy.mode == "statistical" else {},
        )
        decided = undecided.model_copy(update={"outcome": _outcome(undecided)})
        decided = decided.model_copy(update={"reasons": reasons(decided)})
        return decided.model_copy(update={"summary": summary(decided)})

    def _class(self, code: str) -> ClassFinding:
        chosen = self.candidate.truth == code
        patients, hits = self.candidate.patient_id[chosen], self.candidate.hits(code, self.policy)[chosen]
        found = proportion(patients, hits, self.inflation)
        enough = found.lesions >= self.policy.fewest_lesions
        floor = self.policy.floors[code]
        p_value, p_value_below = found.p_value_above(floor), found.p_value_below(floor)
        verdict = self._verdict(p_value <= self.alpha, p_value_below <= self.harm_level, found.share >= floor)
        further = planning.further_patients_for_floor(found.share * found.patients, found.patients, self.policy, code)
        floor_test = FloorTest(
            floor=floor,
            lower_bound=found.lower_bound(self.alpha),
            upper_bound=found.upper_bound(self.harm_level),
            p_value=p_value,
            p_value_below=p_value_below,
            verdict=verdict,
            further_cases=0 if verdict == "shown" and enough else further,
        )
        comparisons = tuple(
            self._comparison(name, pairs(patients, hits, reference.hits(code, self.policy)[chosen], self.inflation),
                             getattr(self.policy.margins, name)[code], enough)
            for name, reference in self.references.items()
        )  # fmt: skip
        tail = (1 - self.confidence) / 2
        return ClassFinding(
            code=code,
            lesions=found.lesions,
            patients=found.patients,
            hits=found.lesion_hits,
            sensitivity=found.lesion_hits / found.lesions if found.lesions else None,
            patient_sensitivity=found.share if found.lesions else None,
            interval=(found.lower_bound(tail), found.upper_bound(tail)),
            enough=enough,
            floor=floor_test,
            comparisons=comparisons,
            further_cases=planning.most([floor_test.further_cases, *(c.further_cases for c in comparisons)]),
        )  # fmt: skip

    def _comparison(
        self, name: ComparedWith, found: Pairs, margin: float, enough: bool, of_class: bool = True
    ) -> PairedComparison:
        # With many lesions the margin is ruled out for a loss nearly as large: the estimate itself is bounded as well.
        allowed = self.policy.guards.sensitivity_drop if of_class else None
        kept = allowed is None or found.difference >= -allowed - 1e-12
        # A model may drift from the anchor by less than the margin: only more than that is harm.
        p_worse = found.p_value_worse(0.0 if name == "champion" else margin)
        p_value = found.p_value_not_worse(margin)
        point = kept and found.patients > 0 and found.difference >= -margin - 1e-12
        verdict = self._verdict(p_value <= self.alpha and kept, p_worse <= self.harm_level, point)
        further = planning.further_patients_for_comparison(
            found.gains, found.losses, found.patients, self.policy, margin
        )
        return PairedComparison(
            reference=name,
            margin=margin,
            allowed_drop=allowed,
            both=found.both,
            candidate_only=found.candidate_only,
            reference_only=found.reference_only,
            neither=found.neither,
            patients=found.patients,
            effective_patients=found.effective / found.inflation,
            difference=found.difference,
            interval=found.interval(self.confidence),
            p_value=p_value,
            p_value_worse=p_worse,
            method=found.method,
            verdict=verdict,
            further_cases=0 if verdict == "shown" and enough else further,
        )

    def _verdict(self, shown: bool, harmful: bool, point: bool) -> TestResult:
        """By evidence, evidence for first; in mode `point` by the estimate alone."""
        if self.policy.mode == "point":
            return "shown" if point else "worse"
        return "shown" if shown else "worse" if harmful else "not_shown"

    def _specificity(self) -> SpecificityFinding:
        chosen = np.isin(self.candidate.truth, self.policy.benign_classes)
        patients, passed = self.candidate.patient_id[chosen], self.candidate.not_called_malignant()[chosen]
        found = proportion(patients, passed, self.inflation)
        tail, enough = (1 - self.confidence) / 2, found.lesions >= self.policy.fewest_lesions
        return SpecificityFinding(
            classes=self.policy.benign_classes,
            lesions=found.lesions,
            patients=found.patients,
            specificity=found.lesion_hits / found.lesions if found.lesions else None,
            interval=(found.lower_bound(tail), found.upper_bound(tail)),
            enough=enough,
            comparisons=tuple(
                self._comparison(name, pairs(patients, passed, reference.not_called_malignant()[chosen],
                                             self.inflation),
                                 self.policy.guards.specificity_margin, enough, of_class=False)
                for name, reference in self.references.items()
            ),
        )  # fmt: skip

    def _macro_f1(self) -> MacroF1Finding | None:
        found = compare_macro_f1(self.candidate, self.champion) if self.champion else None
        if found is None:
            return None
        allowed = self.policy.guards.macro_f1_drop
        kept = found.difference >= -allowed - 1e-12
        error = found.standard_error * math.sqrt(self.inflation)
        surely_lost = found.difference + float(norm.isf(self.harm_level)) * error < -allowed
        return MacroF1Finding(
            candidate=found.candidate,
            champion=found.champion,
            difference=found.difference,
            standard_error=found.standard_error,
            allowed_drop=allowed,
            verdict=self._verdict(kept, surely_lost, kept),
        )

    def _subgroup(self, group: Subgroup) -> SubgroupFinding:
        found, allowed = group.found, self.policy.guards.subgroup_drop
        kept = found.difference >= -allowed - 1e-12
        p_worse = found.p_value_worse()
        return SubgroupFinding(
            code=group.code,
            attribute=group.attribute,
            group=group.group,
            lesions=found.lesions,
            patients=found.patients,
            candidate_hits=found.both + found.candidate_only,
            champion_hits=found.both + found.reference_only,
            difference=found.difference,
            p_value_worse=p_worse,
            allowed_drop=allowed,
            verdict=self._verdict(kept, p_worse <= self.harm_level, kept),
        )


def _outcome(found: GateDecision) -> Outcome:
    enough = all(of_class.enough for of_class in found.classes)
    enough = enough and (found.specificity is None or found.specificity.enough)
    if found.mode == "point" and not enough:
        return "insufficient_evidence"
    groups = {group.verdict for group in found.subgroups}
    overall = {finding.verdict for finding in found.findings if not isinstance(finding, SubgroupFinding)}
    passed = enough and overall == {"shown"}
    # Harm in one group holds back a candidate that passed otherwise, for a person to look at. It rejects no such
    # candidate: more cases of the same kind, by which a group becomes large enough to look at, must not do that.
    if "worse" in overall or ("worse" in groups and not passed):
        return "reject"
    return "promote" if passed and groups <= {"shown"} else "insufficient_evidence"
