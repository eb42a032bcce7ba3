"""Not one module: each statistic, simulated many times. False alarms where nothing changed, power otherwise."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from monitoring.statistics.case_mix import changed_categories, table_p_value
from monitoring.statistics.columns import changed_columns, one_row_a_patient
from monitoring.statistics.confirmed_sensitivity import confirmed_sensitivity
from monitoring.statistics.estimated_sensitivity import estimate_sensitivity
from monitoring.statistics.label_shift import estimate_label_shift
from monitoring.statistics.looks import Looks, draws_needed, holm
from monitoring.statistics.mmd import embedding_change, unbiased_mmd, whitened
from monitoring.statistics.permutation import permutation_p_value, window_permutations

pytestmark = pytest.mark.slow  # simulated many times


def most_rejections(level: float, runs: int) -> int:
    """More rejections than this has a chance under 1 in 1000 when the level holds."""
    return int(binom.ppf(0.999, runs, level))


def clustered(generator: np.random.Generator, patients: int, each: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings in which one patient's photographs resemble each other."""
    centre = np.repeat(generator.normal(size=(patients, 10)), each, axis=0)
    return centre + 0.3 * generator.normal(size=centre.shape), np.repeat(np.arange(patients), each)


class TestEmbeddingChange:
    def test_false_alarms_stay_at_the_level_when_patients_have_several_photographs(self):
        generator = np.random.default_rng(1)
        runs, rejected, one_by_one = 120, 0, 0
        for _ in range(runs):
            window, patients = clustered(generator, 12)
            reference, reference_patients = clustered(generator, 40)
            rejected += embedding_change(window, reference, patients, reference_patients, 99, generator).p_value <= 0.05
            alone = embedding_change(window, reference, range(36), range(120), 99, generator)
            one_by_one += alone.p_value <= 0.05
        assert rejected <= most_rejections(0.05, runs)
        assert one_by_one > most_rejections(0.05, runs), "shuffling photographs one by one would be wrong here"

    def test_more_dimensions_than_photographs_do_not_alarm(self):
        generator = np.random.default_rng(2)
        p_values = [
            embedding_change(
                generator.normal(size=(40, 400)), generator.normal(size=(90, 400)), range(40), range(90), 99, generator
            ).p_value
            for _ in range(80)
        ]
        assert sum(p <= 0.05 for p in p_values) <= most_rejections(0.05, 80)

    def test_a_moved_window_is_found_and_its_newest_photographs_are_the_moved_ones(self):
        generator = np.random.default_rng(3)
        window = generator.normal(size=(60, 20))
        window[:20] += 3
        change = embedding_change(window, generator.normal(size=(200, 20)), range(60), range(200), 199, generator)
        assert change.p_value == 1 / 200
        assert set(np.argsort(-change.newness)[:15]) <= set(range(20))

    def test_one_gram_matrix_gives_the_same_distance_as_the_definition(self):
        generator = np.random.default_rng(4)
        points = generator.normal(size=(9, 3))
        kernel = (points @ points.T).astype(np.float32)
        inside = np.arange(9) < 4
        one, other, across = kernel[:4, :4], kernel[4:, 4:], kernel[:4, 4:]
        expected = (one.sum() - np.trace(one)) / 12 + (other.sum() - np.trace(other)) / 20 - 2 * across.mean()
        assert unbiased_mmd(kernel, inside[None])[0] == pytest.approx(expected, rel=1e-4)

    def test_identical_photographs_are_no_change(self):
        same = np.ones((10, 4))
        assert embedding_change(same, same, range(10), range(10), 99, np.random.default_rng(0)).p_value == 1.0

    def test_a_single_photograph_is_refused(self):
        with pytest.raises(ValueError, match="at least two"):
            embedding_change(np.ones((1, 4)), np.ones((5, 4)), range(1), range(5), 9, np.random.default_rng(0))

    def test_whitening_gives_every_component_the_same_variance(self):
        points = whitened(np.random.default_rng(0).normal(size=(50, 5)) * [100, 10, 1, 0.1, 0.01], 64)
        assert points.std(axis=0) == pytest.approx(np.ones(5))


