"""The bound on what stays unseen, and a sensitivity that verification bias does not flatter."""

import numpy as np
import pytest

from dermai.evaluation.second_readings import missed_at_most, weighted_sensitivity
from dermai.gate.exact import interval

TRUE, SENT_HOME = 0.88, 0.09  # of 100 melanomas 88 are called, 9 are sorted as normal, 3 are read and not called


def test_the_bound_on_unseen_cancers_is_exact():
    assert missed_at_most(0, 300, 0.95) == pytest.approx(1 - 0.05 ** (1 / 300))
    assert missed_at_most(0, 0, 0.95) == 1.0
    with pytest.raises(ValueError, match="3 cancers of 2 cases"):
        missed_at_most(3, 2, 0.95)


def test_the_bound_on_unseen_cancers_covers_whatever_share_is_hidden():
    generator = np.random.default_rng(20261128)
    for share in (0.002, 0.01, 0.05):
        counts = generator.binomial(300, share, 2000)
        covered = np.mean([missed_at_most(int(count), 300, 0.95) >= share for count in counts])
        assert covered >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 2000)


def simulated(melanomas: int, share: float, came_back: float, runs: int) -> dict[str, tuple[float, float]]:
    """Coverage and mean width of both intervals, where a share of those sent home comes back by itself."""
    generator = np.random.default_rng(7)
    kinds = generator.multinomial(melanomas, [TRUE, 1 - TRUE - SENT_HOME, SENT_HOME], runs)
    drawn = generator.binomial(kinds[:, 2], share)
    by_itself = generator.binomial(kinds[:, 2] - drawn, came_back)
    found: dict[str, list[tuple[float, float]]] = {"weighted": [], "naive": []}
    for (hits, read, _), again, itself in zip(kinds, drawn, by_itself, strict=True):
        weighted = weighted_sensitivity(int(hits), int(read), [share] * int(again), (share, share), 0.95)
        found["weighted"].append((weighted.low, weighted.high))
        found["naive"].append(interval(int(hits), int(hits + read + again + itself), 0.95))
    return {
        name: (
            float(np.mean([low <= TRUE <= high for low, high in each])),
            float(np.mean([high - low for low, high in each])),
        )
        for name, each in found.items()
    }


@pytest.mark.parametrize(("melanomas", "share"), [(33, 1.0), (200, 0.1), (1260, 0.02)])
def test_the_weighted_interval_covers_and_the_naive_one_does_not_where_missed_cancers_are_sent_home(melanomas, share):
    found = simulated(melanomas, share, came_back=0.1, runs=1000)
    assert found["weighted"][0] >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 1000)
    if share < 1:
        assert found["naive"][0] < 0.75, "the naive one is narrow and wrong"
        assert found["naive"][1] < found["weighted"][1]


def test_the_interval_gets_narrower_with_more_second_readings_and_with_more_melanomas():
    widths = [simulated(200, share, 0.0, 200)["weighted"][1] for share in (0.02, 0.1, 0.5, 1.0)]
    assert widths == sorted(widths, reverse=True)
    assert simulated(2000, 0.1, 0.0, 200)["weighted"][1] < widths[1]


def test_several_probabilities_make_the_interval_wider_and_never_narrower():
    one = weighted_sensitivity(100, 5, [0.1] * 3, (0.1, 0.1), 0.95)
    several = weighted_sensitivity(100, 5, [0.1] * 3, (0.02, 0.1), 0.95)
    assert several.low < one.low
    assert several.high == one.high


def test_without_a_case_sorted_as_normal_it_is_the_exact_interval():
    found = weighted_sensitivity(45, 5, [], None, 0.95)
    assert (found.low, found.high) == pytest.approx(interval(45, 50, 0.95))


def test_without_a_cancer_nothing_is_known():
    found = weighted_sensitivity(0, 0, [], (0.02, 0.02), 0.95)
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no case was sorted as normal"):
        weighted_sensitivity(1, 0, [1.0], None, 0.95)
    with pytest.raises(ValueError, match="above 0"):
        weighted_sensitivity(1, 0, [], (0.0, 0.5), 0.95)
