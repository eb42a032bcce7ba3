"""Numbers and outcomes in words, the same on every page."""

from __future__ import annotations

from datetime import datetime

from dermai.evaluation.metrics import Estimate, Rate
from dermai.language.messages import message
from dermai.percentages import UNKNOWN, per_cent, percentage

NO_CASES = message("no cases")


def interval_words(number: Rate | Estimate) -> str:
    """`73–94 %`; a dash where there is no value.

    >>> interval_words(Estimate(value=0.86, low=0.73, high=0.94))
    '73–94\\xa0%'
    """
    if number.value is None:
        return UNKNOWN
    return f"{percentage(number.low)}–{percentage(number.high)}\u00a0%"


def rate_words(rate: Rate) -> str:
    """`86 % (73–94 %), 43 of 50`."""
    if rate.value is None:
        return NO_CASES
    return message(
        "%(share)s (%(interval)s), %(count)s of %(total)s",
        share=per_cent(rate.value),
        interval=interval_words(rate),
        count=rate.count,
        total=rate.total,
    )


def p_words(p_value: float) -> str:
    """Three decimals, or `< 0.001`, or `> 0.999` where it is not 1."""
    if 0.9995 <= p_value < 1:
        return ">\u00a00.999"
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def duration_words(seconds: float) -> str:
    """Seconds, minutes or hours, as one says them.

    >>> duration_words(42.4), duration_words(150), duration_words(8000)
    ('42 s', '2.5 min', '2.2 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def test_set_words(moment: datetime, data_version: str) -> str:
    """Which test set a number is of: test patients are added, so that two numbers of one version may differ.

    >>> from datetime import UTC
    >>> test_set_words(datetime(2026, 11, 3, tzinfo=UTC), "1a2b3c4d5e6f7a8b")
    'test set of 3 November 2026 (data 1a2b3c4d5e6f)'
    """
    return f"test set of {moment.day} {moment:%B %Y} (data {data_version[:12]})"


def count_words(number: int, singular: str, plural: str = "") -> str:
    """`1 photograph`, `1,250 photographs`.

    >>> count_words(1, "photograph"), count_words(1250, "photograph"), count_words(0, "biopsy", "biopsies")
    ('1 photograph', '1,250 photographs', '0 biopsies')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
