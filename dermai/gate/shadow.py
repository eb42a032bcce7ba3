"""Shadow mode: a challenger is judged on the diagnoses that come back from daily practice, at every look.

What the gate could not show on the test patients is tested again, on new patients, by e-processes in the order of
*referral*: what a model finds is biopsied first, so the order of confirmation follows the answers. A referral counts
when its follow-up time is over, with the diagnosis that it had by then, and never changes afterwards. So nothing needs
to be kept between looks: the state is recomputed, and an e-process that once reached its threshold stays there. A false
promotion needs a test whose hypothesis is true to reach 1/alpha: at most alpha, the
challenger's share of the budget of its champion's reign.

That a challenger is no worse than the champion for a gated class is tested on whatever was confirmed: what the
champion sends home it has missed, so what stays hidden can only be a challenger's gains. Floors, specificity and an
anchor of another kind would look better than they are. These tests count what was to be read: cases that are read
anyway, and second readings with the weight 1/p (`dermai.gate.readings`). Of these, too, some are left unconfirmed and
may hide misses. Where their share is above the policy's (of all, or of those with the answer under which a miss would
hide) such a test shows nothing. Below that share each miss that came back counts for those that did not,
1 / (1 - share) times, so that the level holds as long as missed lesions are confirmed at least as often as the others
with the same answer.

Harm is a sensitivity under its floor, a loss beside the champion, or one beyond the margin beside the anchor. Beside
another model it is looked for with the same weights: in what was confirmed a challenger's gains are missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from dermai.gate.explain_shadow import reasons, summary
from dermai.gate.findings import (
    BENIGN,
    ComparedWith,
    GateDecision,
    Outcome,
    SeriesEvidence,
    ShadowDecision,
    ShadowTest,
    ShownOn,
    TestResult,
)
from dermai.gate.guards import compare_macro_f1, subgroups
from dermai.gate.planning import most
from dermai.gate.policy import GatePolicy
from dermai.gate.readings import Readings
from dermai.gate.reign import carries, challenger_alpha, series_alpha
from dermai.gate.results import LesionResults
from dermai.gate.shadow_evidence import Against, Answers, Practice, Series, joined
from dermai.gate.shadow_planning import further_patients


def decide_in_shadow(
    policy: GatePolicy,
    challenger: LesionResults,
    champion: LesionResults | None,
    referred_on: np.ndarray,
    anchor: LesionResults | None = None,
    *,
    readings: Readings | None = None,
    earlier: GateDecision | None = None,
    earlier_spent: bool = True,
    alpha: float | None = None,
    before: Sequence[Answers] = (),
    series: int = 1,
    not_counted: tuple[str, ...] = (),
) -> ShadowDecision:
    """Judge on lesions that both models scored before their diagnosis was known; `referred_on` sorts them in time.

    All lesions are given that were referred after the challenger was made and whose follow-up time is over; the truth
    of those without a diagnosis that counts is empty. `readings` says which of them were to be read; all, where it is
    not given. Without a `champion` (a first model, or a provisional champion judged on itself) the floors alone decide,
    as they do on the test patients. `earlier` is the gate's decision at the update: what the columns showed that
    promote holds, if that use spent (`earlier_spent`). A patient counts once per class, with the lesions referred
    first. `alpha` is the challenger's share of the reign's budget (`dermai.gate.reign`); that of a reign's first
    challenger where none is given. `before` are the answers of earlier challengers of its series, the reign's `series`,
    each on what was referred while it waited.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
    """
    alpha = alpha or challenger_alpha(policy)
    holding = earlier.hold_in_practice if earlier else ()
    held_back = earlier.groups_held_back if earlier else ()
    shown_on: ShownOn = "all confirmed lesions" if earlier and earlier.all_lesions else "test patients"
    earlier = holding[0] if holding else earlier
    answers = Answers(challenger, champion, anchor, np.asarray(referred_on), readings)
    practice = Practice.of(policy, answers)
    carried = Series(series, len(before) + 1, Practice.of(policy, joined([*before, answers]))) if before else None
    shown = set.intersection(*(set(_shown(column)) for column in holding)) if holding and earlier_spent else set()
    needed: set[tuple[str, Against]] = {(code, "floor") for code in policy.gated_classes}
    compared: tuple[ComparedWith, ...] = () if champion is None else ("champion",)
    if anchor is not None or (champion is not None and _has_anchor(earlier)):
        compared += ("anchor",)
    needed |= {(about, name) for about in (*policy.gated_classes, BENIGN) for name in compared}
    harm_threshold = len(needed) / policy.harm_alpha
    tests = [
        _test(
            practice,
            carried,
            about,
            against,
            earlier,
            shown_on if (about, against) in shown else "",
            harm_threshold,
            alpha,
        )
        for about, against in sorted(needed)
    ]
    beside = practice.references.get("champion")
    macro_f1 = compare_macro_f1(practice.challenger, beside, practice.weights) if beside else None
    kept = beside is None or (macro_f1 is not None and macro_f1.difference >= -policy.guards.macro_f1_drop - 1e-12)
    if holding and all(column.macro_f1 and column.macro_f1.verdict == "shown" for column in holding):
        kept = True
    cleared = {
        f"{group.code}/{group.attribute}/{group.group}"
        for group in (subgroups(practice.challenger, beside, policy) if beside else ())
        if group.found.difference >= -policy.guards.subgroup_drop - 1e-12
    }
    fell = {f"{group.code}/{group.attribute}/{group.group}" for group in held_back} if beside else set()
    open_groups = tuple(sorted(fell - cleared))
    verdicts = [test.verdict for test in tests]
    outcome: Outcome = "insufficient_evidence"
    if "worse" in verdicts:
        outcome = "reject"
    elif all(verdict == "shown" for verdict in verdicts) and kept and not open_groups:
        outcome = "promote"
    unconfirmed = practice.follow_up.unconfirmed
    sentences = tuple(reasons(tests, kept, open_groups, unconfirmed, policy.shadow)) + not_counted
    further = {
        about: most(
            test.further_patients if test.verdict == "not_shown" else 0 for test in tests if test.about == about
        )
        for about in (*policy.gated_classes, *([BENIGN] if compared else []))
    }
    return ShadowDecision(
        outcome=outcome,
        summary=summary(outcome, tests, further),
        reasons=sentences,
        alpha=alpha,
        policy_hash=policy.hash,
        lesions=len(practice.challenger),
        tests=tuple(tests),
        macro_f1_difference=macro_f1.difference if macro_f1 else None,
        subgroups_open=open_groups,
        further_cases=further,
        unconfirmed=unconfirmed or None,
        not_counted=not_counted,
    )


def _shown(earlier: GateDecision) -> Iterator[tuple[str, str]]:
    if not earlier.controls_error_rate:
        return
    for of_class in earlier.classes:
        if of_class.enough and of_class.floor.verdict == "shown":
            yield of_class.code, "floor"
        for comparison in of_class.comparisons if of_class.enough else ():
            if comparison.verdict == "shown":
                yield of_class.code, comparison.reference
    for comparison in earlier.specificity.comparisons if earlier.specificity else ():
        if comparison.verdict == "shown":
            yield BENIGN, comparison.reference


def _has_anchor(earlier: GateDecision | None) -> bool:
    return earlier is not None and any(c.reference == "anchor" for found in earlier.classes for c in found.comparisons)


def _test(
    practice: Practice,
    carried: Series | None,
    about: str,
    against: Against,
    earlier: GateDecision | None,
    shown_before: ShownOn,
    harm_threshold: float,
    alpha: float,
) -> ShadowTest:
    policy, is_floor = practice.policy, against == "floor"
    null_mean = policy.floors[about] if against == "floor" else -policy.margin(about, against)
    seen = practice.evidence(about, against)
    # Harm: below the floor; worse than the champion at all; worse than the anchor by more than the margin.
    most_worse = practice.log_e_value_of_harm(about, against, 0.0 if against == "champion" else null_mean)
    now, most = practice.log_e_values(about, against, null_mean)
    together = carried.practice.log_e_values(about, against, null_mean)[1] if carried else 0.0
    allowed = 1.0 if is_floor or about == BENIGN else policy.guards.sensitivity_drop
    kept = seen.mean >= -allowed - 1e-12
    on = shown_before
    if kept and not on and most >= math.log(1 / alpha) - 1e-12:
        on = "daily practice"
    elif kept and not on and carried and carries(policy, together, most, len(seen), carried.number):
        on = "daily practice with earlier challengers"
    verdict: TestResult = "not_shown"
    if on:
        verdict = "shown"
    elif most_worse >= math.log(harm_threshold):
        verdict = "worse"
    found, asked = None, alpha
    if carried and policy.shadow.carry_over:
        found = SeriesEvidence(
            challengers=carried.challengers,
            patients=len(carried.practice.evidence(about, against)),
            largest_e_value=_bounded(together),
            threshold=1 / series_alpha(policy, carried.number),
            own_threshold=1 / challenger_alpha(policy),
        )
        asked = challenger_alpha(policy) if found.largest_e_value >= found.threshold else alpha
    return ShadowTest(
        about=about,
        against=against,
        lesions=practice.lesions(about, against),
        patients=len(seen),
        e_value=_bounded(now),
        largest_e_value=_bounded(most),
        largest_e_value_worse=_bounded(most_worse),
        threshold=1 / alpha,
        on=on,
        verdict=verdict,
        further_patients=further_patients(policy, about, against, seen, earlier, now, asked)
        if verdict == "not_shown"
        else None,
        drawn=seen.drawn,
        probability=seen.probability,
        series=found,
    )


def _bounded(logarithm: float) -> float:
    """An e-value that JSON can hold."""
    return math.exp(min(logarithm, 700.0))
