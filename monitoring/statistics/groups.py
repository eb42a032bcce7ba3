"""The sites and devices of a window, and the true sensitivity at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.language.messages import message
from monitoring.statistics.confirmed_sensitivity import ConfirmedSensitivity, confirmed_sensitivity


@dataclass(frozen=True)
class Group:
    """One site or device of the window."""

    kind: str
    name: str
    photographs: int
    share: float
    reference_share: float
    share_of_newest: float  # of the quarter of the window that looks newest
    sensitivity: tuple[ConfirmedSensitivity, ...]


def lesion_hits(table: pd.DataFrame, lesion_class: str) -> tuple[int, int]:
    """Confirmed lesions of a class, and how many the model called on at least one photograph: (hits, cases)."""
    confirmed = table[table["diagnosis"] == lesion_class]
    called = (confirmed["predicted"] == lesion_class).groupby(confirmed["lesion_id"]).any()
    return int(called.sum()), len(called)


def confirmed_by_class(
    window: pd.DataFrame,
    reference: pd.DataFrame,
    gated_classes: Sequence[str],
    confidence: float,
    floors: Mapping[str, float] | None,
) -> tuple[ConfirmedSensitivity, ...]:
    """True sensitivity of each gated class among the confirmed lesions."""
    return tuple(
        confirmed_sensitivity(
            name, *lesion_hits(window, name), *lesion_hits(reference, name), confidence, (floors or {}).get(name)
        )
        for name in gated_classes
    )


def sites_and_devices(
    window: pd.DataFrame,
    reference: pd.DataFrame,
    newness: NDArray[np.float64],
    gated_classes: Sequence[str],
    confidence: float,
    floors: Mapping[str, float] | None,
) -> tuple[Group, ...]:
    """Each site and device of the window; `newness` [N] is how new each photograph looks."""
    newest = np.argsort(-newness, kind="stable")[: max(1, len(newness) // 4)]
    groups = []
    for kind in (message("site"), message("device")):
        names = window[kind].replace("", "unknown")
        before = reference[kind].replace("", "unknown")
        for name in sorted(names.unique()):
            inside = (names == name).to_numpy()
            groups.append(
                Group(
                    kind,
                    name,
                    int(inside.sum()),
                    float(inside.mean()),
                    float((before == name).mean()) if len(before) else 0.0,
                    float(inside[newest].mean()),
                    confirmed_by_class(window[inside], reference, gated_classes, confidence, floors),
                )
            )
    return tuple(groups)
