"""How a photograph's scores and the clinical columns' are weighed together, and each class's bias.

Those of a photograph are of a head on a frozen network, and of a fine-tuned network where a model has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dermai.models.calibration import log_softmax

PRIOR_CASES = 10.0  # ridge penalty on the biases, in cases: it decides with a handful and is forgotten with hundreds
FEW = 5.0  # cases below which a class has less than half a say: a single one would outvote all of the others'


class PartScores(NamedTuple):
    """Class scores [N, C] of each part of a model; `fine_tuned` is None of a model without a fine-tuned network."""

    photograph: NDArray[np.float64]
    clinical: NDArray[np.float64]
    fine_tuned: NDArray[np.float64] | None = None

    def of(self, rows: NDArray[np.bool_]) -> PartScores:
        """Those of some cases, bool [N]."""
        return PartScores(*(None if part is None else part[rows] for part in self))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Fusion:
    """Class scores `photograph * scores + clinical * opinion + fine_tuned * its scores + biases`, one bias a class."""

    photograph: float
    clinical: float
    biases: tuple[float, ...]
    fine_tuned: float | None = None

    def scores(self, answers: PartScores) -> NDArray[np.float64]:
        """Log-probabilities [N, C] from those of the photographs [N, C] and the clinical opinion [N, C].

        Raises:
            ValueError: a weight was chosen for a fine-tuned network, and its scores are not given.
        """
        if self.fine_tuned is not None and answers.fine_tuned is None:
            raise ValueError("this fusion needs the scores of a fine-tuned network")
        found = self.photograph * answers.photograph + self.clinical * answers.clinical
        if answers.fine_tuned is not None:
            found = found + (self.fine_tuned or 0.0) * answers.fine_tuned
        return log_softmax(found + np.array(self.biases))

    def values(self) -> dict[str, Any]:
        """As JSON keeps it; the weight of a network that there is not is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Fusions:
    """One for cases of which a clinical column is known, and one for those whose photograph is `alone`."""

    together: Fusion
    alone: Fusion

    @classmethod
    def of(cls, values: Mapping[str, Mapping[str, Any]]) -> Fusions:
        """From what `values` gave, as JSON gives it back."""
        together, alone = (
            Fusion(part["photograph"], part["clinical"], tuple(part["biases"]), part.get("fine_tuned"))
            for part in (values["together"], values["alone"])
        )
        return cls(together, alone)

    def values(self) -> dict[str, Any]:
        """As JSON keeps them."""
        return {"together": self.together.values(), "alone": self.alone.values()}

    def scores(self, answers: PartScores) -> NDArray[np.float64]:
        """Class scores [N, C]; a case without any opinion in [N, C] is one of which no column is known."""
        known = (answers.clinical != 0).any(axis=1, keepdims=True)
        answers = answers._replace(photograph=log_softmax(answers.photograph))
        return np.where(known, self.together.scores(answers), self.alone.scores(answers))


@dataclass(frozen=True)
class Choices:
    """What a case is answered by beside what was learnt: fusions, temperature and operating points, with their rule."""

    fusions: Fusions
    temperature: float
    operating_points: Mapping[str, float]
    call_rule: int

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Choices:
        """From what `values` gave, as JSON gives it back."""
        points = {code: float(point) for code, point in values["operating_points"].items()}
        return cls(Fusions.of(values["fusions"]), float(values["temperature"]), points, int(values["call_rule"]))

    def values(self) -> dict[str, Any]:
        """As JSON keeps them."""
        return {**asdict(self), "fusions": self.fusions.values()}


def choose_fusions(answers: PartScores, labels: NDArray[np.integer]) -> Fusions:
    """Both fusions by `choose_fusion`: `together` from the cases with an opinion, `alone` from all photographs."""
    known = (answers.clinical != 0).any(axis=1)
    return Fusions(
        choose_fusion(answers.of(known), labels[known]),
        choose_fusion(answers._replace(clinical=np.zeros_like(answers.clinical)), labels),
    )


def choose_fusion(answers: PartScores, labels: NDArray[np.integer]) -> Fusion:
    """The weights and biases that make labels likeliest, each class with the same say but those of few cases.

    Log-probabilities of the photographs and the clinical opinion are [N, C], of models that never saw these cases;
    labels [N] index the classes, -1 is left out. No weight is negative. The problem is convex (logistic regression
    on the scores). Where no clinical column is known of any case its weight is 1, as of the photograph without cases.
    """
    from scipy.optimize import minimize

    known = labels >= 0
    parts, truth = np.stack([part for part in answers.of(known) if part is not None]), labels[known]
    (number, count, classes), of_network = parts.shape, answers.fine_tuned is not None
    if count == 0:
        return Fusion(1.0, 1.0, (0.0,) * classes, 0.0 if of_network else None)
    weights = 1 / (np.bincount(truth, minlength=classes) + FEW)[truth]
    weights /= weights.sum()
    given = np.eye(classes)[truth]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shares, biases = values[:number], values[number:]
        log = log_softmax(np.tensordot(shares, parts, 1) + biases)
        residuals = (np.exp(log) - given) * weights[:, None]
        penalty = PRIOR_CASES / count
        slopes = [(residuals * part).sum() for part in parts]
        cost = -(weights * (log * given).sum(axis=1)).sum() + penalty * (biases**2).sum()
        return float(cost), np.concatenate([slopes, residuals.sum(axis=0) + 2 * penalty * biases])

    bounds = [(0.0, None)] * number + [(None, None)] * classes
    start = np.concatenate([np.ones(number), np.zeros(classes)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    biases = tuple(found[number:].tolist())
    return Fusion(float(found[0]), float(found[1]), biases, float(found[2]) if of_network else None)
