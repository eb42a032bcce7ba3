"""The table of predictions: one row a photograph or a lesion, the case's columns beside the model's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dermai.errors import InvalidCases
from dermai.gate.reference_standard import strongest
from dermai.models.operating_points import CALL_RULE, predict

CASE_COLUMNS = (
    "image", "case_id", "patient_id", "lesion_id", "diagnosis", "site", "sex", "age", "skin_type", "view", "source",
    "confirmed_by",
)  # fmt: skip
PREFIX = "p_"


def prediction_table(
    cases: pd.DataFrame,
    probabilities: np.ndarray,
    classes: Sequence[str],
    operating_points: Mapping[str, float] | None = None,
    rule: int = CALL_RULE,
) -> pd.DataFrame:
    """Cases with `p_<class>` for each class of the model and `predicted`, the class code it answers.

    Probabilities are [N, C], in the order of the cases and the classes.

    Raises:
        ValueError: the shapes do not match.
    """
    if probabilities.shape != (len(cases), len(classes)):
        raise ValueError(f"{probabilities.shape} probabilities for {len(cases)} cases and {len(classes)} classes")
    table = cases.loc[:, list(CASE_COLUMNS)].reset_index(drop=True)
    for position, code in enumerate(classes):
        table[PREFIX + code] = probabilities[:, position]
    return _answered(table, operating_points, rule)


def per_lesion(
    table: pd.DataFrame, operating_points: Mapping[str, float] | None, rule: int = CALL_RULE
) -> pd.DataFrame:
    """One row a lesion: the mean of its photographs' probabilities, answered with the same operating points.

    `confirmed_by` is the strongest among the photographs, the other columns hold the first known value, and
    `photographs` counts them.

    Raises:
        InvalidCases: photographs of one lesion have different diagnoses.
    """
    lesions = table.groupby("lesion_id", sort=False)
    distinct = lesions["diagnosis"].nunique()
    for lesion in distinct.index[distinct > 1]:
        found = ", ".join(sorted(table.loc[table["lesion_id"] == lesion, "diagnosis"].unique()))
        raise InvalidCases(f"lesion {lesion!r} has more than one diagnosis: {found}; correct data/cases.csv")
    names = [PREFIX + code for code in known_classes(table)]
    merged = lesions.first()
    merged[names] = lesions[names].mean()
    if "confirmed_by" in table:
        merged["confirmed_by"] = lesions["confirmed_by"].agg(strongest)
    merged["photographs"] = lesions.size()
    columns = [name for name in table.columns if name != "predicted"]
    return _answered(merged.reset_index()[[*columns, "photographs"]], operating_points, rule)


def known_classes(table: pd.DataFrame) -> tuple[str, ...]:
    """The classes the model behind a prediction table knows, in its order."""
    return tuple(name.removeprefix(PREFIX) for name in table.columns if name.startswith(PREFIX))


def probabilities_of(table: pd.DataFrame) -> np.ndarray:
    """The `p_<class>` columns as an array [N, C]."""
    return table[[PREFIX + code for code in known_classes(table)]].to_numpy(dtype=np.float64)


def _answered(table: pd.DataFrame, operating_points: Mapping[str, float] | None, rule: int) -> pd.DataFrame:
    classes = known_classes(table)
    answers = predict(probabilities_of(table), classes, operating_points, rule)
    return table.assign(predicted=np.asarray(classes, dtype=object)[answers])
