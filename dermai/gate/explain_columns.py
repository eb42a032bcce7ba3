"""Both columns of evidence in plain words: what is of which, and what only one of them has to show."""

from __future__ import annotations

from collections.abc import Iterable

from dermai.gate.explain import NO_CONTROL, further_words
from dermai.gate.findings import ALL, TEST, Agreement, AllLesions, GateDecision, Outcome, Reason
from dermai.gate.marks import ORDER, mark_of
from dermai.percentages import allowance, per_cent

WHAT_THEY_ARE = (
    "All confirmed lesions: each answered by a model of this version's line that never saw the patient; they show what "
    "the update's procedure makes. Test patients: answered by the very model that would be deployed."
)


def both_summary(outcome: Outcome, on_test: GateDecision, column: AllLesions) -> str:
    """The outcome in one or two sentences."""
    said = _by_evidence(outcome, on_test, column)
    if on_test.controls_error_rate or NO_CONTROL in said:
        return said
    if outcome == "promote":
        said = "The candidate's estimates pass every comparison on all confirmed lesions."
    if outcome == "reject":
        said = f"The candidate's estimate falls short in at least one comparison ({_rejecting(on_test, column)})."
    return f"{said} {NO_CONTROL}"


def _rejecting(on_test: GateDecision, column: AllLesions) -> str:
    found = [name for name, decision in ((ALL, column.decision), (TEST, on_test)) if decision.outcome == "reject"]
    return " and ".join(found).lower()


def _by_evidence(outcome: Outcome, on_test: GateDecision, column: AllLesions) -> str:
    gated = " and ".join(finding.code for finding in on_test.classes)
    if outcome == "promote":
        rest = "so do the test patients" if on_test.outcome == "promote" else "the test patients show no harm"
        return (
            "Promote: all confirmed lesions show the candidate to be good enough, and no worse than allowed, "
            f"for {gated}; {rest}."
        )
    if outcome == "reject":
        where = _rejecting(on_test, column)
        return f"Reject: there is evidence that the candidate is worse than allowed ({where})."
    if column.decision.outcome != "promote":
        return f"On all confirmed lesions: {column.decision.summary[0].lower()}{column.decision.summary[1:]}"
    if not column.agreed:
        return (
            "Held back: all confirmed lesions show the candidate's procedure to be good enough, but the model that "
            "would be deployed does not call what its sisters call."
        )
    if column.promotes_alone:
        return (
            "Held back: all confirmed lesions show the candidate to be good enough, but it is worse in a group of the "
            "test patients."
        )
    return (
        "Insufficient evidence: all confirmed lesions show enough, and the policy asks the test patients for it as "
        f"well{further_words(on_test.further_cases)}."
    )


def both_reasons(on_test: GateDecision, column: AllLesions) -> tuple[Reason, ...]:
    """Why the outcome is what it is; what speaks against promotion first."""
    found = [Reason(code="columns", about="policy", text=WHAT_THEY_ARE)]
    found += _named(ALL, column.decision.reasons)
    found += [_agreement(each) for each in column.agreement]
    if column.promotes_alone:
        harm = [reason for reason in on_test.reasons if mark_of(reason) == "failed"]
        found += _named(TEST, harm) if harm and on_test.outcome != "promote" else [_no_harm(on_test)]
    else:
        found += _named(TEST, on_test.reasons)
    return tuple(sorted(found, key=lambda reason: ORDER.index(mark_of(reason))))


def _named(column: str, reasons: Iterable[Reason]) -> list[Reason]:
    return [reason.model_copy(update={"text": f"{column}: {reason.text}"}) for reason in reasons]


def _agreement(found: Agreement) -> Reason:
    counts = (
        f"{found.code}: deployed model and sisters differ on {per_cent(found.with_sisters, 1)} of {found.lesions} "
        f"lesions of test patients, two sisters on {per_cent(found.among_sisters, 1)}"
    )
    counts += (
        f"; of a sister's {found.code} it does not call {per_cent(found.missed)}, another sister "
        f"{per_cent(found.missed_among_sisters)}"
    )
    more = f"{allowance(found.allowed)} and {allowance(found.allowed_missed)} more are allowed"
    text = f"{counts}; {more}." if found.verdict == "shown" else f"{counts}: too often, {more}."
    return Reason(code=f"agreement_{found.verdict}", about=found.code, text=text)


def _no_harm(on_test: GateDecision) -> Reason:
    counts = ", ".join(f"{found.code} {found.hits} of {found.lesions} found" for found in on_test.classes)
    text = f"{TEST}: no harm is shown ({counts}); where all confirmed lesions count, they need not show more."
    return Reason(code="test_patients_shown", about="all", text=text)