class TestPermutation:
    def test_an_empty_side_is_refused(self):
        with pytest.raises(ValueError, match="photographs in the window"):
            window_permutations([1, 2], [True, True], 3, np.random.default_rng(0))

    def test_the_number_of_patients_in_the_window_stays(self):
        draws = window_permutations(
            np.repeat(range(10), 2), np.repeat([True] * 3 + [False] * 7, 2), 40, np.random.default_rng(0)
        )
        assert (draws.sum(axis=1) == 6).all()

    def test_equal_values_count_against_the_alarm(self):
        assert permutation_p_value(1.0, [1.0] * 99) == 1.0


class TestColumns:
    def test_bonferroni_keeps_the_chance_of_any_false_alarm(self):
        generator = np.random.default_rng(5)
        columns = [f"p_{position}" for position in range(6)]
        runs = 300
        rejected = 0
        for _ in range(runs):
            window = pd.DataFrame(generator.dirichlet([1] * 6, 60), columns=columns)
            reference = pd.DataFrame(generator.dirichlet([1] * 6, 200), columns=columns)
            rejected += changed_columns(window, reference, columns)[0].p_value <= 0.05
        assert rejected <= most_rejections(0.05, runs)

    def test_columns_without_values_on_one_side_are_left_out(self):
        window = pd.DataFrame({"age": [np.nan, np.nan], "sharpness": [1.0, 2.0]})
        reference = pd.DataFrame({"age": [40.0, 50.0], "sharpness": [1.0, 2.0]})
        assert [change.column for change in changed_columns(window, reference, ["age", "sharpness"])] == ["sharpness"]

    def test_a_patients_first_photograph_stands_for_the_patient(self):
        assert one_row_a_patient(["x", "x", "y"]).tolist() == [0, 2]


class TestCaseMix:
    @pytest.mark.parametrize("shares", [[0.5, 0.5], [0.94, 0.04, 0.02]], ids=["common", "rare"])
    def test_false_alarms_stay_at_the_level(self, shares):
        generator = np.random.default_rng(6)
        runs = 300
        p_values = [
            table_p_value(
                np.stack([generator.multinomial(50, shares), generator.multinomial(150, shares)]), 199, generator
            )
            for _ in range(runs)
        ]
        assert sum(p <= 0.05 for p in p_values) <= most_rejections(0.05, runs)

    def test_a_new_site_is_named(self):
        window = pd.DataFrame({"site": ["Porto"] * 30 + ["Braga"] * 20, "sex": [""] * 50})
        reference = pd.DataFrame({"site": ["Porto"] * 200, "sex": [""] * 200})
        (change,) = changed_categories(window, reference, ["site", "sex"], 999, np.random.default_rng(0))
        assert change.column == "site"
        assert change.new == ("Braga",)
        assert change.p_value == 0.001

    def test_one_category_everywhere_is_nothing_to_test(self):
        table = pd.DataFrame({"site": ["Porto"] * 5})
        assert changed_categories(table, table, ["site"], 99, np.random.default_rng(0)) == []


