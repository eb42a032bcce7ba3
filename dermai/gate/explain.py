"""The gate's decision in plain words, for the doctor who answers for it."""

from __future__ import annotations

from collections.abc import Iterator

from dermai.gate.findings import (
    ClassFinding,
    GateDecision,
    MacroF1Finding,
    PairedComparison,
    Reason,
    SpecificityFinding,
    SubgroupFinding,
)
from dermai.gate.policy import GatePolicy
from dermai.percentages import per_cent
from dermai.taxonomy import load_taxonomy

NO_CONTROL = "Point estimates were compared: chance alone can decide, and no error rate is controlled."
REFERENCES = {"champion": "the champion", "anchor": "the anchor (the first approved model)"}
ATTRIBUTE_NAMES = {"sex": "sex", "age_band": "age", "skin_type": "skin type", "site": "site"}


def summary(decision: GateDecision) -> str:
    """The outcome in one or two sentences."""
    gated = " and ".join(finding.code for finding in decision.classes)
    if decision.mode == "point":
        outcomes = {
            "promote": "The candidate's estimates pass every comparison.",
            "reject": "The candidate's estimate falls short in at least one comparison.",
            "insufficient_evidence": "There are too few confirmed lesions even to compare estimates."
            if all(group.verdict == "shown" for group in decision.subgroups)
            else "The candidate's estimates pass every comparison but one in a group of patients.",
        }
        return f"{outcomes[decision.outcome]} {NO_CONTROL}"
    if decision.outcome == "promote":
        return f"Promote: the candidate is shown to be good enough, and no worse than allowed, for {gated}."
    if decision.outcome == "reject":
        return "Reject: there is evidence that the candidate is worse than allowed."
    if any(group.verdict == "worse" for group in decision.subgroups):
        return "Held back: the candidate passes for all patients together, but it is worse in a group of them."
    needed = [
        f"{cases} further patients with confirmed {code}" for code, cases in decision.further_cases.items() if cases
    ]
    wanted = f"; probably enough: {' and '.join(needed)}" if needed else ""
    return f"Insufficient evidence: the candidate is neither shown to be good enough nor to be worse{wanted}."


def reasons(decision: GateDecision, policy: GatePolicy) -> tuple[Reason, ...]:
    """Why the outcome is what it is; what speaks against promotion first."""
    found = [reason for of_class in decision.classes for reason in _of_class(of_class, decision)]
    if decision.specificity:
        found += _of_specificity(decision.specificity, policy)
    if decision.macro_f1:
        found += _of_macro_f1(decision.macro_f1)
    for subgroup in decision.subgroups:
        found += _of_subgroup(subgroup)
    if decision.mode == "point":
        found.insert(0, Reason(code="point_estimates", about="policy", text=NO_CONTROL))
    return tuple(sorted(found, key=_weight))


def _weight(reason: Reason) -> int:
    """Harm before what could not be shown before what was."""
    if reason.code == "point_estimates":
        return 0
    return 1 if reason.code.endswith("_worse") else 3 if not reason.code.endswith(("too_few", "_not_shown")) else 2


def _of_class(found: ClassFinding, decision: GateDecision) -> Iterator[Reason]:
    name = f"{load_taxonomy().classes[found.code].name} ({found.code})"
    if not found.enough:
        text = f"{name}: {_only(found.lesions)} among the test patients, too few to judge."
        yield Reason(code="too_few", about=found.code, text=text + _wanted(found.further_cases))
    if not found.lesions:
        return
    floor = found.floor
    seen = f"{name}: the candidate finds {found.hits} of {_lesions(found.lesions)} ({per_cent(found.sensitivity)})"
    if decision.mode == "point":
        passed = "at or above" if floor.verdict == "shown" else "below"
        yield Reason(code=f"floor_{floor.verdict}", about=found.code, text=f"{seen}, {passed} {per_cent(floor.floor)}.")
    elif floor.verdict == "shown":
        text = f"{seen}; at least {per_cent(floor.lower_bound, 1)} is certain, and {per_cent(floor.floor)} is asked."
        yield Reason(code="floor_shown", about=found.code, text=text)
    elif floor.verdict == "worse":
        text = f"{seen}; more than {per_cent(floor.upper_bound, 1)} is ruled out, and {per_cent(floor.floor)} is asked."
        yield Reason(code="floor_worse", about=found.code, text=text)
    else:
        text = f"{seen}; only {per_cent(floor.lower_bound, 1)} is certain, and {per_cent(floor.floor)} is asked."
        yield Reason(code="floor_not_shown", about=found.code, text=text + _wanted(floor.further_cases))
    for comparison in found.comparisons:
        yield _of_comparison(comparison, name, found.code, "found", decision.mode)


