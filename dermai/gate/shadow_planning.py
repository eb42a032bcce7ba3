"""How many further patients an open test of shadow mode needs, by what is known of the two models so far."""

from __future__ import annotations

import numpy as np

from dermai.gate.findings import BENIGN, GateDecision
from dermai.gate.planning import further_patients_for_comparison, further_patients_for_floor
from dermai.gate.policy import GatePolicy
from dermai.gate.shadow_evidence import Against, PatientValues


def further_patients(
    policy: GatePolicy,
    about: str,
    against: Against,
    seen: PatientValues,
    earlier: GateDecision | None,
    log_e_value: float,
    alpha: float,
) -> int | None:
    """Further patients, from what the test patients showed and what practice has shown since; None where no number
    will do."""
    values, weights, share = seen.values, seen.weights, seen.probability
    if against == "floor":
        hits, patients = _hits_before(earlier, about)
        found, of_all = hits + float(weights @ values), patients + float(weights.sum())
        return further_patients_for_floor(found, of_all, policy, about, log_e_value, alpha, share)
    gains, losses, patients = _pairs_before(earlier, about, against)
    return further_patients_for_comparison(
        gains + float(weights @ np.maximum(values, 0)),
        losses + float(weights @ np.maximum(-values, 0)),
        patients + float(weights.sum()),
        policy,
        policy.margin(about, against),
        log_e_value,
        alpha,
        share,
        called=about != BENIGN,
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
