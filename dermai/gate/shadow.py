"""Shadow mode: a challenger is judged on the diagnoses that come back from daily practice, at every look.

What the gate could not show on the test patients is tested again, on new patients, by e-processes in the order of
*referral*: what a model finds is biopsied first, so the order of confirmation follows the answers. A referral counts
when its follow-up time is over, with the diagnosis that it had by then, and never changes afterwards. So nothing needs
to be kept between looks: the state is recomputed, and an e-process that once reached its threshold stays there. A false
promotion needs a test whose hypothesis is true to reach 1/alpha: at most alpha, the
challenger's share of the budget of its champion's reign.

Referrals left unconfirmed may hide misses. Where their share is above the policy's (of all, or of those with the answer
under which a miss would hide), daily practice shows nothing but that a challenger is no worse than the champion for a
gated class: that comparison errs on the safe side, as what the champion finds is confirmed more often. Below that
share each miss that came back counts for those that did not, 1 / (1 - share) times, so that the level holds as long as
missed lesions are confirmed at least as often as the others with the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np

from dermai.gate.eprocess import log_e_values
from dermai.gate.explain_shadow import reasons, summary
from dermai.gate.findings import BENIGN, ComparedWith, GateDecision, Outcome, ShadowDecision, ShadowTest, TestResult
from dermai.gate.follow_up import FollowUp, last_of_each, miss_weighed
from dermai.gate.guards import compare_macro_f1, subgroups
from dermai.gate.planning import further_patients_for_comparison, further_patients_for_floor, most
from dermai.gate.policy import GatePolicy
from dermai.gate.reign import challenger_alpha
from dermai.gate.results import LesionResults, aligned

ShownOn = Literal["test patients", "all confirmed lesions", ""]


def decide_in_shadow(
    policy: GatePolicy,
    challenger: LesionResults,
    champion: LesionResults | None,
    referred_on: np.ndarray,
    anchor: LesionResults | None = None,
    *,
    earlier: GateDecision | None = None,
    earlier_spent: bool = True,
    alpha: float | None = None,
    not_counted: tuple[str, ...] = (),
) -> ShadowDecision:
    """Judge on lesions that both models scored before their diagnosis was known; `referred_on` sorts them in time.

    All lesions are given that were referred after the challenger was made and whose follow-up time is over; the truth
    of those without a diagnosis that counts is empty. Without a `champion` (a first model, or a
    provisional champion judged on itself) the floors alone decide, as they do on the test patients. `earlier` is the
    gate's decision at the update: what the columns showed that promote holds, if that use spent (`earlier_spent`). A
    patient counts once per class, with the lesions referred first. `alpha` is the challenger's share of the reign's
    budget (`dermai.gate.reign`); that of a reign's first challenger where none is given.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
    """
    alpha = alpha or challenger_alpha(policy)
    holding = earlier.hold_in_practice if earlier else ()
    held_back = earlier.groups_held_back if earlier else ()
    shown_on: ShownOn = "all confirmed lesions" if earlier and earlier.all_lesions else "test patients"
    earlier = holding[0] if holding else earlier
    named: dict[ComparedWith, LesionResults | None] = {"champion": champion, "anchor": anchor}
    references = {name: aligned(challenger, found, name) for name, found in named.items() if found is not None}
    follow_up = FollowUp.of(policy, challenger, np.asarray(referred_on))
    confirmed = challenger.truth != ""
    times = np.asarray(referred_on)[confirmed]
    challenger = challenger.at(confirmed)
    references = {name: found.at(confirmed) for name, found in references.items()}
    shown = set.intersection(*(set(_shown(column)) for column in holding)) if holding and earlier_spent else set()
    needed = {(code, "floor") for code in policy.gated_classes}
    compared: tuple[ComparedWith, ...] = () if champion is None else ("champion",)
    if anchor is not None or (champion is not None and _has_anchor(earlier)):
        compared += ("anchor",)
    needed |= {(about, name) for about in (*policy.gated_classes, BENIGN) for name in compared}
    harm_threshold = len(needed) / policy.harm_alpha
    tests = []
    for about, against in sorted(needed):
        is_floor = against == "floor"
        reference = None if is_floor else references.get(against)  # type: ignore[call-overload]
        values, looks = np.zeros(0), times[:0]
        chosen = np.isin(challenger.truth, policy.benign_classes) if about == BENIGN else challenger.truth == about
        if is_floor or reference is not None:
            values, looks = _by_patient(challenger.patient_id[chosen], times[chosen],
                                        _values(policy, about, challenger, reference)[chosen])  # fmt: skip
        null_mean = policy.floors[about] if is_floor else -_margin(policy, about, against)
        shown_before, lesions = shown_on if (about, against) in shown else "", int(chosen.sum())
        safe = against == "champion" and about != BENIGN
        sound = np.ones(len(looks), dtype=bool) if safe else follow_up.sound(looks)
        allowed = bool(safe or follow_up.now_sound)
        tests.append(
            _test(policy, about, against, values, looks, sound & allowed, null_mean, lesions, earlier, shown_before,
                  harm_threshold, alpha)
        )  # fmt: skip
    beside = references.get("champion")
    macro_f1 = compare_macro_f1(challenger, beside) if beside else None
    kept = beside is None or (macro_f1 is not None and macro_f1.difference >= -policy.guards.macro_f1_drop - 1e-12)
    if holding and all(column.macro_f1 and column.macro_f1.verdict == "shown" for column in holding):
        kept = True
    cleared = {
        f"{group.code}/{group.attribute}/{group.group}"
        for group in (subgroups(challenger, beside, policy) if beside else ())
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
    sentences = tuple(reasons(tests, kept, open_groups, follow_up.unconfirmed, policy.shadow)) + not_counted
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
        lesions=len(challenger),
        tests=tuple(tests),
        macro_f1_difference=macro_f1.difference if macro_f1 else None,
        subgroups_open=open_groups,
        further_cases=further,
        unconfirmed=follow_up.unconfirmed or None,
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


def _margin(policy: GatePolicy, about: str, against: str) -> float:
    if about == BENIGN:
        return policy.guards.specificity_margin
    return float(getattr(policy.margins, against)[about])


def _values(policy: GatePolicy, about: str, challenger: LesionResults, reference: LesionResults | None) -> np.ndarray:
    """Per lesion: hit (0, 1), or hit less the reference's hit (-1, 0, 1)."""

    def hits(results: LesionResults) -> np.ndarray:
        found = results.not_called_malignant() if about == BENIGN else results.hits(about, policy)
        return found.astype(float)

    return hits(challenger) - (hits(reference) if reference is not None else 0.0)


