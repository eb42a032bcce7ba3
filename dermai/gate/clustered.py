"""Proportions and paired differences where a patient has several lesions: every patient counts once.

A patient's lesions share that patient's weight, so that n is a number of patients and no dependence between lesions of
one patient can make it look larger. Where the data show that lesions of one patient differ, averaging them has gained
precision: the between-patient variance (Obuchowski, Statistics in Medicine 17 (1998) 1495-1507) is compared with that
of single lesions, and n is divided by the ratio (Rao & Scott, Biometrics 48 (1992) 577-585). With few informative
patients the ratio is drawn towards 1, the conservative side; it never makes n larger than the number of lesions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from dermai.gate import exact, paired, unconditional

EXACT_LIMIT = 200  # effective patients up to which the exact unconditional test is used
PRIOR_PATIENTS = 10  # weight of "averaging gains nothing" beside the informative patients
ROUNDING = 1e-9


@dataclass(frozen=True)
class Proportion:
    """Hits among lesions. `share` weighs patients equally; `effective` is the number of patients it is worth."""

    lesions: int
    lesion_hits: int
    patients: int
    share: float
    effective: float

    @property
    def hits(self) -> float:
        """Hits among the effective patients."""
        return self.share * self.effective

    def p_value_above(self, floor: float) -> float:
        """H0: the true proportion is at most the floor."""
        return exact.p_value_above(self.hits, self.effective, floor) if self.patients else 1.0

    def p_value_below(self, floor: float) -> float:
        """H0: the true proportion is at least the floor."""
        return exact.p_value_below(self.hits, self.effective, floor) if self.patients else 1.0

    def lower_bound(self, alpha: float) -> float:
        return exact.lower_bound(self.hits, self.effective, alpha) if self.patients else 0.0

    def upper_bound(self, alpha: float) -> float:
        return exact.upper_bound(self.hits, self.effective, alpha) if self.patients else 1.0


@dataclass(frozen=True)
class Pairs:
    """Paired answers on lesions: counts of lesions, and gains and losses with patients weighted equally.

    `effective` is the number of independent patients that these are worth without `inflation`, which is how many times
    the variance is larger still. The tests are made on whole counts and their normal score is divided by its root:
    fractions of counts, rounded against the candidate, would weigh far more.
    """

    both: int
    candidate_only: int
    reference_only: int
    neither: int
    patients: int
    gains: float
    losses: float
    effective: float
    inflation: float = 1.0

    @property
    def lesions(self) -> int:
        return self.both + self.candidate_only + self.reference_only + self.neither

    @property
    def difference(self) -> float:
        """Candidate less reference, patients weighted equally; 0 without patients."""
        return (self.gains - self.losses) / self.patients if self.patients else 0.0

    @property
    def _scale(self) -> float:
        return self.effective / self.patients if self.patients else 1.0

    @property
    def effective_counts(self) -> tuple[float, float, float]:
        """Gains, losses and n among the effective patients."""
        return self.gains * self._scale, self.losses * self._scale, self.effective

    @property
    def method(self) -> str:
        """The test that `p_value_not_worse` uses."""
        return "exact unconditional" if self.effective < EXACT_LIMIT + 1 else "score with continuity correction"

    def p_value_not_worse(self, margin: float) -> float:
        """H0: the candidate is worse by the margin or more. Whole counts are rounded against the candidate."""
        gains, losses, n = self.effective_counts
        if self.method == "exact unconditional":
            whole = math.floor(n + ROUNDING)
            lost = min(math.ceil(losses - ROUNDING), whole)
            gained = min(math.floor(gains + ROUNDING), whole - lost)
            return self._inflated(unconditional.p_value(gained, lost, whole, margin))
        return self._inflated(_corrected_score_p_value(gains - losses, gains, losses, n, margin))

    def p_value_worse(self, margin: float = 0.0) -> float:
        """H0: the candidate is worse by no more than the margin; rounded in the candidate's favour."""
        gains, losses, n = self.effective_counts
        if margin == 0:
            return self._inflated(paired.p_value_worse(math.ceil(gains - ROUNDING), math.floor(losses + ROUNDING)))
        distance = gains - losses + n * margin + 0.5
        if n <= 0 or distance >= 0:
            return 1.0
        statistic = float(paired.score(gains, losses, n, -margin))
        return self._inflated(float(norm.cdf(statistic * distance / (distance - 0.5))))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Score interval of the difference."""
        gains, losses, n = (count / self.inflation for count in self.effective_counts)
        return paired.interval(gains, losses, n, confidence)

    def _inflated(self, p_value: float) -> float:
        if self.inflation == 1:
            return p_value
        return float(norm.sf(norm.isf(p_value) / math.sqrt(self.inflation)))


def _corrected_score_p_value(net: float, gains: float, losses: float, n: float, margin: float) -> float:
    distance = net + n * margin
    if distance <= 0.5:
        return 1.0 if distance <= 0 else 0.5
    statistic = float(paired.score(gains, losses, n, -margin))
    return float(norm.sf(statistic * (distance - 0.5) / distance))


def proportion(patient_id: np.ndarray, hit: np.ndarray, inflation: float = 1.0) -> Proportion:
    """Summarise hits (boolean [N]) of lesions by patient ([N]); `inflation` is as in `pairs`.

    >>> proportion(np.array(["a", "b", "c", "c"]), np.array([True, True, True, False])).share  # not 3 of 4
    0.8333333333333334
    """
    sizes, (hits,) = _by_patient(patient_id, hit)
    patients = len(sizes)
    if not patients:
        return Proportion(0, 0, 0, 0.0, 0.0)
    means = hits / sizes
    share = float(means.mean())
    informative = min(int((hits > 0).sum()), int((hits < sizes).sum()))
    ratio = _variance_ratio(means, share * (1 - share), informative, sizes)
    return Proportion(len(hit), int(hit.sum()), patients, share, patients / ratio / inflation)


def pairs(patient_id: np.ndarray, candidate: np.ndarray, reference: np.ndarray, inflation: float = 1.0) -> Pairs:
    """Summarise paired hits (boolean [N] each) of lesions by patient ([N]).

    `inflation` is how many times the variance is that of independent patients: the answers of models that share
    training data depend on each other.

    >>> found = pairs(np.array(["a", "b", "b"]), np.array([True, True, True]), np.array([True, True, False]))
    >>> found.candidate_only, found.gains, found.difference
    (1, 0.5, 0.25)
    """
    sizes, (won, lost) = _by_patient(patient_id, candidate & ~reference, reference & ~candidate)
    patients = len(sizes)
    both, candidate_only, reference_only, neither = (
        int(np.sum(cell))
        for cell in (candidate & reference, candidate & ~reference, reference & ~candidate, ~candidate & ~reference)
    )
    if not patients:
        return Pairs(0, 0, 0, 0, 0, 0.0, 0.0, 0.0)
    gains, losses = float((won / sizes).sum()), float((lost / sizes).sum())
    difference = (gains - losses) / patients
    single = (gains + losses) / patients - difference**2
    ratio = _variance_ratio((won - lost) / sizes, single, int(((won > 0) | (lost > 0)).sum()), sizes)
    return Pairs(both, candidate_only, reference_only, neither, patients, gains, losses, patients / ratio, inflation)


def _by_patient(patient_id: np.ndarray, *marks: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    _, place, sizes = np.unique(patient_id, return_inverse=True, return_counts=True)
    return sizes.astype(float), [np.bincount(place, weights=mark.astype(float), minlength=len(sizes)) for mark in marks]


def _variance_ratio(means: np.ndarray, single: float, informative: int, sizes: np.ndarray) -> float:
    """Variance of the patients' means as a share of the variance of single lesions, between patients/lesions and 1."""
    patients = len(means)
    if sizes.max() == 1 or single <= 0 or patients < 2:
        return 1.0
    # Sorted, so that the order of patients does not reach the last bit.
    observed = float(np.sort((means - means.mean()) ** 2).sum()) / (patients - 1)
    ratio = (observed / single * informative + PRIOR_PATIENTS) / (informative + PRIOR_PATIENTS)
    return min(max(ratio, patients / float(sizes.sum())), 1.0)
