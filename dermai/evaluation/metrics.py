"""Per-class and overall performance with an interval beside every number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.evaluation.predictions import probabilities_of
from dermai.gate.exact import interval

BOOTSTRAP_SEED = 1934  # of the resampled patients; fixed, so that two runs on the same predictions agree
BOOTSTRAP_DRAWS = 2000


class Record(BaseModel):
    """A part of an evaluation: immutable, and written to JSON as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(Record):
    """A proportion `count / total` with its exact (Clopper-Pearson) interval; no value where the total is 0."""

    count: int
    total: int
    value: float | None
    low: float
    high: float


class Estimate(Record):
    """A number with an interval; no value where there is nothing to compute it from."""

    value: float | None
    low: float
    high: float


class ClassEvaluation(Record):
    """One class against all others. A class that the model does not know has sensitivity 0 by definition."""

    code: str
    known: bool
    sensitivity: Rate
    specificity: Rate
    precision: Rate
    f1: Estimate

    @property
    def cases(self) -> int:
        """Cases of this class in the test set."""
        return self.sensitivity.total


class CalibrationBin(Record):
    """Cases whose largest probability lies in (low, high]: how sure the model was and how often it was right."""

    low: float
    high: float
    confidence: float
    accuracy: Rate


class Evaluation(Record):
    """A model on one test set. Rows of `confusion` are the truth (`row_classes`), columns the answers (`classes`)."""

    cases: int
    patients: int
    confidence: float
    classes: tuple[str, ...]
    unknown_classes: tuple[str, ...]
    accuracy: Rate
    balanced_accuracy: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate
    per_class: tuple[ClassEvaluation, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: tuple[CalibrationBin, ...]
    expected_calibration_error: float | None

    @property
    def row_classes(self) -> tuple[str, ...]:
        """Classes of the truth: those of the model, then those in the test set that it does not know."""
        return self.classes + self.unknown_classes

    def of_class(self, code: str) -> ClassEvaluation | None:
        """The numbers of one class; None where neither the model nor the test set has it."""
        return next((row for row in self.per_class if row.code == code), None)


def evaluate(
    table: pd.DataFrame, classes: Sequence[str], confidence: float = 0.95, *, bins: int = 10, seed: int = BOOTSTRAP_SEED
) -> Evaluation:
    """Compare `predicted` with `diagnosis` in a prediction table, of photographs or of lesions.

    Rates have exact intervals, and so has a class's F1, which is a monotone function of the proportion
    TP / (TP + FP + FN). Exact intervals take rows as independent. Balanced accuracy and the mean F1 scores have
    percentile intervals over resampled patients. The mean F1 scores average over classes that occur or are answered,
    balanced accuracy over classes that occur. A diagnosis that the model does not know counts as an error.

    Raises:
        ValueError: a row has no diagnosis, or an answer is not one of the classes.
    """
    classes = tuple(classes)
    if (table["diagnosis"] == "").any():
        raise ValueError("a row without a diagnosis cannot be evaluated: keep the trainable rows")
    if not table["predicted"].isin(classes).all():
        raise ValueError(f"answers outside the classes {classes}")
    unknown = tuple(sorted(set(table["diagnosis"]) - set(classes)))
    rows = classes + unknown
    truth = pd.Categorical(table["diagnosis"], categories=list(rows)).codes.astype(np.intp)
    answers = pd.Categorical(table["predicted"], categories=list(rows)).codes.astype(np.intp)
    confusion = np.zeros((len(rows), len(rows)), dtype=np.int64)
    np.add.at(confusion, (truth, answers), 1)

    support, called, hits = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    counts = _counts_per_patient(truth, answers, table["patient_id"], len(rows))
    means = _means(counts.sum(axis=0, keepdims=True))[0]
    lows, highs = _bootstrap(counts, confidence, seed)
    balanced, macro, weighted = (
        Estimate(value=_known(value), low=low, high=high) for value, low, high in zip(means, lows, highs, strict=True)
    )
    calibration, error = _calibration(probabilities_of(table), truth, bins, confidence)
    return Evaluation(
        cases=len(table),
        patients=len(counts),
        confidence=confidence,
        classes=classes,
        unknown_classes=unknown,
        accuracy=rate(int(hits.sum()), len(table), confidence),
        balanced_accuracy=balanced,
        macro_f1=macro,
        weighted_f1=weighted,
        per_class=tuple(
            ClassEvaluation(
                code=code,
                known=code in classes,
                sensitivity=rate(int(hits[i]), int(support[i]), confidence),
                specificity=rate(
                    len(table) - int(support[i] + called[i] - hits[i]), len(table) - int(support[i]), confidence
                ),
                precision=rate(int(hits[i]), int(called[i]), confidence),
                f1=f1_estimate(int(hits[i]), int(called[i] - hits[i]), int(support[i] - hits[i]), confidence),
            )
            for i, code in enumerate(rows)
        ),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion[:, : len(classes)]),
        calibration=calibration,
        expected_calibration_error=error,
    )


