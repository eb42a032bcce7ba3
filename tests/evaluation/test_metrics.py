from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_score, recall_score

from dermai.evaluation.metrics import Evaluation, evaluate, f1_estimate, rate
from dermai.evaluation.predictions import per_lesion, prediction_table
from tests.evaluation.synthetic import CLASSES, draw_cases, draw_probabilities


def draw_table(patients: int = 80, seed: int = 1, skill: float = 1.5) -> pd.DataFrame:
    cases = draw_cases(patients, seed)
    return prediction_table(cases, draw_probabilities(cases, seed + 1, skill), CLASSES)


def test_every_number_agrees_with_scikit_learn() -> None:
    table = draw_table()
    found = evaluate(table, CLASSES)
    truth, answers = table["diagnosis"], table["predicted"]
    assert found.accuracy.value == pytest.approx(accuracy_score(truth, answers))
    assert found.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(truth, answers))
    assert found.macro_f1.value == pytest.approx(f1_score(truth, answers, average="macro"))
    assert found.weighted_f1.value == pytest.approx(f1_score(truth, answers, average="weighted"))
    names = list(CLASSES)
    assert [c.sensitivity.value for c in found.per_class] == pytest.approx(
        recall_score(truth, answers, labels=names, average=None).tolist()
    )
    assert [c.precision.value for c in found.per_class] == pytest.approx(
        precision_score(truth, answers, labels=names, average=None).tolist()
    )
    assert [c.f1.value for c in found.per_class] == pytest.approx(
        f1_score(truth, answers, labels=names, average=None).tolist()
    )
    for row in found.per_class:
        negatives = truth != row.code
        assert row.specificity.value == pytest.approx((answers[negatives] != row.code).mean())
    assert np.sum(found.confusion) == len(table) == found.cases


def test_a_class_the_model_does_not_know_counts_as_errors_and_is_named() -> None:
    cases = draw_cases(60, seed=3)
    known = CLASSES[:-1]
    table = prediction_table(cases, draw_probabilities(cases, 4, classes=known), known)
    found = evaluate(table, known)
    melanoma = found.of_class("MM")
    assert found.unknown_classes == ("MM",)
    assert found.row_classes[-1] == "MM"
    assert melanoma is not None
    assert not melanoma.known
    assert melanoma.cases == (cases["diagnosis"] == "MM").sum() > 0
    assert melanoma.sensitivity.value == 0
    assert melanoma.precision.value is None
    right = table["predicted"] == table["diagnosis"]
    assert found.accuracy.count == right.sum()
    assert found.balanced_accuracy.value == pytest.approx(right.groupby(table["diagnosis"]).mean().mean())


def test_a_class_without_test_cases_has_no_value_and_an_interval_that_knows_nothing() -> None:
    table = draw_table()
    found = evaluate(table[table["diagnosis"] != "MM"], CLASSES).of_class("MM")
    assert found is not None
    assert found.sensitivity.value is None
    assert (found.sensitivity.low, found.sensitivity.high) == (0, 1)


def test_an_empty_test_set_evaluates_to_nothing() -> None:
    found = evaluate(draw_table().iloc[:0], CLASSES)
    assert found.accuracy.value is None
    assert found.balanced_accuracy.value is None
    assert found.expected_calibration_error is None
    assert (found.cases, found.patients) == (0, 0)


def test_one_patient_gives_no_certainty_about_the_means() -> None:
    table = draw_table()
    found = evaluate(table[table["patient_id"] == "patient-0"], CLASSES)
    assert (found.macro_f1.low, found.macro_f1.high) == (0, 1)


def test_the_exact_interval_is_that_of_the_beta_quantiles() -> None:
    found = rate(47, 50, 0.95)
    assert found.low == pytest.approx(beta.ppf(0.025, 47, 4))
    assert found.high == pytest.approx(beta.ppf(0.975, 48, 3))
    assert rate(0, 11, 0.95).high == pytest.approx(0.2849, abs=1e-4)  # the paper's BCC: 0 of 11 found


