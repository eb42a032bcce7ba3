from __future__ import annotations

from dermai.evaluation.metrics import Estimate, rate
from dermai.evaluation.words import interval_words, p_words, per_cent, rate_words


def test_a_rate_is_told_with_its_interval_and_its_counts() -> None:
    assert rate_words(rate(43, 50, 0.95)) == "86\u00a0% (73–94\u00a0%), 43 of 50"
    assert rate_words(rate(0, 0, 0.95)) == "no cases"


def test_what_is_unknown_is_a_dash() -> None:
    assert per_cent(None) == interval_words(Estimate(value=None, low=0, high=1)) == "–"


def test_a_tiny_p_value_is_not_zero() -> None:
    assert (p_words(0.00004), p_words(0.0432)) == ("<\u00a00.001", "0.043")
