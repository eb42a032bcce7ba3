"""Which columns moved: Kolmogorov-Smirnov on each, Bonferroni over them (BBSD on class scores, acquisition, age)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import ks_2samp


@dataclass(frozen=True)
class ColumnChange:
    """One column of the window against the reference."""

    column: str
    statistic: float
    p_value: float  # already multiplied by the number of columns looked at
    reference: float  # median
    window: float  # median

    @property
    def direction(self) -> str:
        """Which way the median went."""
        return "higher" if self.window > self.reference else "lower" if self.window < self.reference else "changed"


def one_row_a_patient(patients: ArrayLike) -> NDArray[np.intp]:
    """Positions of each patient's first photograph: rows that may be taken as independent.

    >>> one_row_a_patient(["b", "a", "b", "c"]).tolist()
    [0, 1, 3]
    """
    return np.sort(np.unique(np.asarray(patients, dtype=str), return_index=True)[1])


def changed_columns(window: pd.DataFrame, reference: pd.DataFrame, columns: Sequence[str]) -> list[ColumnChange]:
    """Two-sample KS per column on independent rows, most significant first; p-values are Bonferroni's.

    On a classifier's scores this is BBSD, the best of the detectors in Rabanser et al., "Failing Loudly" (NeurIPS
    2019). Ties make the test conservative. A column unknown on either side is left out.

    >>> rng = np.random.default_rng(1)
    >>> reference = pd.DataFrame({"p_MM": rng.beta(1, 9, 300), "p_BCC": rng.beta(2, 5, 300)})
    >>> window = reference.sample(80, random_state=1).assign(p_MM=lambda table: table.p_MM + 0.15)
    >>> changed_columns(window, reference, ["p_MM", "p_BCC"])[0].column
    'p_MM'
    """
    found = []
    for column in columns:
        one, other = (table[column].dropna().to_numpy(dtype=float) for table in (window, reference))
        if len(one) and len(other):
            test = ks_2samp(one, other)
            found.append((column, float(test.statistic), float(test.pvalue), one, other))
    return sorted(
        (
            ColumnChange(column, statistic, min(1.0, p * len(found)), float(np.median(other)), float(np.median(one)))
            for column, statistic, p, one, other in found
        ),
        key=lambda change: (change.p_value, -change.statistic),
    )
