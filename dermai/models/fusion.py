"""How a photograph's scores and the clinical columns' are weighed together, and each class's bias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dermai.models.calibration import log_softmax

PRIOR_CASES = 10.0  # ridge penalty on the biases, in cases: it decides with a handful and is forgotten with hundreds
FEW = 5.0  # cases below which a class has less than half a say: a single one would outvote all of the others'


@dataclass(frozen=True)
class Fusion:
    """Class scores `photograph * scores + clinical * opinion + biases`; `biases` has one value a class."""

    photograph: float
    clinical: float
    biases: tuple[float, ...]

    def scores(self, photograph: NDArray[np.float64], clinical: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-probabilities [N, C] from those of the photographs [N, C] and the clinical opinion [N, C]."""
        return log_softmax(self.photograph * photograph + self.clinical * clinical + np.array(self.biases))


@dataclass(frozen=True)
class Fusions:
    """One for cases of which a clinical column is known, and one for those whose photograph is `alone`."""

    together: Fusion
    alone: Fusion

    @classmethod
    def of(cls, values: Mapping[str, Mapping[str, Any]]) -> Fusions:
        """From what `dataclasses.asdict` makes of one, as JSON gives it back."""
        together, alone = (
            Fusion(part["photograph"], part["clinical"], tuple(part["biases"]))
            for part in (values["together"], values["alone"])
        )
        return cls(together, alone)

    def scores(self, photograph: NDArray[np.float64], clinical: NDArray[np.float64]) -> NDArray[np.float64]:
        """Class scores [N, C]; a case without any opinion in [N, C] is one of which no column is known."""
        known = (clinical != 0).any(axis=1, keepdims=True)
        scores = log_softmax(photograph)
        return np.where(known, self.together.scores(scores, clinical), self.alone.scores(scores, clinical))


@dataclass(frozen=True)
class Choices:
    """What a case is answered by beside what was learnt: fusions, temperature and operating points, with their rule."""

    fusions: Fusions
    temperature: float
    operating_points: Mapping[str, float]
    call_rule: int

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Choices:
        """From what `dataclasses.asdict` makes of one, as JSON gives it back."""
        points = {code: float(point) for code, point in values["operating_points"].items()}
        return cls(Fusions.of(values["fusions"]), float(values["temperature"]), points, int(values["call_rule"]))


def choose_fusions(
    photograph: NDArray[np.float64], clinical: NDArray[np.float64], labels: NDArray[np.int64]
) -> Fusions:
    """Both fusions by `choose_fusion`: `together` from the cases with an opinion, `alone` from all photographs."""
    known = (clinical != 0).any(axis=1)
    return Fusions(
        choose_fusion(photograph[known], clinical[known], labels[known]),
        choose_fusion(photograph, np.zeros_like(clinical), labels),
    )


def choose_fusion(photograph: NDArray[np.float64], clinical: NDArray[np.float64], labels: NDArray[np.int64]) -> Fusion:
    """The weights and biases that make labels likeliest, each class with the same say but those of few cases.

    Log-probabilities of the photographs and the clinical opinion are [N, C], of models that never saw these cases;
    labels [N] index the classes, -1 is left out. Neither weight is negative. The problem is convex (logistic regression
    on the scores). Where no clinical column is known of any case its weight is 1, as of the photograph without cases.
    """
    from scipy.optimize import minimize

    known = labels >= 0
    parts, truth = np.stack([photograph[known], clinical[known]]), labels[known]
    count, classes = len(truth), photograph.shape[1]
    if count == 0:
        return Fusion(1.0, 1.0, (0.0,) * classes)
    weights = 1 / (np.bincount(truth, minlength=classes) + FEW)[truth]
    weights /= weights.sum()
    answers = np.eye(classes)[truth]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shares, biases = values[:2], values[2:]
        log = log_softmax(np.tensordot(shares, parts, 1) + biases)
        residuals = (np.exp(log) - answers) * weights[:, None]
        penalty = PRIOR_CASES / count
        slopes = [(residuals * part).sum() for part in parts]
        cost = -(weights * (log * answers).sum(axis=1)).sum() + penalty * (biases**2).sum()
        return float(cost), np.concatenate([slopes, residuals.sum(axis=0) + 2 * penalty * biases])

    bounds = [(0.0, None), (0.0, None)] + [(None, None)] * classes
    start = np.concatenate([[1.0, 1.0], np.zeros(classes)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Fusion(float(found[0]), float(found[1]), tuple(found[2:].tolist()))
