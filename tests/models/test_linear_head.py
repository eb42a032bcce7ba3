"""Linear heads: each class has the same say, the start does not matter, units do not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermai.models.linear_head import NEVER_SEEN, LinearHead, fit_linear_head

Data = tuple[np.ndarray, np.ndarray]


def photographs(counts: tuple[int, ...], seed: int = 0, width: int = 12) -> Data:
    """Features that lie around a place of their own for each class, and the classes."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    places = np.random.default_rng(1).normal(0, 1.0, (len(counts), width))
    return (places[labels] + rng.normal(0, 1.0, (len(labels), width))).astype(np.float32), labels


def test_a_rare_class_is_found_as_often_as_a_common_one() -> None:
    features, labels = photographs((600, 600, 12))
    head = fit_linear_head(features, labels, 3, (12,), 1.0)
    more, truth = photographs((400, 400, 400), seed=5)
    found = head.scores(more).argmax(axis=1) == truth
    recalls = [found[truth == place].mean() for place in range(3)]
    assert min(recalls) > 0.75
    assert recalls[2] > min(recalls[:2]) - 0.15


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_where_a_fit_starts_changes_no_answer(seed: int) -> None:
    features, labels = photographs((60, 40, 20), seed)
    rng = np.random.default_rng(seed)
    elsewhere = LinearHead(rng.normal(0, 1, (3, 12)).astype(np.float32), rng.normal(0, 1, 3).astype(np.float32))
    anew = fit_linear_head(features, labels, 3, (5, 7), 1.0)
    warm = fit_linear_head(features, labels, 3, (5, 7), 1.0, elsewhere)
    assert np.abs(np.exp(anew.scores(features)) - np.exp(warm.scores(features))).max() < 0.01


def test_the_units_of_a_block_of_features_do_not_matter() -> None:
    features, labels = photographs((60, 40, 20))
    other = features.copy()
    other[:, 5:] = other[:, 5:] * 1000 + 7
    here, there = (fit_linear_head(table, labels, 3, (5, 7), 1.0).scores(table) for table in (features, other))
    assert here == pytest.approx(there, abs=0.02)


def test_a_class_without_photographs_is_never_called() -> None:
    features, labels = photographs((30, 30))
    head = fit_linear_head(features, labels * 2, 3, (12,), 1.0)
    assert head.bias[1] == NEVER_SEEN
    assert not head.weight[1].any()
    assert set(head.scores(features).argmax(axis=1)) == {0, 2}


def test_features_that_never_vary_weigh_nothing() -> None:
    features, labels = photographs((30, 30, 30))
    head = fit_linear_head(np.pad(features, ((0, 0), (0, 4)), constant_values=3.0), labels, 3, (12, 4), 1.0)
    assert np.abs(head.weight[:, 12:]).max() < 1e-6
    assert np.isfinite(head.scores(np.pad(features, ((0, 0), (0, 4))))).all()


def test_photographs_of_one_class_make_no_head() -> None:
    features, labels = photographs((30,))
    with pytest.raises(ValueError, match="two classes"):
        fit_linear_head(features, labels, 2, (12,), 1.0)
    with pytest.raises(ValueError, match="blocks of 11"):
        fit_linear_head(features, labels, 2, (11,), 1.0)