def _by_patient(patient_id: np.ndarray, referred_on: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One value a patient, in the order of first referral: the mean over the lesions referred at that time.

    Beside it that time.
    """
    patients, place = np.unique(patient_id, return_inverse=True)
    if not len(patients):
        return np.zeros(0), referred_on[:0]
    times, ranks = np.unique(referred_on, return_inverse=True)
    first = np.full(len(patients), len(times))
    np.minimum.at(first, place, ranks)
    at_first = ranks == first[place]
    sums = np.bincount(place[at_first], weights=values[at_first], minlength=len(patients))
    counts = np.bincount(place[at_first], minlength=len(patients))
    order = np.lexsort((patients, first))
    return (sums / counts)[order], times[first[order]]


def _test(
    policy: GatePolicy,
    about: str,
    against: str,
    values: np.ndarray,
    times: np.ndarray,
    sound: np.ndarray,
    null_mean: float,
    lesions: int,
    earlier: GateDecision | None,
    shown_before: ShownOn,
    harm_threshold: float,
    alpha: float,
) -> ShadowTest:
    # Looks at the last patient of each time: they do not depend on how patients are named
    looks = last_of_each(times)
    threshold = 1 / alpha
    least, weighed = miss_weighed(values, null_mean, 0.0 if against == "floor" else -1.0, policy.shadow)
    log_e = log_e_values(weighed, least, null_mean)[looks]
    # Harm: below the floor; worse than the champion at all; worse than the anchor by more than the margin.
    harmless = 0.0 if against == "champion" else null_mean
    log_worse = log_e_values(-values, -1.0, -harmless)[looks]
    now, most_worse = float(log_e[-1:].sum()), float(log_worse.max(initial=0))
    most = float(log_e[sound[looks]].max(initial=0))
    allowed = 1.0 if against == "floor" or about == BENIGN else policy.guards.sensitivity_drop
    kept = not len(values) or float(values.mean()) >= -allowed - 1e-12
    in_practice = most >= math.log(threshold) - 1e-12 and kept
    verdict: TestResult = "not_shown"
    if shown_before or in_practice:
        verdict = "shown"
    elif most_worse >= math.log(harm_threshold):
        verdict = "worse"
    return ShadowTest(
        about=about,
        against=against,
        lesions=lesions,
        patients=len(values),
        e_value=_bounded(now),
        largest_e_value=_bounded(most),
        largest_e_value_worse=_bounded(most_worse),
        threshold=threshold,
        on=shown_before or ("daily practice" if in_practice else ""),
        verdict=verdict,
        further_patients=_further(policy, about, against, values, earlier, now, alpha)
        if verdict == "not_shown"
        else None,
    )


def _further(
    policy: GatePolicy,
    about: str,
    against: str,
    values: np.ndarray,
    earlier: GateDecision | None,
    now: float,
    alpha: float,
) -> int | None:
    """Further patients, from what the test patients showed and what practice has shown since."""
    if against == "floor":
        hits, patients = _hits_before(earlier, about)
        return further_patients_for_floor(hits + float(values.sum()), patients + len(values), policy, about, now, alpha)
    gains, losses, patients = _pairs_before(earlier, about, against)
    return further_patients_for_comparison(
        gains + float(np.maximum(values, 0).sum()),
        losses + float(np.maximum(-values, 0).sum()),
        patients + len(values),
        policy,
        _margin(policy, about, against),
        now,
        alpha,
    )


def _hits_before(earlier: GateDecision | None, code: str) -> tuple[float, int]:
    """Hits among the test patients with lesions of a class, each patient counted once, and their number."""
    for found in earlier.classes if earlier else ():
        if found.code == code:
            return (found.patient_sensitivity or 0.0) * found.patients, found.patients
    return 0.0, 0


def _pairs_before(earlier: GateDecision | None, about: str, against: str) -> tuple[float, float, int]:
    """Gains, losses and number of the test patients."""
    pools = [(found.code, found.comparisons) for found in earlier.classes] if earlier else []
    if earlier and earlier.specificity:
        pools.append((BENIGN, earlier.specificity.comparisons))
    for name, comparisons in pools:
        for found in comparisons:
            if (name, found.reference) == (about, against):
                lesions = found.both + found.candidate_only + found.reference_only + found.neither
                share = (found.candidate_only + found.reference_only) / max(lesions, 1)
                discordant = max(share, abs(found.difference)) * found.patients
                net = found.difference * found.patients
                return (discordant + net) / 2, (discordant - net) / 2, found.patients
    return 0.0, 0.0, 0


def _bounded(logarithm: float) -> float:
    """An e-value that JSON can hold."""
    return math.exp(min(logarithm, 700.0))
