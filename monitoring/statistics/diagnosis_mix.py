"""Another mix of diagnoses: how far it moved, and whether it alone makes a window look as it does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.config import MonitoringParams
from monitoring.statistics.columns import changed_columns
from monitoring.statistics.label_shift import LabelShift, estimate_label_shift
from monitoring.statistics.photographs import ScoredPhotographs

OTHER = "other"
BOOTSTRAP = 1999


def change_of_diagnoses(
    window: pd.DataFrame,
    reference: pd.DataFrame,
    known: pd.DataFrame,
    gated_classes: Sequence[str],
    confidence: float,
    generator: np.random.Generator,
) -> LabelShift | None:
    """The shares of the gated classes and of all others in the window against the reference, from the scores."""
    reference, known = reference[reference["diagnosis"] != ""], known[known["diagnosis"] != ""]
    if reference.empty:
        return None
    return estimate_label_shift(
        _grouped_scores(window, gated_classes),
        _grouped_scores(reference, gated_classes),
        _grouped_labels(reference, gated_classes),
        (*gated_classes, OTHER),
        1 - (1 - confidence) / (len(gated_classes) + 1),  # Bonferroni over the classes
        BOOTSTRAP,
        generator,
        (_grouped_scores(known, gated_classes), _grouped_labels(known, gated_classes)),
    )


def explained_by_diagnoses(
    window: ScoredPhotographs,
    reference: ScoredPhotographs,
    known: ScoredPhotographs,
    shift: LabelShift,
    gated_classes: Sequence[str],
    score_columns: Sequence[str],
    params: MonitoringParams,
    generator: np.random.Generator,
) -> bool:
    """Whether a reference with the window's estimated mix of diagnoses looks like the window."""
    remixed = _remixed(reference, known, shift, gated_classes, generator)
    if remixed.table["patient_id"].nunique() < params.fewest_patients // 2:
        return False
    draws = min(params.draws, 999)
    photographs = window.embedding_change(remixed, draws, generator).p_value
    group = window.new_group(remixed, draws, generator).p_value
    scores = changed_columns(window.independent().table, remixed.independent().table, score_columns)
    return min(1.0, 3 * min(photographs, group, *(column.p_value for column in scores))) > params.watch


def _remixed(
    reference: ScoredPhotographs,
    known: ScoredPhotographs,
    shift: LabelShift,
    gated_classes: Sequence[str],
    generator: np.random.Generator,
) -> ScoredPhotographs:
    """The reference with the window's shares of the gated classes; what it lacks of them comes from `known`."""
    own, further = _grouped_labels(reference.table, gated_classes), _grouped_labels(known.table, gated_classes)
    unseen = ~known.table["image"].isin(set(reference.table["image"])).to_numpy()
    others = len(gated_classes)
    mine = [generator.permutation(np.flatnonzero(own == place)) for place in range(others + 1)]
    spare = [generator.permutation(np.flatnonzero((further == place) & unseen)) for place in range(others)]
    held = [len(mine[place]) + len(spare[place]) for place in range(others)] + [len(mine[others])]
    size = min(count / share for count, share in zip(held, shift.window, strict=True) if share > 0)
    wanted = [round(size * share) for share in shift.window]
    kept = [rows[:count] for rows, count in zip(mine, wanted, strict=True)]
    added = [spare[place][: wanted[place] - len(kept[place])] for place in range(others)]
    one, other = reference.rows(np.concatenate(kept)), known.rows(np.concatenate(added))
    return ScoredPhotographs(
        pd.concat([one.table, other.table], ignore_index=True), np.concatenate([one.embeddings, other.embeddings])
    )


def _grouped_scores(table: pd.DataFrame, gated_classes: Sequence[str]) -> NDArray[np.float64]:
    """[N, G + 1]: the gated classes' probabilities, then the rest."""
    gated = table[[f"p_{name}" for name in gated_classes]].to_numpy(dtype=float)
    return np.column_stack([gated, np.clip(1 - gated.sum(axis=1), 0, 1)])


def _grouped_labels(table: pd.DataFrame, gated_classes: Sequence[str]) -> NDArray[np.intp]:
    position = {name: index for index, name in enumerate(gated_classes)}
    return table["diagnosis"].map(lambda name: position.get(name, len(position))).to_numpy(dtype=np.intp)
