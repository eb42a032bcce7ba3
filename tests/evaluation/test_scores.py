"""Scores over seeds against a direct computation, and intervals that hold both kinds of chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support

from dermai.evaluation.scores import score_seeds
from dermai.strategies.tables import percent

CLASSES = ["Nev", "BCC", "MM"]


def answers(seed: int, right: float, patients: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    truth = np.random.default_rng(0).choice(CLASSES, 2 * patients, p=[0.6, 0.3, 0.1])
    guess = np.where(random.random(len(truth)) < right, truth, random.choice(CLASSES, len(truth)))
    return pd.DataFrame({"patient_id": np.repeat(np.arange(patients), 2), "diagnosis": truth, "predicted": guess})


def test_the_metrics_are_scikit_learns_averaged_over_the_seeds() -> None:
    tables = [answers(1, 0.5), answers(2, 0.7)]
    scores = score_seeds(tables, CLASSES)
    for name, value in {
        "macro_f1": lambda t: precision_recall_fscore_support(t.diagnosis, t.predicted, average="macro")[2],
        "weighted_f1": lambda t: precision_recall_fscore_support(t.diagnosis, t.predicted, average="weighted")[2],
        "balanced_accuracy": lambda t: balanced_accuracy_score(t.diagnosis, t.predicted),
        "accuracy": lambda t: (t.diagnosis == t.predicted).mean(),
        "precision_MM": lambda t: precision_recall_fscore_support(t.diagnosis, t.predicted, labels=["MM"])[0][0],
    }.items():
        estimate = scores.estimate(name)
        assert estimate.value == pytest.approx(np.mean([value(table) for table in tables]))
        assert estimate.low < estimate.value < estimate.high
    assert "–" in percent(scores.estimate("macro_f1"))


def test_seeds_that_disagree_widen_the_interval() -> None:
    def width(*right: float) -> float:
        found = score_seeds([answers(seed, share) for seed, share in enumerate(right)], CLASSES).estimate("accuracy")
        return found.high - found.low

    assert width(0.2, 0.9, 0.55) > 1.5 * width(0.55, 0.55, 0.55)


def test_a_paired_difference_is_found_where_there_is_one_and_not_where_there_is_none() -> None:
    good, bad = (score_seeds([answers(seed, share) for seed in (1, 2)], CLASSES) for share in (0.8, 0.4))
    assert good.difference(bad, "accuracy").p_value < 0.01
    assert good.difference(good, "accuracy").p_value == 1.0
    assert good.difference(bad, "accuracy").low > 0


def test_a_class_of_few_cases_that_are_all_found_is_not_certain() -> None:
    table = pd.DataFrame({"patient_id": ["a", "b", "c", "d"], "diagnosis": ["MM", "MM", "MM", "Nev"]})
    sensitivity = score_seeds([table.assign(predicted=table["diagnosis"])], CLASSES).estimate("sensitivity_MM")
    assert sensitivity.value == 1
    assert sensitivity.low == pytest.approx(0.025 ** (1 / 3))  # Clopper-Pearson: three of three