def _of_comparison(found: PairedComparison, name: str, about: str, verb: str, mode: str) -> Reason:
    reference = REFERENCES[found.reference]
    counts = (
        f"{name}: {_lesions(found.candidate_only)} {verb} by the candidate alone, "
        f"{found.reference_only} by {reference} alone"
    )
    margin = f"{found.margin * 100:.3g} points"
    low, high = (f"{bound * 100:+.1f}" for bound in found.interval)
    text = {
        "shown": f"{counts}; a loss of {margin} or more is ruled out (difference {low} to {high} points).",
        "not_shown": f"{counts}; a loss of {margin} cannot be ruled out (difference {low} to {high} points)."
        + _wanted(found.further_cases),
        "worse": f"{counts}; the candidate is worse (difference {low} to {high} points).",
    }[found.verdict]
    if found.verdict == "not_shown" and found.allowed_drop is not None and -found.difference > found.allowed_drop:
        allowed = f"{found.allowed_drop * 100:.3g} points"
        text = f"{counts}: {-found.difference * 100:.1f} points fewer, and a drop of {allowed} is allowed."
    if mode == "point":
        text = f"{counts} (difference {found.difference * 100:+.1f} points)."
    return Reason(code=f"{found.reference}_{found.verdict}", about=about, text=text)


def _of_specificity(found: SpecificityFinding, policy: GatePolicy) -> Iterator[Reason]:
    name = "Benign lesions"
    if not found.enough:
        text = f"{name}: {_only(found.lesions)} among the test patients, too few to judge false alarms."
        yield Reason(code="too_few", about="benign", text=text)
    for comparison in found.comparisons if found.lesions else ():
        yield _of_comparison(comparison, name, "benign", "rightly not called malignant", policy.mode)


def _of_macro_f1(found: MacroF1Finding) -> Iterator[Reason]:
    change = f"Over all diagnoses, macro-F1 goes from {found.champion:.3f} to {found.candidate:.3f}"
    text = {
        "shown": f"{change}; a drop of {found.allowed_drop:.3g} is allowed.",
        "not_shown": f"{change}, a larger drop than the allowed {found.allowed_drop:.3g}, though it may be chance.",
        "worse": f"{change}, a larger drop than the allowed {found.allowed_drop:.3g}.",
    }[found.verdict]
    yield Reason(code=f"macro_f1_{found.verdict}", about="all", text=text)


def _of_subgroup(found: SubgroupFinding) -> Iterator[Reason]:
    if found.verdict == "shown":
        return
    chance = ", though it may be chance" if found.verdict == "not_shown" else ""
    text = (
        f"{found.code}, {ATTRIBUTE_NAMES[found.attribute]} {found.group}: of {_lesions(found.lesions)} the candidate "
        f"finds {found.candidate_hits}, the champion {found.champion_hits}; a drop of "
        f"{found.allowed_drop * 100:.3g} points is allowed in a group, and this is more{chance}."
    )
    yield Reason(code=f"subgroup_{found.verdict}", about=f"{found.code}/{found.attribute}/{found.group}", text=text)


def _wanted(cases: int | None) -> str:
    if cases is None:
        return " As things look, further cases would not change this."
    return f" About {cases} further patients with a confirmed lesion would probably decide it." if cases else ""


def _lesions(number: int) -> str:
    return f"{number} lesion" if number == 1 else f"{number} lesions"


def _only(number: int) -> str:
    return f"only {_lesions(number)}" if number else "no lesion"
