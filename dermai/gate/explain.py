"""The gate's decision in plain words, for the doctor who answers for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dermai.gate.findings import (
    BENIGN,
    ClassFinding,
    GateDecision,
    MacroF1Finding,
    Mode,
    PairedComparison,
    Reason,
    SpecificityFinding,
    SubgroupFinding,
)
from dermai.gate.marks import ORDER, mark_of
from dermai.percentages import allowance, per_cent, points
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
    drops = drops_beyond_chance(decision)
    if drops:
        found = "Insufficient evidence: the candidate is not shown to be good enough, and it probably does worse on "
        found += f"{' and '.join(drops)}, though not surely enough to be rejected"
    else:
        found = "Insufficient evidence: the candidate is neither shown to be good enough nor to be worse"
    return f"{found}{further_words(decision.further_cases)}."


def further_words(further: Mapping[str, int | None]) -> str:
    """How many patients with a confirmed diagnosis would probably decide: one number for each kind of lesion.

    >>> further_words({"MM": 562, "BCC": 0, "benign": 40})
    '; probably enough: 562 further patients with a confirmed MM, 40 with a confirmed benign lesion'
    >>> further_words({"MM": 562, "BCC": None})
    '; probably enough for MM: 562 further patients with a confirmed MM; as things look, no number decides on BCC'
    """
    needed = {about: number for about, number in further.items() if number}
    hopeless = [about_words(about) for about, number in further.items() if number is None]
    words = ""
    if needed:
        only = f" for {' and '.join(map(about_words, needed))}" if hopeless else ""
        texts = [f"{number:,} with a confirmed {_one(about)}" for about, number in needed.items()]
        words = f"; probably enough{only}: {', '.join(texts)}".replace(" with", " further patients with", 1)
    return words + (f"; as things look, no number decides on {' and '.join(hopeless)}" if hopeless else "")


def drops_beyond_chance(decision: GateDecision) -> tuple[str, ...]:
    """The kinds of lesions on which the whole interval of a difference lies below zero: `MM`, `benign lesions`."""
    pools = [(found.code, found.comparisons) for found in decision.classes]
    if decision.specificity:
        pools.append((BENIGN, decision.specificity.comparisons))
    return tuple(
        about_words(about) for about, comparisons in pools if any(found.interval[1] < 0 for found in comparisons)
    )


def about_words(about: str) -> str:
    """A kind of lesion in a sentence."""
    return "benign lesions" if about == BENIGN else about


def _one(about: str) -> str:
    return "benign lesion" if about == BENIGN else about


def asked_of(comparison: PairedComparison, mode: Mode) -> str:
    """What a comparison must show: the loss that must be ruled out, and the drop that the estimate itself may have."""
    drop = "" if comparison.allowed_drop is None else f"drop of at most {allowance(comparison.allowed_drop)}"
    if mode == "point":
        return f"drop of at most {allowance(largest_drop(comparison))}"
    ruled_out = f"loss of {allowance(comparison.margin)} ruled out"
    return f"{ruled_out}, {drop}" if drop else ruled_out


def largest_drop(comparison: PairedComparison) -> float:
    """The largest drop of the estimate that is allowed where estimates alone are compared."""
    return min(comparison.margin, 1.0 if comparison.allowed_drop is None else comparison.allowed_drop)


def reasons(decision: GateDecision) -> tuple[Reason, ...]:
    """Why the outcome is what it is; what speaks against promotion first."""
    found = [reason for of_class in decision.classes for reason in _of_class(of_class, decision)]
    if decision.specificity:
        found += _of_specificity(decision.specificity, decision)
    if decision.macro_f1:
        found += _of_macro_f1(decision.macro_f1)
    for subgroup in decision.subgroups:
        found += _of_subgroup(subgroup)
    if decision.mode == "point":
        found.insert(0, Reason(code="point_estimates", about="policy", text=NO_CONTROL))
    return tuple(sorted(found, key=lambda reason: ORDER.index(mark_of(reason))))


def _of_class(found: ClassFinding, decision: GateDecision) -> Iterator[Reason]:
    name = f"{load_taxonomy().classes[found.code].name} ({found.code})"
    if not found.enough:
        text = f"{name}: {_only(found.lesions)}, too few to judge."
        yield Reason(code="too_few", about=found.code, text=text)
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
        yield Reason(code="floor_not_shown", about=found.code, text=text)
    for comparison in found.comparisons:
        yield _of_comparison(comparison, name, found.code, "found", decision)


def _of_comparison(found: PairedComparison, name: str, about: str, verb: str, decision: GateDecision) -> Reason:
    reference = REFERENCES[found.reference]
    counts = (
        f"{name}: {_lesions(found.candidate_only)} {verb} by the candidate alone, "
        f"{found.reference_only} by {reference} alone"
    )
    margin, fewer = allowance(found.margin), f"{-100 * found.difference:.1f} points fewer"
    low, high = found.interval
    between = f"{per_cent(decision.confidence)} interval of the difference {points(low)} to {points(high)} points"
    dropped = found.allowed_drop is not None and -found.difference > found.allowed_drop
    if decision.mode == "point":
        change = f"difference {points(found.difference)} points"
        text = f"{counts} ({change}); a drop of at most {allowance(largest_drop(found))} is allowed."
    elif found.verdict == "shown":
        text = f"{counts}; a loss of {margin} or more is ruled out ({between})."
    elif found.verdict == "worse":
        text = f"{counts}; the candidate is worse ({between})."
    elif dropped:
        ruled_out = "is ruled out" if found.p_value <= decision.alpha else "cannot be ruled out"
        joined = "but" if found.p_value <= decision.alpha else "and"
        text = f"{counts}, {fewer} ({between}); a loss of {margin} {ruled_out}, {joined} the estimate itself may drop "
        text += f"by at most {allowance(found.allowed_drop or 0.0)}."
    else:
        text = f"{counts}; a loss of {margin} cannot be ruled out ({between})."
    return Reason(code=f"{found.reference}_{found.verdict}", about=about, text=text)


def _of_specificity(found: SpecificityFinding, decision: GateDecision) -> Iterator[Reason]:
    name = "Benign lesions"
    if not found.enough:
        text = f"{name}: {_only(found.lesions)}, too few to judge false alarms."
        yield Reason(code="too_few", about="benign", text=text)
    for comparison in found.comparisons if found.lesions else ():
        yield _of_comparison(comparison, name, "benign", "rightly not called malignant", decision)


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
        f"{allowance(found.allowed_drop)} is allowed in a group, and this is more{chance}."
    )
    yield Reason(code=f"subgroup_{found.verdict}", about=f"{found.code}/{found.attribute}/{found.group}", text=text)


def _lesions(number: int) -> str:
    return f"{number} lesion" if number == 1 else f"{number} lesions"


def _only(number: int) -> str:
    return f"only {_lesions(number)} that {'counts' if number == 1 else 'count'}" if number else "no lesion that counts"