def scored(
    generator: np.random.Generator, shares: list[float], cases: int, sharpness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated scores of three classes under equal shares, and the diagnoses."""
    labels = generator.choice(3, cases, p=shares)
    logits = generator.normal(size=(cases, 3)) + sharpness * np.eye(3)[labels]
    weights = np.exp(sharpness * logits)
    return weights / weights.sum(axis=1, keepdims=True), labels


class TestLabelShift:
    classes = ("MM", "BCC", "other")

    @pytest.mark.parametrize("shares", [[1 / 3] * 3, [0.2, 0.5, 0.3]], ids=["unchanged", "shifted"])
    def test_the_intervals_cover_the_true_shares(self, shares):
        generator = np.random.default_rng(7)
        covered = []
        for _ in range(80):
            reference, labels = scored(generator, [1 / 3] * 3, 300, 1.5)
            window, _ = scored(generator, shares, 100, 1.5)
            shift = estimate_label_shift(window, reference, labels, self.classes, 0.95, 120, generator)
            covered.extend(low <= true <= high for low, true, high in zip(shift.low, shares, shift.high, strict=True))
        assert np.mean(covered) >= 0.90

    def test_a_model_that_cannot_tell_the_classes_apart_is_refused(self):
        generator = np.random.default_rng(8)
        reference, labels = scored(generator, [1 / 3] * 3, 300, 0.05)
        shift = estimate_label_shift(reference[:80], reference, labels, self.classes, 0.95, 20, generator)
        assert "does not tell the classes apart" in shift.refused
        assert shift.moved() == ()

    def test_a_class_that_the_reference_hardly_holds_is_refused(self):
        generator = np.random.default_rng(9)
        reference, labels = scored(generator, [0.01, 0.495, 0.495], 200, 2.0)
        shift = estimate_label_shift(reference[:80], reference, labels, self.classes, 0.95, 20, generator)
        assert "of MM; 10 are needed" in shift.refused


class TestEstimatedSensitivity:
    def test_the_band_covers_the_sensitivity_that_the_window_turns_out_to_have(self):
        generator = np.random.default_rng(10)
        covered = []
        for _ in range(100):
            reference, labels = scored(generator, [0.2, 0.4, 0.4], 250, 1.3)
            window, truth = scored(generator, [0.2, 0.4, 0.4], 60, 1.3)
            found = estimate_sensitivity(
                "MM", window[:, 0], window.argmax(axis=1) == 0, reference[:, 0], labels == 0, 0.95, 60, generator
            )
            positive = truth == 0
            covered.append(found.low <= (window.argmax(axis=1) == 0)[positive].mean() <= found.high)
        assert np.mean(covered) >= 0.90

    def test_few_confirmed_cases_in_the_reference_are_said(self):
        found = estimate_sensitivity(
            "MM", [0.5], [True], [0.1] * 50, [True] * 3 + [False] * 47, 0.95, 9, np.random.default_rng(0)
        )
        assert found.estimate is None
        assert "3 confirmed MM" in found.unknown

    def test_an_empty_window_is_said(self):
        found = estimate_sensitivity("MM", [], [], [0.5] * 40, [True, False] * 20, 0.95, 9, np.random.default_rng(0))
        assert "no photographs" in found.unknown

    def test_a_window_of_other_classes_is_said(self):
        scores = np.r_[np.full(20, 0.9), np.full(200, 0.001)]
        found = estimate_sensitivity(
            "MM", [0.0001] * 50, [False] * 50, scores, scores > 0.5, 0.95, 9, np.random.default_rng(0)
        )
        assert "too few" in found.unknown

    def test_a_doubt_takes_the_estimate_away(self):
        found = estimate_sensitivity(
            "MM", [0.5] * 9, [True] * 9, [0.5] * 40, [True, False] * 20, 0.95, 9, np.random.default_rng(0), "new camera"
        )
        assert found.unknown == "new camera"
        assert found.estimate is None


class TestConfirmedSensitivity:
    def test_the_interval_covers_and_the_test_keeps_its_level(self):
        generator = np.random.default_rng(11)
        runs, covered, rejected = 400, 0, 0
        for _ in range(runs):
            found = confirmed_sensitivity("MM", generator.binomial(12, 0.8), 12, generator.binomial(30, 0.8), 30, 0.95)
            covered += found.low <= 0.8 <= found.high
            rejected += found.p_value <= 0.05
        assert covered >= 0.95 * runs
        assert rejected <= most_rejections(0.05, runs)

    def test_more_hits_than_cases_is_refused(self):
        with pytest.raises(ValueError, match="3 hits of 2 cases"):
            confirmed_sensitivity("MM", 3, 2, 1, 1, 0.95)


class TestLooks:
    def test_a_year_of_stable_windows_rarely_calls_to_act_even_with_one_shared_reference(self):
        generator = np.random.default_rng(12)
        looks = Looks(watch=0.05, act=0.05, windows=12)
        years, alarmed = 150, 0
        for _ in range(years):
            reference = pd.DataFrame({"p_MM": generator.normal(size=120), "p_BCC": generator.normal(size=120)})
            alarmed += any(
                changed_columns(
                    pd.DataFrame({"p_MM": generator.normal(size=50), "p_BCC": generator.normal(size=50)}),
                    reference,
                    ["p_MM", "p_BCC"],
                )[0].p_value
                <= looks.act_each_look
                for _ in range(looks.windows)
            )
        assert alarmed <= most_rejections(0.05, years)

    def test_holm_never_lowers_a_p_value(self):
        p_values = {"a": 0.02, "b": 0.5, "c": 0.011}
        assert all(holm(p_values)[name] >= p_values[name] for name in p_values)

    def test_the_permutations_reach_the_act_level(self):
        looks = Looks(0.05, 0.05, 52)
        assert 4 / (draws_needed(looks, 4) + 1) <= looks.act_each_look
