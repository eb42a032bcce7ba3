from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermai.models.calibration import apply_temperature
from dermai.models.operating_points import (
    ARGMAX_THRESHOLD,
    choose_operating_points,
    explain_operating_points,
    predict,
)

CLASSES = ("SebKer", "Nev", "BCC", "MM")


def draw(cases: int, seed: int, skill: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [N, 4] that favour the true class, and labels [N]; MM is rare."""
    random = np.random.default_rng(seed)
    labels = random.choice(4, size=cases, p=[0.4, 0.4, 0.12, 0.08])
    logits = random.normal(size=(cases, 4))
    logits[np.arange(cases), labels] += skill
    return apply_temperature(logits, 1.0), labels


samples = st.builds(draw, st.integers(0, 120), st.integers(0, 10_000), st.floats(0, 4))
targets = st.fixed_dictionaries({}, optional={"MM": st.floats(0, 1), "BCC": st.floats(0, 1)})


@settings(max_examples=80, deadline=None)
@given(sample=samples, targets=targets)
def test_the_target_is_reached_on_validation_unless_specificity_stops_it(
    sample: tuple[np.ndarray, np.ndarray], targets: dict[str, float]
) -> None:
    probabilities, labels = sample
    points = choose_operating_points(probabilities, labels, CLASSES, targets)
    for code, threshold in points.items():
        assert 0 < threshold <= ARGMAX_THRESHOLD
        own = labels == CLASSES.index(code)
        reached = probabilities[:, CLASSES.index(code)] >= threshold
        assert (reached[~own]).mean() <= 0.3 + 1e-9 if (~own).any() else True
        lower = reached | (probabilities[:, CLASSES.index(code)] >= np.nextafter(threshold, 0))
        stopped = lower[~own].mean() > 0.3 if (~own).any() else False
        next_other = probabilities[~own, CLASSES.index(code)]
        at_the_limit = stopped or np.isclose(next_other, threshold, rtol=1e-12).any()
        assert reached[own].mean() >= targets[code] - 1e-9 or at_the_limit


@settings(max_examples=60, deadline=None)
@given(sample=samples, first=st.floats(0, 1), second=st.floats(0, 1))
def test_asking_for_more_sensitivity_never_raises_the_threshold(
    sample: tuple[np.ndarray, np.ndarray], first: float, second: float
) -> None:
    low, high = sorted((first, second))
    less = choose_operating_points(*sample, CLASSES, {"MM": low})
    more = choose_operating_points(*sample, CLASSES, {"MM": high})
    assert less.keys() == more.keys()
    assert all(more[code] <= less[code] for code in less)


@settings(max_examples=60, deadline=None)
@given(sample=samples, targets=targets, seed=st.integers(0, 1000))
def test_the_order_of_cases_and_of_classes_changes_nothing(
    sample: tuple[np.ndarray, np.ndarray], targets: dict[str, float], seed: int
) -> None:
    probabilities, labels = sample
    points = choose_operating_points(probabilities, labels, CLASSES, targets)
    rows = np.random.default_rng(seed).permutation(len(labels))
    assert choose_operating_points(probabilities[rows], labels[rows], CLASSES, targets) == points
    columns = [3, 1, 0, 2]
    names = [CLASSES[column] for column in columns]
    moved = np.argsort(columns)[labels] if len(labels) else labels
    assert choose_operating_points(probabilities[:, columns], moved, names, targets) == points
    answers = np.array(names)[predict(probabilities[:, columns], names, points)]
    assert (answers == np.array(CLASSES)[predict(probabilities, CLASSES, points)]).all()


@settings(max_examples=60, deadline=None)
@given(sample=samples, threshold=st.floats(0.01, 0.5))
def test_one_threshold_only_ever_adds_cases_to_its_class(
    sample: tuple[np.ndarray, np.ndarray], threshold: float
) -> None:
    probabilities, _ = sample
    before, after = predict(probabilities, CLASSES), predict(probabilities, CLASSES, {"MM": threshold})
    assert (after[before == 3] == 3).all()
    assert (after[after != 3] == before[after != 3]).all()


def test_a_new_melanoma_is_found_with_at_least_the_asked_probability() -> None:
    """The conformal promise, averaged over validation sets of 12 melanomas (a plain quantile falls short of it)."""
    random = np.random.default_rng(7)
    found = []
    for _ in range(600):
        probabilities = np.zeros((212, 2))
        probabilities[:, 1] = np.concatenate([random.beta(1, 12, size=200), random.beta(2, 5, size=12)]) / 2
        probabilities[:, 0] = 1 - probabilities[:, 1]
        labels = np.repeat([0, 1], [200, 12])
        points = choose_operating_points(probabilities, labels, ("Nev", "MM"), {"MM": 0.8}, least_specificity=0.0)
        found.append((random.beta(2, 5, size=50) / 2 >= points["MM"]).mean())
    assert 0.8 <= np.mean(found) <= 0.88


def test_an_outlying_melanoma_does_not_drag_the_threshold_to_nothing() -> None:
    probabilities, labels = draw(300, seed=1, skill=3.0)
    outlier = np.flatnonzero(labels == 3)[0]
    probabilities[outlier] = [0.4999, 0.5, 0.0, 0.0001]
    points = choose_operating_points(probabilities, labels, CLASSES, {"MM": 1.0}, least_specificity=0.8)
    called = predict(probabilities, CLASSES, points) == 3
    assert called[labels != 3].mean() <= 0.2


def test_with_too_few_validation_cases_a_class_is_called_by_the_largest_probability_and_this_is_said() -> None:
    probabilities, labels = draw(60, seed=2)
    labels = np.where(labels == 3, 0, labels)
    labels[:2] = 3
    targets = {"MM": 0.9, "BCC": 0.8, "VWart": 0.8}
    points = choose_operating_points(probabilities, labels, CLASSES, targets)
    assert set(points) == {"BCC"}
    said = explain_operating_points(probabilities, labels, CLASSES, targets, points)
    assert said["MM"] == "MM: called by the largest probability; 2 validation cases are too few to choose a threshold."
    assert "does not know this class" in said["VWart"]
    assert said["BCC"].startswith(f"BCC: called from a probability of {points['BCC']:.3f} on; finds ")


def test_without_validation_cases_nothing_is_chosen() -> None:
    empty = np.empty((0, 4))
    assert choose_operating_points(empty, np.empty(0, dtype=int), CLASSES, {"MM": 0.9}) == {}
    assert predict(empty, CLASSES, {"MM": 0.3}).shape == (0,)
    assert "0 validation cases" in explain_operating_points(empty, np.empty(0), CLASSES, {"MM": 0.9}, {})["MM"]


def test_between_two_gated_classes_the_higher_ratio_wins() -> None:
    probabilities = np.array([[0.4, 0.0, 0.35, 0.25], [0.4, 0.0, 0.45, 0.15], [0.6, 0.3, 0.05, 0.05]])
    answers = predict(probabilities, CLASSES, {"BCC": 0.3, "MM": 0.1})
    assert [CLASSES[answer] for answer in answers] == ["MM", "BCC", "SebKer"]


@pytest.mark.parametrize(("points", "said"), [({"Haem": 0.2}, "not one of"), ({"MM": 0.0}, "not a positive")])
def test_operating_points_that_do_not_fit_the_model_are_refused(points: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        predict(np.full((1, 4), 0.25), CLASSES, points)
