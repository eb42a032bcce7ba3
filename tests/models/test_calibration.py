from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermai.models.calibration import HIGHEST, LOWEST, apply_temperature, fit_temperature


def draw(cases: int, sharpness: float, seed: int, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `sharpness` times too large for labels drawn from their softmax."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=2.0, size=(cases, classes))
    probabilities = apply_temperature(logits, 1.0)
    labels = (probabilities.cumsum(axis=1) > random.random((cases, 1))).argmax(axis=1)
    return logits * sharpness, labels


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_with_many_cases_the_true_temperature_is_found(sharpness: float) -> None:
    assert fit_temperature(*draw(4000, sharpness, seed=1)) == pytest.approx(sharpness, rel=0.06)


def test_with_five_cases_the_temperature_stays_near_one() -> None:
    found = [fit_temperature(*draw(5, 1.0, seed)) for seed in range(200)]
    assert min(found) > 0.4
    assert max(found) < 2.5


def test_perfectly_right_cases_do_not_drive_the_temperature_to_its_bound() -> None:
    logits = np.eye(4)[[0, 1, 2, 3]] * 5
    assert 0.5 < fit_temperature(logits, np.arange(4)) <= 1.0


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.empty((0, 3)), np.empty(0, dtype=int)),
        (np.ones((4, 3)), np.full(4, -1)),
        (np.ones((4, 1)), np.zeros(4, int)),
    ],
)
def test_where_nothing_can_be_known_the_temperature_is_one(logits: np.ndarray, labels: np.ndarray) -> None:
    assert fit_temperature(logits, labels) == 1.0


def test_answers_that_say_nothing_leave_the_temperature_at_one() -> None:
    assert fit_temperature(np.zeros((50, 3)), np.zeros(50, dtype=int)) == pytest.approx(1.0, abs=1e-4)


def test_a_probability_rounded_to_zero_is_survived() -> None:
    with np.errstate(divide="ignore"):
        logs = np.log(np.array([[1.0, 0.0], [0.9, 0.1], [0.2, 0.8]]))
    found = fit_temperature(logs, np.array([1, 0, 1]))
    assert LOWEST <= found <= HIGHEST


def test_probabilities_and_logits_give_the_same_temperature() -> None:
    logits, labels = draw(60, 2.0, seed=3)
    assert fit_temperature(np.log(apply_temperature(logits, 1.0)), labels) == pytest.approx(
        fit_temperature(logits, labels)
    )


@settings(max_examples=50, deadline=None)
@given(cases=st.integers(0, 30), sharpness=st.floats(0, 100), seed=st.integers(0, 10_000))
def test_the_temperature_is_bounded_and_never_changes_the_answer(cases: int, sharpness: float, seed: int) -> None:
    logits, labels = draw(cases, sharpness, seed)
    temperature = fit_temperature(logits, labels)
    assert LOWEST <= temperature <= HIGHEST
    if cases and sharpness > 0.1:
        scaled = apply_temperature(logits, temperature)
        np.testing.assert_allclose(scaled.sum(axis=1), 1.0)
        assert (np.take_along_axis(scaled, logits.argmax(axis=1)[:, None], 1)[:, 0] == scaled.max(axis=1)).all()
