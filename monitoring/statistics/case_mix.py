"""Whether other patients are referred: age, sex, site, device, body site, view, skin type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

from monitoring.statistics.permutation import permutation_p_value

UNKNOWN = "unknown"
FEWEST_EXPECTED = 5  # Cochran's rule for the chi-square approximation


@dataclass(frozen=True)
class CategoryChange:
    """One categorical column of the window against the reference."""

    column: str
    p_value: float  # already multiplied by the number of columns looked at
    category: str  # whose share moved most
    reference: float  # its share
    window: float
    new: tuple[str, ...]  # categories that the reference does not hold


def table_p_value(counts: np.ndarray, draws: int, generator: np.random.Generator) -> float:
    """p-value that the two rows of a 2 x K table come from one distribution.

    Pearson's chi-square; where an expected count is below five, its exact conditional distribution by Monte Carlo
    (tables with the same margins, p = (k+1)/(B+1)).

    >>> table_p_value(np.array([[30, 10], [31, 9]]), 999, np.random.default_rng(0)) > 0.5
    True
    >>> table_p_value(np.array([[0, 12], [60, 0]]), 999, np.random.default_rng(0))
    0.001
    """
    table = counts[:, counts.sum(axis=0) > 0]
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    if table.shape[1] < 2 or not rows.all():
        return 1.0
    expected = rows[:, None] * columns / table.sum()
    if expected.min() >= FEWEST_EXPECTED:
        return float(chi2_contingency(table, correction=False).pvalue)
    first = generator.multivariate_hypergeometric(columns, int(rows[0]), size=draws)

    def distance(tables: np.ndarray) -> np.ndarray:
        return (((tables - expected[0]) ** 2) * (1 / expected[0] + 1 / expected[1])).sum(axis=-1)

    return permutation_p_value(float(distance(table[0])), distance(first))


def one_letter_case(window: pd.Series, reference: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Both columns with `UNKNOWN` for what is not known, and every value in the first spelling of the reference.

    >>> one_letter_case(pd.Series(["FACE", ""]), pd.Series(["Face", "back"]))[0].tolist()
    ['Face', 'unknown']
    """
    sides = [column.replace("", UNKNOWN).fillna(UNKNOWN).astype(str) for column in (window, reference)]
    spellings: dict[str, str] = {}
    for value in [*sides[1].unique(), *sides[0].unique()]:
        spellings.setdefault(value.casefold(), value)
    now, before = (side.map(lambda value: spellings[value.casefold()]) for side in sides)
    return now, before


def changed_categories(
    window: pd.DataFrame, reference: pd.DataFrame, columns: Sequence[str], draws: int, generator: np.random.Generator
) -> list[CategoryChange]:
    """Every categorical column tested on independent rows, most significant first; p-values are Bonferroni's.

    Unknown is a category of its own, since a site that stops recording something is a change too. Columns with one
    category on both sides are left out, and so is one that a side has no known value of. Letter case does not matter.
    """
    found = []
    for column in columns:
        sides = one_letter_case(window[column], reference[column])
        categories = sorted(set(sides[0]) | set(sides[1]))
        if len(categories) < 2 or not all(set(side) - {UNKNOWN} for side in sides):
            continue
        counts = np.array([side.value_counts().reindex(categories, fill_value=0) for side in sides])
        found.append((column, table_p_value(counts, draws, generator), categories, counts))
    changes = []
    for column, p_value, categories, counts in found:
        shares = counts / counts.sum(axis=1, keepdims=True)
        most = int(np.argmax(np.abs(shares[0] - shares[1])))
        new = tuple(name for name, (now, before) in zip(categories, counts.T, strict=True) if now and not before)
        changes.append(
            CategoryChange(
                column,
                min(1.0, p_value * len(found)),
                categories[most],
                float(shares[1][most]),
                float(shares[0][most]),
                new,
            )
        )
    return sorted(changes, key=lambda change: change.p_value)
