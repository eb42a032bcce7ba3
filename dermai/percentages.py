"""Shares and differences of shares as text: the one place that rounds them."""

from __future__ import annotations

UNKNOWN = "–"
FURTHER_DIGITS = 2  # that a share close to 0 or to 1 may take, so that it reads neither 0 nor 100
ROUNDING = 1e-12  # a mean of ones may come out smaller than 1 by this


def percentage(share: float, digits: int = 0) -> str:
    """A share without its sign. Below 1 it never reads 100, above 0 it never reads 0: it takes further digits instead.

    >>> percentage(0.856), percentage(0.996), percentage(0.0004), percentage(0.999999), percentage(1.0)
    ('86', '99.6', '0.04', '> 99.99', '100')
    """
    for places in range(digits, digits + FURTHER_DIGITS + 1):
        text = f"{100 * share:.{places}f}"
        if not (share < 1 - ROUNDING and float(text) >= 100) and not (share > 0 and float(text) == 0):
            return text
    smallest = 10.0**-places
    return f"< {smallest:.{places}f}" if share < 0.5 else f"> {100 - smallest:.{places}f}"


def per_cent(share: float | None, digits: int = 0) -> str:
    """`86 %`, with a no-break space; a dash where it is unknown.

    >>> per_cent(0.856), per_cent(0.996), per_cent(None)
    ('86\\xa0%', '99.6\\xa0%', '–')
    """
    return UNKNOWN if share is None else f"{percentage(share, digits)}\u00a0%"


def points(difference: float) -> str:
    """A difference of two shares in signed percentage points.

    >>> points(-0.034), points(0.0)
    ('−3.4', '0.0')
    """
    number = f"{abs(100 * difference):.1f}"
    sign = "" if float(number) == 0 else "+" if difference > 0 else "−"
    return sign + number


def allowance(share: float) -> str:
    """A share that a rule allows, in percentage points, as exactly as the rule names it.

    >>> allowance(0.1), allowance(0.025), allowance(0.01)
    ('10 points', '2.5 points', '1 point')
    """
    number = f"{100 * share:.3g}"
    return f"{number} {'point' if number == '1' else 'points'}"
