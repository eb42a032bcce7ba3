"""Patients in folds, each with its share of every source and diagnosis."""

from __future__ import annotations

import pandas as pd

from dermai.data.folds import assign_folds
from dermai.data.splits import draw_order, patient_strata
from dermai.errors import InvalidCases


def patient_folds(cases: pd.DataFrame, folds: int, seed: int) -> dict[str, int]:
    """The fold, 0 to `folds - 1`, of each patient: dealt out within source and most important diagnosis.

    A patient's place is drawn by its identity, so the order of the rows makes no difference.

    Raises:
        InvalidCases: there are fewer patients than folds.
    """
    strata = patient_strata(cases)
    if len(strata) < folds:
        raise InvalidCases(f"{len(strata)} patients cannot be dealt into {folds} folds: ask for fewer (`--folds`)")
    dealt: dict[str, int] = {}
    for _, patients in strata.groupby(["source", "stratum"], sort=True)["patient_id"]:
        for patient in sorted(patients, key=lambda patient: draw_order(seed, patient)):
            dealt[patient] = len(dealt) % folds
    return dealt


def split_for_fold(cases: pd.DataFrame, dealt: dict[str, int], fold: int, inner_folds: int, seed: int) -> pd.DataFrame:
    """The cases with a new `split` and `fold`: this one is `test`, all others are dealt into `inner_folds` again."""
    tested = cases["patient_id"].map(dealt) == fold
    rows = cases.assign(split=tested.map({True: "test", False: "train"}), fold="")
    inner = assign_folds(rows, rows.iloc[:0], inner_folds, seed + 1 + fold)
    return rows.assign(fold=rows["patient_id"].map(inner))
