from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from dermai.gate.exact import lower_bound
from dermai.models.calibration import apply_temperature
from dermai.models.operating_points import (
    ARGMAX_THRESHOLD,
    choose_operating_points,
    explain_operating_points,
    predict,
    steady_operating_points,
)
from dermai.models.package import ModelPackage
from dermai.models.validation_lesions import operating_point_notes
from dermai.percentages import per_cent
from dermai.taxonomy import RiskLevel, load_taxonomy

CLASSES = ("SebKer", "Nev", "BCC", "MM")
STORED_LINEAR = Path(__file__).parents[1] / "serving/stored/format_7/artifacts/p7"


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
        others = int((~own).sum())
        if others and threshold < ARGMAX_THRESHOLD:  # from there on a threshold changes nothing
            assert lower_bound(others - int(reached[~own].sum()), others, 0.05) >= 0.7
        lower = reached | (probabilities[:, CLASSES.index(code)] >= np.nextafter(threshold, 0))
        stopped = lower_bound(others - int(lower[~own].sum()), others, 0.05) < 0.7 if others else False
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
def test_one_threshold_by_the_first_rule_only_ever_adds_cases_to_its_class(
    sample: tuple[np.ndarray, np.ndarray], threshold: float
) -> None:
    probabilities, _ = sample
    before, after = predict(probabilities, CLASSES), predict(probabilities, CLASSES, {"MM": threshold}, rule=1)
    assert (after[before == 3] == 3).all()
    assert (after[after != 3] == before[after != 3]).all()


ALL = ("SebKer", "ActKer", "Nev", "OtMalNeop", "BCC", "MM")
SERIOUS = ("OtMalNeop", "BCC", "MM")
probability_rows = st.lists(
    st.lists(st.floats(0.001, 1), min_size=6, max_size=6).map(lambda row: np.array(row) / sum(row)),
    min_size=1,
    max_size=6,
).map(np.array)
thresholds = st.fixed_dictionaries({}, optional={code: st.floats(0.01, 0.5) for code in ("MM", "BCC")})


@settings(max_examples=200, deadline=None)
@given(probabilities=probability_rows, points=thresholds)
def test_no_class_without_a_threshold_loses_to_a_less_probable_one_that_is_no_more_serious(
    probabilities: np.ndarray, points: dict[str, float]
) -> None:
    risk = load_taxonomy().risk
    order = list(RiskLevel)  # the most serious first
    for row, place in zip(probabilities, predict(probabilities, ALL, points), strict=True):
        called = ALL[place]
        for other, probability in zip(ALL, row, strict=True):
            if other not in points and order.index(risk(other)) <= order.index(risk(called)):
                assert probability <= row[place]


@settings(max_examples=200, deadline=None)
@given(probabilities=probability_rows, points=thresholds)
def test_the_second_rule_calls_no_case_less_serious_and_no_more_cases_serious_than_the_first(
    probabilities: np.ndarray, points: dict[str, float]
) -> None:
    first, second = (predict(probabilities, ALL, points, rule) for rule in (1, 2))
    serious = [ALL.index(code) for code in SERIOUS]
    assert (np.isin(first, serious) == np.isin(second, serious)).all()
    assert (first == second)[~np.isin(first, serious)].all()


@settings(max_examples=200, deadline=None)
@given(probabilities=probability_rows, points=thresholds)
def test_a_case_without_any_serious_probability_at_its_threshold_is_called_by_the_largest(
    probabilities: np.ndarray, points: dict[str, float]
) -> None:
    reached = np.zeros(len(probabilities), dtype=bool)
    for code, threshold in points.items():
        reached |= probabilities[:, ALL.index(code)] >= threshold
    assert (predict(probabilities, ALL, points) == probabilities.argmax(axis=1))[~reached].all()


@pytest.mark.parametrize(
    ("probabilities", "called"),
    [
        ([0.3, 0.0, 0.0, 0.0, 0.2, 0.5], "MM"),  # the most probable melanoma, BCC at its threshold
        ([0.4, 0.0, 0.0, 0.0, 0.2, 0.4 - 1e-6], "MM"),  # a melanoma that is not the most probable, yet before BCC
        ([0.0, 0.0, 0.0, 0.55, 0.45, 0.0], "OtMalNeop"),
        ([0.5, 0.3, 0.0, 0.0, 0.2, 0.0], "BCC"),  # keratoses are less serious: the threshold decides
        ([0.5, 0.0, 0.0, 0.0, 0.2, 0.1], "BCC"),
    ],
)
def test_where_only_bcc_has_a_threshold(probabilities: list[float], called: str) -> None:
    row = np.array([probabilities])
    assert ALL[predict(row, ALL, {"BCC": 0.142})[0]] == called
    assert ALL[predict(row, ALL, {"BCC": 0.142}, rule=1)[0]] == "BCC"