def test_the_interval_of_f1_covers_the_true_value() -> None:
    """Draws of TP, FP, FN, TN with a true F1 of 0.5."""
    shares = np.array([0.1, 0.08, 0.12, 0.7])
    truth = 2 * shares[0] / (2 * shares[0] + shares[1] + shares[2])
    draws = np.random.default_rng(5).multinomial(60, shares, size=500)
    covered = [
        low <= truth <= high for low, high in ((f.low, f.high) for f in (f1_estimate(*d[:3], 0.9) for d in draws))
    ]
    assert np.mean(covered) >= 0.9 - 2 * np.sqrt(0.09 / 500)


def test_intervals_of_the_means_widen_when_errors_cluster_in_patients() -> None:
    rows = pd.DataFrame({"patient_id": np.arange(400).astype(str), "diagnosis": ["Nev", "MM"] * 200})
    probabilities = np.full((400, 2), 0.5)
    wrong = np.arange(400) % 20 < 8  # whole runs of 20 rows are half right
    answers = np.where(wrong, "Nev", rows["diagnosis"])
    table = rows.assign(p_Nev=probabilities[:, 0], p_MM=probabilities[:, 1], predicted=answers)
    apart = evaluate(table, ["Nev", "MM"]).balanced_accuracy
    # One patient has all of a class's errors: the same numbers, known far less well.
    grouped = table.assign(patient_id=np.where(wrong, (np.arange(400) // 80).astype(str), "b" + rows["patient_id"]))
    together = evaluate(grouped, ["Nev", "MM"]).balanced_accuracy
    assert apart.value == together.value
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_the_bootstrap_interval_covers_the_true_balanced_accuracy_of_clustered_errors() -> None:
    """80 patients with 3 lesions each; a patient's own difficulty moves all of them (Beta with means 0.8 and 0.6)."""
    random = np.random.default_rng(11)
    patients, rounds = np.repeat(np.arange(80), 3), 60
    covered = 0
    for _ in range(rounds):
        melanoma = np.repeat(random.random(80) < 0.4, 3)
        difficulty = np.where(melanoma, random.beta(2.4, 1.6, 80).repeat(3), random.beta(3.2, 0.8, 80).repeat(3))
        right = random.random(240) < difficulty
        table = pd.DataFrame({"patient_id": patients, "diagnosis": np.where(melanoma, "MM", "Nev")})
        table["predicted"] = np.where(right == melanoma, "MM", "Nev")
        found = evaluate(table.assign(p_Nev=0.5, p_MM=0.5), ["Nev", "MM"], 0.9).balanced_accuracy
        covered += found.low <= 0.7 <= found.high
    assert covered / rounds >= 0.9 - 3 * np.sqrt(0.09 / rounds)


def test_two_evaluations_of_the_same_predictions_are_identical() -> None:
    table = draw_table()
    assert evaluate(table, CLASSES) == evaluate(table.copy(), CLASSES)


def test_an_evaluation_survives_its_json() -> None:
    found = evaluate(per_lesion(draw_table(), None), CLASSES)
    assert Evaluation.model_validate_json(found.model_dump_json()) == found


def test_sure_and_wrong_answers_show_in_the_calibration_error() -> None:
    cases = draw_cases(50, seed=6)
    sure = np.tile(np.eye(len(CLASSES))[0], (len(cases), 1))
    found = evaluate(prediction_table(cases, sure, CLASSES), CLASSES)
    share = (cases["diagnosis"] == CLASSES[0]).mean()
    assert found.expected_calibration_error == pytest.approx(1 - share)
    assert len(found.calibration) == 1
    assert found.calibration[0].high == 1.0


def test_rows_without_a_diagnosis_are_refused() -> None:
    table = draw_table()
    table.loc[0, "diagnosis"] = ""
    with pytest.raises(ValueError, match="without a diagnosis"):
        evaluate(table, CLASSES)
