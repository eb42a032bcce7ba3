"""Merge a shared category or train on it before: the paper's rule of thumb, from how far apart the sources look.

The paper (HEALTHINFO 2021) concludes: merge where a category looks different in two datasets; fine-tune from one to the
other where the category is small and looks alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.config import CompareParams
from dermai.data.cases import trainable
from dermai.data.folds import training_roles
from dermai.data.splits import draw_order
from dermai.strategies.stages import shared_categories

MOST_PHOTOGRAPHS = 60  # of a category in a source that are looked at
DRAW_SEED = 2021

Embed = Callable[[Sequence[str]], np.ndarray]  # images -> features [N, D]


class CategoryVerdict(BaseModel):
    """One shared category of one other source.

    `distance` is how far the category's mean appearance lies from the target's, `spread` how far the target's own
    categories lie from each other (median), in the same units.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    category: str
    target_photographs: int
    source_photographs: int
    distance: float
    spread: float
    merge: bool
    reason: str


def judge_categories(
    cases: pd.DataFrame, sources: Sequence[str], compare: CompareParams, embed: Embed
) -> list[CategoryVerdict]:
    """What to do with each category that a source shares with the target; training photographs only."""
    rows = trainable(cases)
    rows = rows[training_roles(rows) == "train"]
    counts = rows.groupby(["source", "diagnosis"]).size()
    ours = sorted(rows.loc[rows["source"] == compare.target, "diagnosis"].unique())
    wanted = [(compare.target, name) for name in ours]
    shared = [(source, name) for source in sources for name in shared_categories(cases, source, compare.target)]
    samples = {pair: _sample(rows, *pair) for pair in [*wanted, *shared]}
    features = _standardised(samples, embed)
    own = [
        mean_distance(features[(compare.target, one)], features[(compare.target, other)])
        for place, one in enumerate(ours)
        for other in ours[place + 1 :]
    ]
    spread = float(np.median(own)) if own else 0.0
    verdicts = []
    for source, name in shared:
        distance = mean_distance(features[(source, name)], features[(compare.target, name)])
        held = int(counts[(compare.target, name)])
        merge, reason = decide(distance, spread, held, compare)
        verdicts.append(
            CategoryVerdict(
                source=source,
                category=name,
                target_photographs=held,
                source_photographs=int(counts[(source, name)]),
                distance=round(distance, 4),
                spread=round(spread, 4),
                merge=merge,
                reason=reason,
            )
        )
    return verdicts


def decide(distance: float, spread: float, photographs: int, compare: CompareParams) -> tuple[bool, str]:
    """Whether to merge, and why.

    >>> compare = CompareParams(far=1.0, small_category=60)
    >>> decide(2.0, 1.0, 40, compare), decide(0.5, 1.0, 40, compare)
    ((True, 'looks different'), (False, 'small and looks alike'))
    >>> decide(0.5, 1.0, 400, compare)
    (True, 'looks alike, but has photographs enough to learn from all at once')
    """
    if distance > compare.far * spread:
        return True, "looks different"
    if photographs < compare.small_category:
        return False, "small and looks alike"
    return True, "looks alike, but has photographs enough to learn from all at once"


def mean_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Distance of the means of two samples [N, D], the part that sampling alone explains taken off; at least 0."""
    square = float(((one.mean(0) - other.mean(0)) ** 2).sum())
    noise = sum(float(sample.var(0, ddof=1).sum()) / len(sample) for sample in (one, other) if len(sample) > 1)
    return float(np.sqrt(max(square - noise, 0.0)))


def _sample(rows: pd.DataFrame, source: str, name: str) -> list[str]:
    images = rows.loc[(rows["source"] == source) & (rows["diagnosis"] == name), "image"]
    return sorted(images, key=lambda image: draw_order(DRAW_SEED, image))[:MOST_PHOTOGRAPHS]


def _standardised(samples: dict[tuple[str, str], list[str]], embed: Embed) -> dict[tuple[str, str], np.ndarray]:
    """Features of each sample, each column divided by its standard deviation over all."""
    features = embed([image for images in samples.values() for image in images])
    features = features / (features.std(0) + 1e-9)
    found, start = {}, 0
    for pair, images in samples.items():
        found[pair] = features[start : start + len(images)]
        start += len(images)
    return found