def test_the_least_specificity_holds_for_cases_to_come_however_few_chose_the_threshold() -> None:
    """In at least 95 of 100 validation sets, with ten carcinomas that the model does not recognise at all."""
    random = np.random.default_rng(11)
    for others in (12, 40, 150):
        kept = []
        for _ in range(400):
            column = random.beta(1, 6, size=others + 10) / 2
            labels = np.repeat([0, 1], [others, 10])
            points = choose_operating_points(np.stack([1 - column, column], 1), labels, ("Nev", "BCC"), {"BCC": 1.0})
            kept.append(beta(1, 6).cdf(2 * points["BCC"]) >= 0.7)
        assert np.mean(kept) >= 0.94


def test_too_few_cases_of_other_classes_give_no_threshold_and_this_is_said() -> None:
    probabilities = np.tile([0.0, 0.6, 0.0, 0.4], (14, 1))
    labels = np.repeat([3, 1], [6, 8])
    points = choose_operating_points(probabilities, labels, CLASSES, {"MM": 0.9})
    assert points == {}
    said = explain_operating_points(probabilities, labels, CLASSES, {"MM": 0.9}, points)["MM"]
    assert said.endswith("8 validation cases of other classes are too few to choose a threshold.")
    enough = np.repeat([3, 1], [6, 20]), np.tile([0.0, 0.6, 0.0, 0.4], (26, 1))
    assert "no threshold was chosen" in explain_operating_points(*enough[::-1], CLASSES, {"MM": 0.9}, {})["MM"]


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
    assert said["MM"] == (
        "MM: called by the largest probability, or where it is more probable than a class no more serious that its "
        "threshold calls; 2 validation cases are too few to choose a threshold."
    )
    first = explain_operating_points(probabilities, labels, CLASSES, targets, points, rule=1)
    assert first["MM"] == "MM: called by the largest probability; 2 validation cases are too few to choose a threshold."
    assert "does not know this class" in said["VWart"]
    assert said["BCC"].startswith(f"BCC: called from {per_cent(points['BCC'], 1)} on; finds ")


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


def test_of_linear_heads_the_cases_are_those_answered_out_of_fold() -> None:
    package = ModelPackage.load(STORED_LINEAR)
    said = operating_point_notes(package, {"MM": 0.9, "BCC": 0.9, "OtMalNeop": 0.9})
    lesions = (package.validation["diagnosis"] == "MM").sum()
    assert f"of {lesions} out-of-fold cases (asked {per_cent(0.9)}" in said["MM"]
    assert not any("validation" in sentence for sentence in said.values())


def resampled_patients(seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """20 melanomas among 120 lesions of as many patients, told apart fairly well."""
    generator = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [20, 100])
    scores = 1 / (1 + np.exp(-generator.normal(np.where(labels == 1, 0.0, -6.0), 2.0)))
    return np.stack([1 - scores, scores], axis=1), labels, [f"p{number}" for number in range(120)]


def test_a_choice_over_resampled_patients_varies_less_from_one_set_of_patients_to_another() -> None:
    single, steady = [], []
    for seed in range(20):
        probabilities, labels, patients = resampled_patients(seed)
        given = ("Nev", "MM"), {"MM": 0.9}
        single.append(np.log(choose_operating_points(probabilities, labels, *given)["MM"]))
        steady.append(np.log(steady_operating_points(probabilities, labels, patients, *given)["MM"]))
    assert np.std(steady) < 0.9 * np.std(single)
    assert np.mean(steady) == pytest.approx(np.mean(single), abs=0.5)


def test_it_is_the_same_each_time_and_chooses_for_the_same_classes() -> None:
    probabilities, labels, patients = resampled_patients(3)
    targets = {"MM": 0.9, "BCC": 0.85}
    found = steady_operating_points(probabilities, labels, patients, ("Nev", "MM"), targets)
    assert set(found) == {"MM"}
    again = steady_operating_points(probabilities, labels, patients, ("Nev", "MM"), targets)
    assert found == again
    few = np.flatnonzero((labels == 0) | (np.arange(120) < 4))
    given = probabilities[few], labels[few], [patients[place] for place in few]
    assert steady_operating_points(*given, ("Nev", "MM"), targets) == {}


def test_it_keeps_the_least_specificity_on_the_cases_that_are_given() -> None:
    probabilities, labels, patients = resampled_patients(4)
    point = steady_operating_points(1 - probabilities, labels, patients, ("Nev", "MM"), {"MM": 1.0})["MM"]
    spared = ((1 - probabilities)[labels == 0, 1] < point).mean()
    assert spared >= 0.7 or point == 0.5
