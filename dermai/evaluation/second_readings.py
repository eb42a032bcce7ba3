"""What second readings show: cancers that stay unseen among the cases sorted as normal, and the sensitivity with them.

A service confirms what it biopsies, so a cancer that was sorted as normal and sent home is in no numerator and in no
denominator: the naive sensitivity flatters the model (verification bias). A share p of the normal cases, drawn at
random, is read and followed as well; each of their cancers stands for 1/p.

Sources: Begg & Greenes, Biometrics 39 (1983) 207-215, for the bias; Horvitz & Thompson, JASA 47 (1952) 663-685, for the
weights. The interval conditions on what was seen, as the comparison of two Poisson counts does (Przyborowski &
Wilenski, Biometrika 31 (1940) 313-323): of found and drawn missed cancers together, each is a drawn missed one with
probability q = pg / (h + pg), where h and g are the shares of all cancers that are found and that are sorted as normal.
An exact (Clopper-Pearson) bound of q is one of g/h. The cancers that were read and missed have theirs, and each gets
half of the level (Bonferroni), so that the interval errs on the wide side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dermai.gate.exact import lower_bound, upper_bound


@dataclass(frozen=True)
class WeightedSensitivity:
    """Sensitivity with the drawn cancers weighted: the estimate and its interval; None without a cancer.

    `found`, `missed` and `drawn` are the cancers behind it: found, missed though read, and of the second readings.
    """

    found: int
    missed: int
    drawn: int
    value: float | None
    low: float
    high: float


def missed_at_most(cancers: int, read_again: int, confidence: float) -> float:
    """The largest share of cancers among the cases sorted as normal that second readings leave possible.

    One-sided and exact. `read_again` cases were drawn, one a patient, and have a diagnosis; `cancers` of them are one.

    >>> round(100 * missed_at_most(0, 300, 0.95), 1)
    1.0

    Raises:
        ValueError: more cancers than cases.
    """
    if not 0 <= cancers <= read_again:
        raise ValueError(f"{cancers} cancers of {read_again} cases cannot be")
    return upper_bound(cancers, read_again, 1 - confidence) if read_again else 1.0


def weighted_sensitivity(
    found: int,
    missed: int,
    drawn: Sequence[float],
    probabilities: tuple[float, float] | None,
    confidence: float,
) -> WeightedSensitivity:
    """Sensitivity free of verification bias, of cancers of one class.

    Args:
        found: cancers that the model called, among the cases that are read anyway.
        missed: cancers that it did not call, among those.
        drawn: of each cancer among the second readings the probability with which it was drawn and its diagnosis came
            back; all are missed, as the model sorted them as normal.
        probabilities: the smallest and the largest of all normal cases; None where no case was sorted as normal. The
            bounds take the one that makes the interval wider.
        confidence: of the two-sided interval.

    >>> found = weighted_sensitivity(88, 6, [0.02], (0.02, 0.02), 0.95)  # the naive one is 88 of 95
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.61, 0.2, 0.97)

    Raises:
        ValueError: a cancer was drawn though nothing is drawn, or a probability is not above 0 and at most 1.
    """
    if probabilities is None and drawn:
        raise ValueError(f"{len(drawn)} cancers were drawn, but no case was sorted as normal")
    least, most = probabilities or (1.0, 1.0)
    if not 0 < least <= most <= 1 or any(not least <= each <= most for each in drawn):
        raise ValueError(f"probabilities from {least} to {most}: they have to lie above 0 and at most at 1")
    if not found + missed + len(drawn):
        return WeightedSensitivity(found, missed, 0, None, 0.0, 1.0)
    parts = [(missed + len(drawn), 1.0, 1.0)]
    if probabilities and least < 1:  # else everything is read, and one bound is enough
        parts = [(missed, 1.0, 1.0), (len(drawn), least, most)]
    tail = (1 - confidence) / 2 / len(parts)
    low = high = 1.0  # of all cancers, as a multiple of those found
    for count, smallest, largest in parts:
        together = found + count
        low += _odds(upper_bound(count, together, tail) if together else 1.0) / smallest
        high += _odds(lower_bound(count, together, tail)) / largest
    total = found + missed + sum(1 / each for each in drawn)
    return WeightedSensitivity(found, missed, len(drawn), found / total, 1 / low, 1 / high)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else float("inf")
