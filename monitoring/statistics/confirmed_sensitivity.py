"""What the sensitivity was, once diagnoses have come back: exact intervals, and an exact test for a fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, binomtest, fisher_exact


@dataclass(frozen=True)
class ConfirmedSensitivity:
    """Hits among the confirmed cases of a class, with a Clopper-Pearson interval, beside the reference."""

    lesion_class: str
    hits: int
    cases: int
    reference_hits: int
    reference_cases: int
    low: float | None
    high: float | None
    p_value: float  # one-sided: fewer hits than the floor allows, or than in the reference
    floor: float | None = None  # the sensitivity that the gate demands

    @property
    def sensitivity(self) -> float | None:
        """Share of the confirmed cases that the model called; None before the first."""
        return self.hits / self.cases if self.cases else None

    @property
    def reference_sensitivity(self) -> float | None:
        """The same share on the photographs that the champion's answers were held out for."""
        return self.reference_hits / self.reference_cases if self.reference_cases else None


def confirmed_sensitivity(
    lesion_class: str,
    hits: int,
    cases: int,
    reference_hits: int,
    reference_cases: int,
    confidence: float,
    floor: float | None = None,
) -> ConfirmedSensitivity:
    """Exact interval (Clopper & Pearson 1934) and an exact one-sided test.

    With a floor the test is binomial: so few hits would be unlikely if the sensitivity were still the floor that the
    gate approved. Without one it is Fisher's against the reference. The floor is the better question where the
    champion's operating points were chosen on the reference, whose sensitivity is then flattering.
    Only confirmed cases count, and a service confirms what it biopsies: a class that is missed and sent home never
    appears here.

    >>> found = confirmed_sensitivity("MM", 9, 10, 27, 30, 0.95)
    >>> round(found.low, 3), round(found.high, 3), round(found.p_value, 3)
    (0.555, 0.997, 0.7)
    >>> round(confirmed_sensitivity("MM", 4, 10, 27, 30, 0.95, floor=0.7).p_value, 3)
    0.047
    >>> confirmed_sensitivity("MM", 0, 0, 27, 30, 0.95).low is None
    True

    Raises:
        ValueError: more hits than cases.
    """
    if not 0 <= hits <= cases or not 0 <= reference_hits <= reference_cases:
        raise ValueError(
            f"{hits} hits of {cases} cases cannot be ({reference_hits} of {reference_cases} in the reference)"
        )
    if not cases:
        return ConfirmedSensitivity(lesion_class, 0, 0, reference_hits, reference_cases, None, None, 1.0, floor)
    interval = binomtest(hits, cases).proportion_ci(confidence, method="exact")
    p_value = 1.0
    if floor is not None:
        p_value = float(binom.cdf(hits, cases, floor))
    elif reference_cases:
        table = np.array([[hits, cases - hits], [reference_hits, reference_cases - reference_hits]])
        p_value = float(fisher_exact(table, alternative="less").pvalue)
    return ConfirmedSensitivity(
        lesion_class,
        hits,
        cases,
        reference_hits,
        reference_cases,
        float(interval.low),
        float(interval.high),
        p_value,
        floor,
    )
