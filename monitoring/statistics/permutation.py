"""Permutations that keep a patient's photographs together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def window_permutations(
    patients: ArrayLike, in_window: ArrayLike, draws: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Random relabellings of who belongs to the window, [draws, N]; as many patients as are in it now.

    Photographs of one patient resemble each other, so shuffling photographs one by one would call any window
    unusual. Patients are what is exchangeable when nothing has changed. A patient who appears on both sides counts
    as two.

    >>> draws = window_permutations(["a", "a", "b", "c"], [True, True, False, False], 50, np.random.default_rng(0))
    >>> bool((draws[:, 0] == draws[:, 1]).all())
    True

    Raises:
        ValueError: the window or the reference is empty.
    """
    inside = np.asarray(in_window, dtype=bool)
    if inside.all() or not inside.any():
        raise ValueError("a permutation test needs photographs in the window and in the reference")
    names = np.asarray([f"{int(side)}/{patient}" for patient, side in zip(np.asarray(patients), inside, strict=True)])
    units, unit_of_row = np.unique(names, return_inverse=True)
    in_window_units = sum(unit.startswith("1/") for unit in units)
    order = generator.random((draws, len(units))).argpartition(in_window_units - 1, axis=1)[:, :in_window_units]
    chosen = np.zeros((draws, len(units)), dtype=bool)
    np.put_along_axis(chosen, order, True, axis=1)
    return chosen[:, unit_of_row]


def permutation_p_value(observed: float, permuted: ArrayLike) -> float:
    """p = (k + 1) / (B + 1), exact at any B (Phipson & Smyth 2010); large statistics are unusual.

    >>> permutation_p_value(3.0, [1.0, 2.0, 4.0])
    0.5
    """
    values = np.asarray(permuted, dtype=float)
    reached = int((values >= observed - 1e-12 * max(1.0, abs(observed))).sum())
    return (reached + 1) / (len(values) + 1)
