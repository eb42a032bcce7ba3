"""Clinical columns as numbers, in a form that cannot see whether a value is there.

Where a value was recorded may give the label away: in PAD-UFES-20 sex, skin type, diameters and history are filled in
for every biopsied lesion and few others. So an unknown value is NaN here, becomes the average of the known ones in the
model, and no column says that it is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dermai.data.cases import OLDEST_AGE

AGE_KNOTS = (15.0, 30.0, 45.0, 55.0, 65.0, 75.0, 90.0)  # between them a class's weight changes linearly with the age
MIDDLE_SKIN_TYPE = 3.5
TWO_VALUES = {"yes": 1.0, "male": 1.0, "no": -1.0, "female": -1.0}
RANGES = {"age": (0.0, float(OLDEST_AGE)), "skin_type": (1.0, 6.0)}


def known_sites(cases: pd.DataFrame, fewest: int = 5) -> tuple[str, ...]:
    """Body sites that at least `fewest` rows have, in alphabetical order."""
    counts = cases["body_site"].str.lower().value_counts()
    return tuple(sorted(str(site) for site, count in counts.items() if site and count >= fewest))


def encode(cases: pd.DataFrame, columns: Sequence[str], sites: Sequence[str]) -> np.ndarray:
    """Float64 [N, D]: hat functions of the age, one column a body site, +1 and -1 for two values; NaN is unknown.

    A column that the table lacks, a value out of its range and a site that is not among `sites` are unknown.

    >>> rows = pd.DataFrame({"age": [60.0, np.nan], "itch": ["yes", ""], "body_site": ["Face", "toe"]})
    >>> encode(rows, ["itch", "body_site"], ["back", "face"]).tolist()
    [[1.0, 0.0, 1.0], [nan, nan, nan]]
    >>> encode(rows, ["age"], []).tolist()[0]
    [0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0]
    """
    unknown = pd.Series([""] * len(cases), index=cases.index)
    parts = [_encode_column(name, cases.get(name, unknown), sites) for name in columns]
    return np.concatenate(parts, axis=1) if parts else np.empty((len(cases), 0))


def _encode_column(name: str, values: pd.Series, sites: Sequence[str]) -> np.ndarray:
    if name in ("age", "skin_type"):
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
        lowest, highest = RANGES[name]
        numbers = np.where((numbers >= lowest) & (numbers <= highest), numbers, np.nan)
        if name == "skin_type":
            return (numbers - MIDDLE_SKIN_TYPE)[:, None]
        hats = [np.interp(numbers, AGE_KNOTS, hat) for hat in np.eye(len(AGE_KNOTS))]
        return np.stack(hats, axis=1)
    # One by one: a service asks for a row or two at a time, and pandas' methods take a millisecond whatever the number
    texts = ["" if gone else str(value).strip().lower() for value, gone in zip(values, values.isna(), strict=True)]
    if name == "body_site":
        places = dict(zip(sites, np.eye(len(sites)), strict=True))
        unknown = np.full(len(sites), np.nan)
        return np.array([places.get(text, unknown) for text in texts]).reshape(len(texts), len(sites))
    return np.array([TWO_VALUES.get(text, np.nan) for text in texts])[:, None]
