"""E-processes may be looked at after every case: false alarms stay under alpha over all looks together."""

import numpy as np
import pytest
from scipy.stats import binom

from dermai.gate.eprocess import growth, log_e_values

LOOKS, RUNS, ALPHA = 1000, 600, 0.05


def ever_alarmed(rng, draw, least, null_mean):
    """Runs in which some look reaches 1 / alpha."""
    return sum(log_e_values(draw(rng), least, null_mean).max() >= np.log(1 / ALPHA) for _ in range(RUNS))


def paired(gain_rate, loss_rate):
    return lambda rng: rng.choice([1.0, 0.0, -1.0], size=LOOKS, p=[gain_rate, 1 - gain_rate - loss_rate, loss_rate])


@pytest.mark.parametrize(("gain_rate", "loss_rate", "margin"), [
    (0.0, 0.10, 0.10), (0.05, 0.15, 0.10), (0.20, 0.30, 0.10), (0.05, 0.10, 0.05), (0.05, 0.05, 0.0),
])  # fmt: skip
def test_a_challenger_worse_by_the_margin_is_shown_at_any_of_1000_looks_with_at_most_alpha(
    gain_rate, loss_rate, margin
):
    rng = np.random.default_rng(20211003)
    assert ever_alarmed(rng, paired(gain_rate, loss_rate), -1.0, -margin) <= binom.ppf(0.9999, RUNS, ALPHA)


@pytest.mark.parametrize("floor", [0.6, 0.7, 0.9])
def test_a_floor_is_shown_at_any_of_1000_looks_with_at_most_alpha(floor):
    rng = np.random.default_rng(20211003)
    hits = lambda rng: (rng.random(LOOKS) < floor).astype(float)  # noqa: E731
    assert ever_alarmed(rng, hits, 0.0, floor) <= binom.ppf(0.9999, RUNS, ALPHA)


@pytest.mark.slow
def test_a_rate_that_changes_with_what_came_before_does_not_break_it():
    """Under H0 only the conditional mean is bounded: here it swings with the wealth so far."""
    rng, alarms = np.random.default_rng(4), 0
    for _ in range(200):
        values = np.zeros(300)
        for look in range(300):
            rate = 0.02 if values[:look].sum() > -0.1 * look else 0.15
            values[look] = rng.choice([1.0, 0.0, -1.0], p=[rate, 0.9 - 2 * rate, rate + 0.1])
        alarms += log_e_values(values, -1.0, -0.10).max() >= np.log(1 / ALPHA)
    assert alarms <= binom.ppf(0.9999, 200, ALPHA)


def test_what_is_left_after_the_last_case_does_not_depend_on_their_order():
    rng = np.random.default_rng(5)
    values = rng.choice([1.0, 0.0, -1.0], size=80, p=[0.1, 0.8, 0.1])
    ends = [log_e_values(order, -1.0, -0.1)[-1] for order in (values, values[::-1], rng.permutation(values))]
    assert ends == pytest.approx([ends[0]] * 3)


@pytest.mark.slow
def test_an_equal_challenger_is_shown_after_about_as_many_cases_as_planned():
    """Margin 10 points, discordance 0.10: the median is near 74 cases, and the planning formula says so."""
    rng = np.random.default_rng(6)
    first = [int(np.argmax(log_e_values(paired(0.05, 0.05)(rng), -1.0, -0.10) >= np.log(20))) + 1 for _ in range(RUNS)]
    assert 60 <= np.median(first) <= 95
    assert np.log(20) / growth((1, 0, -1), (0.05, 0.9, 0.05), -1, -0.10)[0] == pytest.approx(np.median(first), rel=0.35)
