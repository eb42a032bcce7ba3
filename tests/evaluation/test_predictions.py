from __future__ import annotations

import numpy as np
import pytest

from dermai.errors import InvalidCases
from dermai.evaluation.predictions import known_classes, per_lesion, prediction_table, probabilities_of
from tests.evaluation.synthetic import CLASSES, draw_cases, draw_probabilities


def test_the_table_keeps_the_order_of_cases_and_the_models_probabilities() -> None:
    cases = draw_cases(20, seed=1).iloc[::-1]
    probabilities = draw_probabilities(cases, seed=2)
    table = prediction_table(cases, probabilities, CLASSES)
    assert table["image"].tolist() == cases["image"].tolist()
    assert known_classes(table) == CLASSES
    np.testing.assert_array_equal(probabilities_of(table), probabilities)
    assert table["predicted"].tolist() == [CLASSES[i] for i in probabilities.argmax(axis=1)]


def test_a_lesion_is_judged_by_the_mean_of_its_photographs_with_the_same_operating_points() -> None:
    cases = draw_cases(40, seed=3)
    probabilities = draw_probabilities(cases, seed=4, skill=1.0)
    points = {"MM": 0.12, "BCC": 0.2}
    lesions = per_lesion(prediction_table(cases, probabilities, CLASSES, points), points)
    assert lesions["lesion_id"].is_unique
    assert lesions["photographs"].sum() == len(cases)
    for _, lesion in lesions.iterrows():
        own = probabilities[(cases["lesion_id"] == lesion["lesion_id"]).to_numpy()].mean(axis=0)
        assert [lesion[f"p_{code}"] for code in CLASSES] == pytest.approx(own.tolist())
    reached = (lesions["p_MM"] >= 0.12) | (lesions["p_BCC"] >= 0.2)
    assert lesions.loc[reached, "predicted"].isin(["MM", "BCC", "OtMalNeop"]).all()
    assert reached.any()


def test_photographs_of_one_lesion_that_contradict_each_other_are_named() -> None:
    cases = draw_cases(5, seed=5)
    cases["lesion_id"] = "lesion-a"
    table = prediction_table(cases, draw_probabilities(cases, seed=6), CLASSES)
    with pytest.raises(InvalidCases, match="lesion 'lesion-a' has more than one diagnosis"):
        per_lesion(table, None)


def test_probabilities_of_another_shape_are_refused() -> None:
    cases = draw_cases(5, seed=7)
    with pytest.raises(ValueError, match="cases and 7 classes"):
        prediction_table(cases, np.ones((2, 7)), CLASSES)


def test_a_table_without_cases_stays_a_table() -> None:
    cases = draw_cases(1, seed=8).iloc[:0]
    table = prediction_table(cases, np.empty((0, len(CLASSES))), CLASSES, {"MM": 0.3})
    assert per_lesion(table, {"MM": 0.3}).empty


def test_a_lesion_is_confirmed_by_the_strongest_that_its_photographs_say() -> None:
    cases = (
        draw_cases(9, seed=8)
        .head(3)
        .assign(lesion_id="one", diagnosis="MM", confirmed_by=["", "histology", "consensus"])
    )
    table = prediction_table(cases, draw_probabilities(cases, seed=9), CLASSES)
    assert per_lesion(table, None)["confirmed_by"].tolist() == ["histology"]