def rate(count: int, total: int, confidence: float) -> Rate:
    """A proportion with its exact two-sided interval, [0, 1] where the total is 0.

    >>> found = rate(8, 10, 0.95)
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.8, 0.4439, 0.9748)
    """
    low, high = interval(count, total, confidence) if total else (0.0, 1.0)
    return Rate(count=count, total=total, value=count / total if total else None, low=low, high=high)


def f1_estimate(true_positives: int, false_positives: int, false_negatives: int, confidence: float) -> Estimate:
    """F1 = 2J / (1 + J) with J = TP / (TP + FP + FN): the exact interval of J carried over.

    >>> f1 = f1_estimate(8, 2, 2, 0.95)
    >>> round(f1.value, 3), round(f1.low, 3), round(f1.high, 3)
    (0.8, 0.517, 0.948)
    """
    share = rate(true_positives, true_positives + false_positives + false_negatives, confidence)

    def f1(jaccard: float) -> float:
        return 2 * jaccard / (1 + jaccard)

    return Estimate(value=None if share.value is None else f1(share.value), low=f1(share.low), high=f1(share.high))


def _counts_per_patient(truth: np.ndarray, answers: np.ndarray, patients: pd.Series, classes: int) -> np.ndarray:
    """Hits, support and answers of each class by patient: [P, 3, C]."""
    codes, distinct = pd.factorize(patients)
    counts = np.zeros((len(distinct), 3, classes))
    right = truth == answers
    for kind, who, what in ((0, codes[right], truth[right]), (1, codes, truth), (2, codes, answers)):
        np.add.at(counts[:, kind], (who, what), 1)
    return counts


def _means(counts: np.ndarray) -> np.ndarray:
    """Balanced accuracy, macro F1 and weighted F1 from counts [..., 3, C]: [..., 3], NaN without cases."""
    hits, support, called = counts[..., 0, :], counts[..., 1, :], counts[..., 2, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity = np.where(support > 0, hits / support, 0.0)
        f1 = np.where(support + called > 0, 2 * hits / (support + called), 0.0)
        return np.stack(
            [
                sensitivity.sum(axis=-1) / (support > 0).sum(axis=-1),
                f1.sum(axis=-1) / (support + called > 0).sum(axis=-1),
                (f1 * support).sum(axis=-1) / support.sum(axis=-1),
            ],
            axis=-1,
        )


def _bootstrap(counts: np.ndarray, confidence: float, seed: int) -> tuple[list[float], list[float]]:
    """Percentile bounds of the means over resampled patients; [0, 1] where fewer than two patients tell nothing."""
    patients = len(counts)
    if patients < 2:
        return [0.0] * 3, [1.0] * 3
    flat = counts.reshape(patients, -1)
    random = np.random.default_rng(seed)
    drawn = []
    # In pieces, so that memory stays flat with many patients.
    piece = max(1, min(BOOTSTRAP_DRAWS, 2_000_000 // patients))
    for start in range(0, BOOTSTRAP_DRAWS, piece):
        size = min(piece, BOOTSTRAP_DRAWS - start)
        weights = random.multinomial(patients, np.full(patients, 1 / patients), size=size)
        drawn.append(_means((weights.astype(np.float64) @ flat).reshape(size, *counts.shape[1:])))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail], axis=0)
    return low.tolist(), high.tolist()


def _calibration(
    probabilities: np.ndarray, truth: np.ndarray, bins: int, confidence: float
) -> tuple[tuple[CalibrationBin, ...], float | None]:
    """Non-empty bins of the largest probability, and the mean gap between confidence and accuracy (ECE)."""
    if not len(probabilities):
        return (), None
    largest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    edges = np.linspace(0.0, 1.0, bins + 1)
    places = np.clip(np.digitize(largest, edges, right=True) - 1, 0, bins - 1)
    found = []
    for place in np.unique(places):
        inside = places == place
        found.append(
            CalibrationBin(
                low=float(edges[place]),
                high=float(edges[place + 1]),
                confidence=float(largest[inside].mean()),
                accuracy=rate(int(right[inside].sum()), int(inside.sum()), confidence),
            )
        )
    gaps = [bin_.accuracy.total * abs(bin_.confidence - bin_.accuracy.count / bin_.accuracy.total) for bin_ in found]
    return tuple(found), float(sum(gaps) / len(probabilities))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
