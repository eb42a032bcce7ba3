"""Shares as text: what is not all never reads 100 %, and what is not nothing never reads 0 %."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermai.evaluation.metrics import Estimate, rate
from dermai.evaluation.tables import percent
from dermai.evaluation.words import interval_words, p_words, rate_words
from dermai.percentages import per_cent, percentage

ROOT = Path(__file__).parent.parent
# A share formatted by hand: `{share:.0%}`, `{100 * share:.1f} %` or `"%g" % (100 * share)` beside a percent sign.
BY_HAND = re.compile(
    r":\.\d%\}|\{100 \* [^}]*\}[\s\u00a0]*%|\* 100:[^}]*\}[\s\u00a0]*%|\(100 \* [^)]*\) *\}\}[\s\u00a0]*%"
)


@given(st.floats(min_value=1e-9, max_value=1 - 1e-9), st.integers(0, 3))
def test_a_share_between_reads_neither_0_nor_100(share: float, digits: int) -> None:
    shown = percentage(share, digits)
    number = float(shown.strip("<> "))
    assert 0 < number < 100
    assert abs(number - 100 * share) <= 0.5 * 10**-digits + 1e-6


@given(st.integers(1, 5000), st.data())
def test_a_rate_with_a_miss_never_reads_100_nor_one_with_a_hit_0(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    words = rate_words(rate(count, total, 0.95))
    assert words.startswith("100\u00a0%") == (count == total)
    assert words.startswith("0\u00a0%") == (count == 0)


def test_all_and_nothing_read_as_they_are() -> None:
    assert (per_cent(1.0), per_cent(0.0), per_cent(1.0, 1)) == ("100\u00a0%", "0\u00a0%", "100.0\u00a0%")
    assert per_cent(sum([0.1] * 10)) == "100\u00a0%"  # a rounding error short of 1


def test_bounds_p_values_and_tables_follow_the_same_rule() -> None:
    near = Estimate(value=0.99999, low=0.9961, high=1.0)
    assert interval_words(near) == "99.6–100\u00a0%"
    assert percent(near) == "99.999 (99.61–100.00)"
    assert (p_words(0.9999), p_words(1.0)) == (">\u00a00.999", "1.000")


@pytest.mark.parametrize("room", ["dermai", "monitoring", "steps"])
def test_no_share_is_formatted_elsewhere(room: str) -> None:
    files = [file for kind in ("*.py", "*.html") for file in (ROOT / room).rglob(kind)]
    found = [f"{file.name}: {hit[0]}" for file in files for hit in BY_HAND.finditer(file.read_text(encoding="utf-8"))]
    assert found == []
