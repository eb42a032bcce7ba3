"""Scores of a strategy over its seeds, with intervals over resampled test patients and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.evaluation.metrics import Estimate
from dermai.gate.exact import interval

DRAWS, BOOTSTRAP_SEED = 2000, 1934
_PIECE = 200  # draws at a time, so that memory stays flat
OVERALL = ("accuracy", "weighted_f1", "macro_f1", "balanced_accuracy")
PER_CLASS = ("sensitivity", "precision", "f1")


class Difference(BaseModel):
    """A strategy less another on the same test patients; two-sided bootstrap p-value of no difference."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Scores:
    """`drawn` is [1 + DRAWS, M], the mean over seeds of each of the M metrics in `names`; its first row is observed.

    `exact` holds the Clopper-Pearson bounds of a class's metrics from the mean counts of the seeds.
    """

    names: tuple[str, ...]
    drawn: np.ndarray
    exact: dict[str, tuple[float, float]]
    cases: dict[str, int]
    seeds: int
    confidence: float

    def estimate(self, name: str) -> Estimate:
        """A metric with its percentile interval; that of a class reaches at least to the exact bounds.

        Resampling few cases of which all or none are found would tell of certainty where there is none.
        """
        column = self.drawn[:, self.names.index(name)]
        low, high = self._bounds(column[1:])
        least, most = self.exact.get(name, (low, high))
        return Estimate(value=float(column[0]), low=min(low, least), high=max(high, most))

    def difference(self, other: Scores, name: str) -> Difference:
        """This less the other; paired, since both are drawn on the same patients."""
        column = self.drawn[:, self.names.index(name)] - other.drawn[:, other.names.index(name)]
        low, high = self._bounds(column[1:])
        tails = [(np.sum(column[1:] <= 0) + 1) / len(column), (np.sum(column[1:] >= 0) + 1) / len(column)]
        return Difference(value=float(column[0]), low=low, high=high, p_value=min(1.0, 2 * float(min(tails))))

    def _bounds(self, column: np.ndarray) -> tuple[float, float]:
        tail = (1 - self.confidence) / 2
        low, high = np.nanquantile(column, [tail, 1 - tail])
        return float(low), float(high)


def score_seeds(tables: Sequence[pd.DataFrame], classes: Sequence[str], confidence: float = 0.95) -> Scores:
    """Compare `predicted` with `diagnosis` in the prediction tables of a strategy's seeds, one row a photograph.

    Average accuracy is over photographs, as in the paper. Each draw takes patients and seeds with replacement: the
    interval holds the chance of the test patients and that of training. With one seed it holds the first alone.
    A metric that has no cases in a draw counts as 0 there, as does the F1 of a class that is never answered.
    """
    patients = sorted(set(tables[0]["patient_id"]))
    counts = np.stack([_counts(table, classes, patients) for table in tables])  # [S, P, 3, C]
    random = np.random.default_rng(BOOTSTRAP_SEED)
    drawn = [_metrics(counts.sum(axis=1)[None]).mean(axis=1)]
    for start in range(0, DRAWS, _PIECE):
        size = min(_PIECE, DRAWS - start)
        people = random.multinomial(len(patients), np.full(len(patients), 1 / len(patients)), size=size)
        seeds = random.multinomial(len(tables), np.full(len(tables), 1 / len(tables)), size=size) / len(tables)
        metrics = _metrics(np.einsum("dp,spkc->dskc", people.astype(float), counts, optimize=True))
        drawn.append(np.einsum("dsm,ds->dm", metrics, seeds))
    return Scores(
        names=(*OVERALL, *(f"{kind}_{name}" for kind in PER_CLASS for name in classes)),
        drawn=np.concatenate(drawn),
        exact=_exact_bounds(counts.sum(axis=1).mean(axis=0), classes, confidence),
        cases={name: int((tables[0]["diagnosis"] == name).sum()) for name in classes},
        seeds=len(tables),
        confidence=confidence,
    )


def _exact_bounds(counts: np.ndarray, classes: Sequence[str], confidence: float) -> dict[str, tuple[float, float]]:
    """Of sensitivity, precision and F1 of each class, from its hits, cases and answers [3, C]."""
    bounds = {}
    for place, name in enumerate(classes):
        hits, cases, answers = (float(count) for count in counts[:, place])
        for kind, total in (("sensitivity", cases), ("precision", answers)):
            bounds[f"{kind}_{name}"] = interval(hits, total, confidence) if total else (0.0, 1.0)
        either = cases + answers - hits
        low, high = interval(hits, either, confidence) if either else (0.0, 1.0)
        bounds[f"f1_{name}"] = (2 * low / (1 + low), 2 * high / (1 + high))
    return bounds


def _counts(table: pd.DataFrame, classes: Sequence[str], patients: Sequence[str]) -> np.ndarray:
    """Hits, cases and answers of each class by patient: [P, 3, C]."""
    place = {patient: number for number, patient in enumerate(patients)}
    who = table["patient_id"].map(place).to_numpy()
    truth, answers = (
        pd.Categorical(table[name], categories=list(classes)).codes for name in ("diagnosis", "predicted")
    )
    counts = np.zeros((len(patients), 3, len(classes)))
    for kind, rows, what in ((0, truth == answers, truth), (1, truth >= 0, truth), (2, answers >= 0, answers)):
        inside = rows & (what >= 0)
        np.add.at(counts[:, kind], (who[inside], what[inside]), 1)
    return counts


def _metrics(counts: np.ndarray) -> np.ndarray:
    """All metrics from counts [..., 3, C]: [..., M]."""
    hits, cases, answers = counts[..., 0, :], counts[..., 1, :], counts[..., 2, :]

    def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)

    sensitivity, precision, f1 = share(hits, cases), share(hits, answers), share(2 * hits, cases + answers)
    there, total = cases > 0, cases.sum(-1)
    overall = np.stack(
        [
            share(hits.sum(-1), total),
            share((f1 * cases).sum(-1), total),
            share(f1.sum(-1), (cases + answers > 0).sum(-1).astype(float)),
            share((sensitivity * there).sum(-1), there.sum(-1).astype(float)),
        ],
        axis=-1,
    )
    return np.concatenate([overall, sensitivity, precision, f1], axis=-1)
