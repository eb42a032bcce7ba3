"""Which referrals were to be read and followed, and with which probability: what evidence from practice is weighted by.

A case that the answering model sorts as normal is sent home, but for a random share p of them (a second reading). So a
melanoma that it sorts as normal is seen with the chance p, one that is read anyway always, and each counts 1/p times or
not at all: R/p (x - m), with R = 1 where the case was to be read. Its mean is that of x - m over all melanomas, whether
they are ever found or not (Horvitz & Thompson, JASA 47 (1952) 663-685). A normal case that was not drawn counts
nothing, even where a diagnosis came back: what comes back by itself is no random part of what was sent home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Readings:
    """How the case of each lesion was sorted; arrays [N] in the order of the lesions.

    `probability` is that of being asked to be read and followed: 1 where it is read anyway, or was never sorted;
    `asked` is whether it was. `share` is the probability with which normal cases were drawn when the first of them came
    in; it may be changed later, without regard to diagnoses.

    Raises:
        ValueError: a probability is not above 0 and at most 1, or a case with the probability 1 was not asked for.
    """

    case_id: np.ndarray
    probability: np.ndarray
    asked: np.ndarray
    share: float = 1.0

    def __post_init__(self) -> None:
        possible = (self.probability > 0) & (self.probability <= 1)
        if not possible.all() or not 0 < self.share <= 1:
            raise ValueError("probabilities of being read have to lie above 0 and at most at 1")
        if not self.asked[self.probability == 1].all():
            raise ValueError("what is read anyway is always asked for")

    @classmethod
    def of_everything(cls, number: int) -> Readings:
        """Where every case is read, or nobody recorded how it was sorted."""
        return cls(np.arange(number).astype(str), np.ones(number), np.ones(number, dtype=bool))

    @classmethod
    def joined(cls, parts: Sequence[Readings]) -> Readings:
        """Those of lesions one after the other; the share is that of the first part."""
        return cls(
            np.concatenate([part.case_id for part in parts]),
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.asked for part in parts]),
            parts[0].share,
        )

    def at(self, chosen: np.ndarray) -> Readings:
        """Those of the chosen lesions; boolean [N]."""
        return Readings(self.case_id[chosen], self.probability[chosen], self.asked[chosen], self.share)

    @property
    def drawn(self) -> np.ndarray:
        """Which are second readings; boolean [N]."""
        return self.asked & (self.probability < 1)

    @property
    def weights(self) -> np.ndarray:
        """R/p; [N]."""
        return np.where(self.asked, 1 / self.probability, 0.0)

    def counting(self, patient_id: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Which lesions count where evidence is weighted; boolean [N].

        What was asked to be read, of a patient only before the first normal case came in, and of that case: a patient
        counts once, and a lesion that was sent home with it may be the one that would have counted. Of normal cases of
        the same time it is the one whose name sorts first.

        >>> of_one = Readings(np.array(["a", "b", "c"]), np.array([1, 0.5, 1]), np.array([True, False, True]), 0.5)
        >>> of_one.counting(np.array(["p", "p", "p"]), np.array([1, 2, 3])).tolist()
        [True, False, False]
        """
        normal = np.flatnonzero(self.probability < 1)
        by_time = normal[np.lexsort((self.case_id[normal], times[normal]))]
        patients, place = np.unique(patient_id, return_inverse=True)
        first = np.full(len(patients), -1)
        first[place[by_time[::-1]]] = by_time[::-1]  # the earliest is written last
        mine, sorted_normal = first[place], first[place] >= 0
        if not len(normal):
            return self.asked.copy()
        before = ~sorted_normal | (times < times[mine])
        return np.asarray(self.asked & (before | (sorted_normal & (self.case_id == self.case_id[mine]))), dtype=bool)

    def least_probability(self, times: np.ndarray) -> np.ndarray:
        """The smallest probability with which a case was drawn up to the time of each lesion; [N].

        A setting that is known before the patients are: it says nothing of how one of them was sorted.
        """
        order = np.argsort(times, kind="stable")
        smallest = np.minimum(np.minimum.accumulate(self.probability[order]), self.share)
        return np.asarray(smallest[np.searchsorted(times[order], times, side="right") - 1])
