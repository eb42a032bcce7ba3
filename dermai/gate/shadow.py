"""Shadow mode: a challenger is judged on the diagnoses that come back from daily practice, at every look.

What the gate could not show on the test patients is tested again, on new patients, by e-processes. Nothing is kept
between looks: the state is recomputed from the log of confirmed lesions, and an e-process that once reached its
threshold stays there. A false promotion needs a test whose hypothesis is true to reach 1/alpha: at most alpha.

Confirmed lesions are not all lesions: what the champion calls harmless is confirmed less often. That hides gains of the
challenger more than losses (the comparison errs on the safe side) but flatters both sensitivities, so a floor that was
not shown on test patients should be read with care when it is shown here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dermai.gate.eprocess import log_e_values
from dermai.gate.explain_shadow import reasons, summary
from dermai.gate.findings import BENIGN, ComparedWith, GateDecision, Outcome, ShadowDecision, ShadowTest, TestResult
from dermai.gate.guards import compare_macro_f1, subgroups
from dermai.gate.planning import further_patients_for_comparison, further_patients_for_floor, most
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults, aligned


def decide_in_shadow(
    policy: GatePolicy,
    challenger: LesionResults,
    champion: LesionResults | None,
    confirmed_on: np.ndarray,
    anchor: LesionResults | None = None,
    *,
    earlier: GateDecision | None = None,
    earlier_spent: bool = True,
) -> ShadowDecision:
    """Judge on lesions that both models scored before their diagnosis was known; `confirmed_on` sorts them in time.

    Only lesions scored after the challenger was made may be given. Without a `champion` (a first model, or a
    provisional champion judged on itself) the floors alone decide, as they do on the test patients. `earlier` is the
    gate's decision on the test patients: what it showed holds, if that use of them spent (`earlier_spent`). A patient
    counts once per class, with the lesions confirmed first.

    Raises:
        IncomparableResults: the models were not run on the same lesions.
    """
    named: dict[ComparedWith, LesionResults | None] = {"champion": champion, "anchor": anchor}
    references = {name: aligned(challenger, found, name) for name, found in named.items() if found is not None}
    shown = set(_shown(earlier)) if earlier and earlier_spent else set()
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
        values, looks = np.zeros(0), np.zeros(0, dtype=int)
        chosen = np.isin(challenger.truth, policy.benign_classes) if about == BENIGN else challenger.truth == about
        if is_floor or reference is not None:
            values, looks = _by_patient(challenger.patient_id[chosen], np.asarray(confirmed_on)[chosen],
                                        _values(policy, about, challenger, reference)[chosen])  # fmt: skip
        null_mean = policy.floors[about] if is_floor else -_margin(policy, about, against)
        before, lesions = (about, against) in shown, int(chosen.sum())
        tests.append(_test(policy, about, against, values, looks, null_mean, lesions, earlier, before, harm_threshold))
    beside = references.get("champion")
    macro_f1 = compare_macro_f1(challenger, beside) if beside else None
    kept = beside is None or (macro_f1 is not None and macro_f1.difference >= -policy.guards.macro_f1_drop - 1e-12)
    if earlier and earlier.macro_f1 and earlier.macro_f1.verdict == "shown":
        kept = True
    cleared = {
        f"{group.code}/{group.attribute}/{group.group}"
        for group in (subgroups(challenger, beside, policy) if beside else ())
        if group.found.difference >= -policy.guards.subgroup_drop - 1e-12
    }
    fell = [group for group in (earlier.subgroups if earlier and beside else ()) if group.verdict != "shown"]
    open_groups = tuple(sorted({f"{g.code}/{g.attribute}/{g.group}" for g in fell} - cleared))
    verdicts = [test.verdict for test in tests]
    outcome: Outcome = "insufficient_evidence"
    if "worse" in verdicts:
        outcome = "reject"
    elif all(verdict == "shown" for verdict in verdicts) and kept and not open_groups:
        outcome = "promote"
    sentences = tuple(reasons(tests, kept, open_groups))
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
        alpha=policy.shadow.alpha,
        policy_hash=policy.hash,
        lesions=len(challenger),
        tests=tuple(tests),
        macro_f1_difference=macro_f1.difference if macro_f1 else None,
        subgroups_open=open_groups,
        further_cases=further,
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


def _by_patient(patient_id: np.ndarray, confirmed_on: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One value a patient, in the order of first confirmation: the mean over the lesions confirmed at that time.

    Beside it the positions of the last patient of each time: looks there do not depend on how patients are named.
    """
    patients, place = np.unique(patient_id, return_inverse=True)
    if not len(patients):
        return np.zeros(0), np.zeros(0, dtype=int)
    times = np.unique(confirmed_on, return_inverse=True)[1]
    first = np.full(len(patients), len(times))
    np.minimum.at(first, place, times)
    at_first = times == first[place]
    sums = np.bincount(place[at_first], weights=values[at_first], minlength=len(patients))
    counts = np.bincount(place[at_first], minlength=len(patients))
    order = np.lexsort((patients, first))
    return (sums / counts)[order], np.flatnonzero(np.diff(first[order], append=len(times)))


def _test(
    policy: GatePolicy,
    about: str,
    against: str,
    values: np.ndarray,
    looks: np.ndarray,
    null_mean: float,
    lesions: int,
    earlier: GateDecision | None,
    shown_before: bool,
    harm_threshold: float,
) -> ShadowTest:
    least = 0.0 if against == "floor" else -1.0
    threshold = 1 / policy.shadow.alpha
    log_e = log_e_values(values, least, null_mean)[looks]
    # Harm: below the floor; worse than the champion at all; worse than the anchor by more than the margin.
    harmless = 0.0 if against == "champion" else null_mean
    log_worse = log_e_values(-values, -1.0, -harmless)[looks]
    now, most, most_worse = (
        float(found) for found in (log_e[-1:].sum(), log_e.max(initial=0), log_worse.max(initial=0))
    )
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
        on="test patients" if shown_before else "daily practice" if in_practice else "",
        verdict=verdict,
        further_patients=_further(policy, about, against, values, earlier, now) if verdict == "not_shown" else None,
    )


def _further(
    policy: GatePolicy, about: str, against: str, values: np.ndarray, earlier: GateDecision | None, now: float
) -> int | None:
    """Further patients, from what the test patients showed and what practice has shown since."""
    if against == "floor":
        hits, patients = _hits_before(earlier, about)
        return further_patients_for_floor(hits + float(values.sum()), patients + len(values), policy, about, now)
    gains, losses, patients = _pairs_before(earlier, about, against)
    return further_patients_for_comparison(
        gains + float(np.maximum(values, 0).sum()),
        losses + float(np.maximum(-values, 0).sum()),
        patients + len(values),
        policy,
        _margin(policy, about, against),
        now,
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
