"""Temperature scaling: probabilities that mean what they say (Guo et al., ICML 2017)."""

from __future__ import annotations

import numpy as np
import pandas as pd

LOWEST, HIGHEST = 0.2, 10.0
# A priori the temperature lies within a factor of two of 1 with about 68 %: this decides with a handful of cases
# and is forgotten with some hundred.
PRIOR_SPREAD = np.log(2.0)
# A probability that was rounded to 0 would make one wrong case outweigh all others.
SMALLEST_LOG = -30.0
SMALLEST_PROBABILITY = 1e-12


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes validation labels likeliest, held near 1.0 where few cases speak.

    Logits or log-probabilities are [N, C]; labels [N] index the classes, and -1 (a class that the model does not know)
    is left out. 1.0 without cases, or for a model of one class.

    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 0.0]] * 500)
    >>> labels = np.array([0, 0, 1, 1] * 500)  # sure of itself, right three times in four
    >>> round(fit_temperature(logits, labels), 1)
    3.6
    """
    logits = np.asarray(logits, dtype=np.float64)
    labels = np.asarray(labels)
    known = labels >= 0
    logits, labels = _shifted(logits[known]), labels[known]
    if len(labels) == 0 or logits.shape[1] < 2:
        return 1.0
    # A grid over log T, refined twice: the objective is smooth, and this cannot fail to converge.
    low, high = np.log(LOWEST), np.log(HIGHEST)
    for _ in range(4):
        grid = np.linspace(low, high, 33)
        costs = np.array([_cost(logits, labels, value) for value in grid])
        best = int(costs.argmin())
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return float(np.clip(np.exp(grid[best]), LOWEST, HIGHEST))


def apply_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities [N, C] of logits or log-probabilities at a temperature; above 1 they are less sure.

    >>> apply_temperature(np.log([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    scaled = np.asarray(logits, dtype=np.float64, order="C") / temperature  # a sum's last bit follows the order
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Log-probabilities [N, C] of class scores.

    >>> np.exp(log_softmax(np.array([[1.0, 1.0]]))).round(3).tolist()
    [[0.5, 0.5]]
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def log_probabilities(probabilities: np.ndarray | pd.DataFrame) -> np.ndarray:
    """Natural logarithms; a probability that was rounded to 0 counts as 1e-12."""
    return np.log(np.clip(np.asarray(probabilities, dtype=np.float64), SMALLEST_PROBABILITY, 1.0))


def _shifted(logits: np.ndarray) -> np.ndarray:
    """Largest logit 0, none below the smallest."""
    if logits.size == 0:
        return logits
    return np.maximum(logits - logits.max(axis=1, keepdims=True), SMALLEST_LOG)


def _cost(logits: np.ndarray, labels: np.ndarray, log_temperature: float) -> float:
    """Negative log-posterior of one log-temperature."""
    scaled = logits / np.exp(log_temperature)
    loss = np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]
    return float(loss.sum() + 0.5 * (log_temperature / PRIOR_SPREAD) ** 2)
