"""The values that shadow mode bets on: one a patient, in the order of referral, weighted where hidden misses matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dermai.gate.eprocess import log_e_values
from dermai.gate.findings import BENIGN, ComparedWith
from dermai.gate.follow_up import FollowUp, last_of_each, miss_weighed
from dermai.gate.policy import GatePolicy, ShadowRules
from dermai.gate.readings import Readings
from dermai.gate.results import LesionResults, aligned

Against = Literal["floor", "champion", "anchor"]


@dataclass(frozen=True)
class PatientValues:
    """Values of patients in the order of `times`, [P]: hits, or hits less the reference's.

    `weights` is what each counts, 1/p, and `least_probability` the smallest p that there could have been at the time.
    """

    values: np.ndarray
    times: np.ndarray
    weights: np.ndarray
    least_probability: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        """The weighted mean; 0 of nobody."""
        return float(np.average(self.values, weights=self.weights)) if len(self) else 0.0

    @property
    def probability(self) -> float:
        """The smallest p now; 1 of nobody."""
        return float(self.least_probability[-1]) if len(self) else 1.0

    @property
    def drawn(self) -> int:
        """How many are second readings."""
        return int((self.weights > 1).sum())

    @property
    def looks(self) -> np.ndarray:
        """The last patient of each time: looks there do not depend on how patients are named."""
        return last_of_each(self.times)

    def log_e_values(self, null_mean: float, lowest: float, rules: ShadowRules) -> np.ndarray:
        """Evidence against "the mean over all patients is at most `null_mean`", after each patient; [P].

        A patient multiplies the wealth of the bet b by 1 + b p' (R/p) (x - m) / (m - l), with p' the least probability
        and l the least value of `miss_weighed` from `lowest`. The bet is the same whatever p the patient had: of those
        read anyway more are found than of the others, so that a larger bet on them would gain under the hypothesis,
        too. So the price of second readings is 1/p' times as small bets.
        """
        least, weighed = miss_weighed(self.values, null_mean, lowest, rules)
        if (self.least_probability == 1).all():
            return log_e_values(weighed, least, null_mean)
        farthest = null_mean - (null_mean - least) / self.least_probability
        return log_e_values(null_mean + self.weights * (weighed - null_mean), farthest, null_mean)


@dataclass(frozen=True)
class Answers:
    """What a challenger and the models beside it said of the same lesions, in any order.

    They are all that were referred while it waited and whose follow-up time is over; the truth of those without a
    diagnosis that counts is empty. `referred_on` [N] sorts them in time; without `readings` all were to be read.
    """

    challenger: LesionResults
    champion: LesionResults | None
    anchor: LesionResults | None
    referred_on: np.ndarray
    readings: Readings | None = None


def joined(answers: Sequence[Answers]) -> Answers:
    """The answers of challengers, one after the other, as if they were of one; without attributes of patients.

    A model beside them that one of them lacks is left out.
    """

    def together(results: Sequence[LesionResults | None]) -> LesionResults | None:
        found = [each for each in results if each is not None]
        if len(found) < len(results):
            return None
        names = ("lesion_id", "patient_id", "truth", "predicted")
        return LesionResults(*(np.concatenate([getattr(each, name) for each in found]) for name in names))

    challenger = together([each.challenger for each in answers])
    assert challenger is not None
    champion = [
        aligned(each.challenger, each.champion, "champion") if each.champion is not None else None for each in answers
    ]
    anchor = [aligned(each.challenger, each.anchor, "anchor") if each.anchor is not None else None for each in answers]
    read = [each.readings or Readings.of_everything(len(each.challenger)) for each in answers]
    times = np.concatenate([each.referred_on for each in answers])
    return Answers(challenger, together(champion), together(anchor), times, Readings.joined(read))


@dataclass(frozen=True)
class Practice:
    """Confirmed lesions of daily practice as the models answered them, in the order of the challenger's; arrays [N].

    `weights` is what each counts where what is hidden matters: 1/p, 0 where it counts nothing. `safe_beside` names the
    champion, and the anchor where it answers as the champion does.
    """

    policy: GatePolicy
    challenger: LesionResults
    references: Mapping[ComparedWith, LesionResults]
    times: np.ndarray
    follow_up: FollowUp
    weights: np.ndarray
    least_probability: np.ndarray
    safe_beside: frozenset[Against]

    @classmethod
    def of(
        cls,
        policy: GatePolicy,
        answers: Answers,
    ) -> Practice:
        """From all answers.

        Raises:
            IncomparableResults: the models were not run on the same lesions.
        """
        challenger, times = answers.challenger, answers.referred_on
        readings = answers.readings or Readings.of_everything(len(challenger))
        references: dict[ComparedWith, LesionResults | None] = {"champion": answers.champion, "anchor": answers.anchor}
        found = {name: aligned(challenger, each, name) for name, each in references.items() if each is not None}
        weights = np.where(readings.counting(challenger.patient_id, times), readings.weights, 0.0)
        known = challenger.truth != ""
        return cls(
            policy,
            challenger.at(known),
            {name: each.at(known) for name, each in found.items()},
            times[known],
            FollowUp.of(policy, challenger, times, readings),
            weights[known],
            readings.least_probability(times)[known] if len(times) else np.ones(0),
            frozenset(name for name, each in found.items() if _answers_as(each, found.get("champion"))),
        )

    def is_safe(self, about: str, against: Against) -> bool:
        """Whether what is left unconfirmed can only speak for the challenger, so that nothing has to be weighted.

        So it is of gated classes beside the champion, who decides what is read: where it sends a lesion home it has
        missed it, and the challenger can only do better. An anchor that answers as the champion does is compared alike.
        """
        return about != BENIGN and against in self.safe_beside

    def everybody(self, about: str, against: Against) -> PatientValues:
        """Of all confirmed lesions, each counted once."""
        return self._patients(about, against, np.ones(len(self.times)), np.ones(len(self.times)))

    def evidence(self, about: str, against: Against) -> PatientValues:
        """What may show that the challenger does not fall short, weighted unless it is safe without."""
        if self.is_safe(about, against):
            return self.everybody(about, against)
        return self._patients(about, against, self.weights, self.least_probability)

    def sound(self, about: str, against: Against, looks: np.ndarray) -> np.ndarray:
        """At which times a test may count as shown: few unconfirmed then and now, unless it is safe; boolean."""
        if self.is_safe(about, against):
            return np.ones(len(looks), dtype=bool)
        return self.follow_up.sound(looks) & self.follow_up.now_sound

    def log_e_values(self, about: str, against: Against, null_mean: float) -> tuple[float, float]:
        """The evidence that the challenger does not fall short: now, and the largest at a time when it may be shown."""
        seen = self.evidence(about, against)
        log_e = seen.log_e_values(null_mean, 0.0 if against == "floor" else -1.0, self.policy.shadow)[seen.looks]
        sound = self.sound(about, against, seen.times[seen.looks])
        return float(log_e[-1:].sum()), float(log_e[sound].max(initial=0))

    def log_e_value_of_harm(self, about: str, against: Against, harmless: float) -> float:
        """The largest evidence that the mean lies under `harmless`.

        Under a floor in all that is seen, since what is hidden is missed more often. Beside another model in what was
        to be read: where the champion sends home what it misses, a challenger's losses are seen and its gains are
        hidden, so that an equal one would look worse. A gain that came back counts for those that did not, too.
        """
        if against == "floor":
            seen = self.everybody(about, against)
            return float(log_e_values(-seen.values, -1.0, -harmless)[seen.looks].max(initial=0))
        seen = self._patients(about, against, self.weights, self.least_probability)
        log_e = replace(seen, values=-seen.values).log_e_values(-harmless, -1.0, self.policy.shadow)[seen.looks]
        few_unconfirmed = self.follow_up.sound(seen.times[seen.looks]) & self.follow_up.now_sound
        return float(log_e[few_unconfirmed].max(initial=0))

    def lesions(self, about: str, against: Against) -> int:
        """The number of lesions behind `evidence`; without the reference those that there would be."""
        counts = self.weights > 0 if not self.is_safe(about, against) else np.ones(len(self.times), dtype=bool)
        return int((self._about(about) & counts).sum())

    def _about(self, about: str) -> np.ndarray:
        truth = self.challenger.truth
        return np.isin(truth, self.policy.benign_classes) if about == BENIGN else truth == about

    def _patients(self, about: str, against: Against, weights: np.ndarray, least: np.ndarray) -> PatientValues:
        """One value a patient: the mean over the lesions that were referred first."""
        reference = None if against == "floor" else self.references.get(against)
        chosen = self._about(about) & (weights > 0)
        if not chosen.any() or (against != "floor" and reference is None):
            return PatientValues(np.zeros(0), self.times[:0], np.zeros(0), np.zeros(0))
        values = _hits(self.policy, about, self.challenger)
        if reference is not None:
            values = values - _hits(self.policy, about, reference)
        patients, place = np.unique(self.challenger.patient_id[chosen], return_inverse=True)
        times, ranks = np.unique(self.times[chosen], return_inverse=True)
        first = np.full(len(patients), len(times))
        np.minimum.at(first, place, ranks)
        at_first = ranks == first[place]
        counts = np.bincount(place[at_first], minlength=len(patients))
        order = np.lexsort((patients, first))
        mean, weight, smallest = (
            (np.bincount(place[at_first], mark[chosen][at_first], len(patients)) / counts)[order]
            for mark in (values, weights, least)
        )
        return PatientValues(mean, times[first[order]], weight, smallest)


@dataclass(frozen=True)
class Series:
    """The `challengers` of one recipe, one after the other; `number` counts the series of a champion's reign."""

    number: int
    challengers: int
    practice: Practice


def _hits(policy: GatePolicy, about: str, results: LesionResults) -> np.ndarray:
    found = results.not_called_malignant() if about == BENIGN else results.hits(about, policy)
    return found.astype(float)


def _answers_as(results: LesionResults, champion: LesionResults | None) -> bool:
    """Whether all answers are the champion's, those of lesions without a diagnosis too."""
    return champion is not None and bool((results.predicted == champion.predicted).all())
