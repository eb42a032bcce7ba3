"""Referrals whose follow-up time is over: how many are left without a diagnosis, and what that may hide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dermai.gate.policy import GatePolicy, ShadowRules
from dermai.gate.readings import Readings
from dermai.gate.results import LesionResults


@dataclass(frozen=True)
class FollowUp:
    """The share of unconfirmed referrals after each time of referral; arrays are sorted by time, [T]."""

    times: np.ndarray
    shares: np.ndarray
    most: float

    @classmethod
    def of(
        cls, policy: GatePolicy, results: LesionResults, referred_on: np.ndarray, readings: Readings | None = None
    ) -> FollowUp:
        """From all referrals, where an empty truth is an unconfirmed one; with `readings` those that were to be read.

        The share is the largest of: all referrals, those not called each gated class, those called malignant. The
        parts are where a missed lesion of the class, or a false alarm, would be. Second readings stand for many cases
        each, so that those among them are parts of their own.
        """
        readings = readings or Readings.of_everything(len(results))
        order = np.argsort(referred_on, kind="stable")
        sorted_times = referred_on[order]
        unconfirmed = (results.truth == "")[order]
        hiding = [np.ones(len(results), dtype=bool), *(~results.hits(code, policy) for code in policy.gated_classes)]
        parts = [part & readings.asked & ~readings.drawn for part in hiding] + [
            part & readings.drawn for part in hiding
        ]
        parts.append(readings.asked & ~results.not_called_malignant())
        shares = np.zeros(len(results))
        for part in parts:
            inside = part[order]
            referrals = np.cumsum(inside)
            shares = np.maximum(shares, np.cumsum(inside & unconfirmed) / np.maximum(referrals, 1))
        last = last_of_each(sorted_times)
        return cls(sorted_times[last], shares[last], policy.shadow.most_unconfirmed)

    @property
    def unconfirmed(self) -> float:
        """The share now; 0 of no referral."""
        return float(self.shares[-1]) if len(self.shares) else 0.0

    @property
    def now_sound(self) -> bool:
        """Whether so few are unconfirmed now that floors may be shown."""
        return self.unconfirmed <= self.most + 1e-12

    def sound(self, at: np.ndarray) -> np.ndarray:
        """Whether so few were unconfirmed at these times of referral; boolean, as long as `at`."""
        return np.asarray(self.shares[np.searchsorted(self.times, at)] <= self.most + 1e-12, dtype=bool)


def last_of_each(times: np.ndarray) -> np.ndarray:
    """The position of the last of each time, in sorted times.

    >>> last_of_each(np.array([3, 3, 5])).tolist(), last_of_each(np.array([])).tolist()
    ([1, 2], [])
    """
    return np.flatnonzero(np.append(times[1:] != times[:-1], True)) if len(times) else np.zeros(0, dtype=int)


def miss_weighed(values: np.ndarray, null_mean: float, least: float, rules: ShadowRules) -> tuple[float, np.ndarray]:
    """Values in which each miss counts for those that may be unconfirmed, too, and the least of them.

    For a floor (`least` 0) a miss is as far under the null mean as it was, times the weight; in a comparison
    (`least` -1) a loss is -1 times the weight. A patient's mean over several lesions is weighed likewise.

    >>> least, weighed = miss_weighed(np.array([1.0, 0.0]), 0.7, 0.0, ShadowRules(most_unconfirmed=0.5))
    >>> round(least, 2), weighed.round(2).tolist()
    (-0.7, [1.0, -0.7])
    """
    weight = rules.miss_weight
    if least == 0.0:
        lowest = null_mean - weight * null_mean
        return lowest, values + (1 - values) * lowest
    return -weight, np.where(values < 0, values * weight, values)
