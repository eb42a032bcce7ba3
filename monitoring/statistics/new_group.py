"""Whether the window holds a group of photographs that resemble each other and nothing in the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitoring.statistics.permutation import permutation_p_value, window_permutations

NEIGHBOURS = 10
GROUP_SHARE = 0.25  # of the window: the statistic looks at those that keep most to themselves
BATCH = 200


@dataclass(frozen=True)
class NewGroup:
    """How unusual the most separate quarter of the window is, and how separate each photograph."""

    p_value: float
    apartness: NDArray[np.float64]  # [n] share of a photograph's nearest neighbours that are of the window too


def new_group(
    window: ArrayLike,
    reference: ArrayLike,
    window_patients: ArrayLike,
    reference_patients: ArrayLike,
    draws: int,
    generator: np.random.Generator,
) -> NewGroup:
    """Nearest-neighbour test (Henze 1988) on the quarter of the window that stands most apart, patients permuted.

    A new diagnosis among many ordinary photographs hardly moves a mean, and so hardly the MMD; its photographs have
    each other as nearest neighbours. Neighbours of the same patient do not count. Distances are between embeddings
    scaled to length one.

    >>> generator = np.random.default_rng(0)
    >>> window, reference = generator.normal(size=(60, 8)) + 3, generator.normal(size=(150, 8)) + 3
    >>> window[:15] *= [1, 1, 1, 1, -1, -1, -1, -1]
    >>> new_group(window, reference, range(60), range(150), 199, generator).p_value
    0.005

    Args:
        window: [n, D] embeddings.
        reference: [m, D].
    """
    both = np.concatenate([np.asarray(window, dtype=np.float64), np.asarray(reference, dtype=np.float64)])
    inside = np.arange(len(both)) < len(np.asarray(window))
    names = np.concatenate([np.asarray(window_patients, dtype=str), np.asarray(reference_patients, dtype=str)])
    patients = np.char.add(np.where(inside, "window/", "reference/"), names)
    neighbours = _neighbours(both, patients)
    group = max(1, round(GROUP_SHARE * inside.sum()))
    observed = float(_apart(neighbours, inside[None], group)[0])
    permuted = np.concatenate(
        [
            _apart(neighbours, window_permutations(names, inside, min(BATCH, draws - start), generator), group)
            for start in range(0, draws, BATCH)
        ]
    )
    apartness = inside[neighbours[inside]].mean(axis=1)
    return NewGroup(permutation_p_value(observed, permuted), apartness.astype(np.float64))


def _neighbours(points: NDArray[np.float64], patients: NDArray[np.str_]) -> NDArray[np.intp]:
    """[N, k] nearest photographs of other patients, nearest first."""
    directions = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), np.finfo(float).tiny)
    likeness = directions @ directions.T
    _, who = np.unique(patients, return_inverse=True)
    likeness[who[:, None] == who[None]] = -np.inf
    k = min(NEIGHBOURS, len(points) - 1)
    nearest = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
    return np.asarray(nearest)


def _apart(neighbours: NDArray[np.intp], labels: NDArray[np.bool_], group: int) -> NDArray[np.float64]:
    """Mean share of neighbours inside, over the `group` members of the window with the largest share: [B]."""
    counts = np.zeros(labels.shape, dtype=np.int16)
    for nth_nearest in neighbours.T:
        counts += labels[:, nth_nearest]
    shares = np.where(labels, counts, np.int16(-1))
    top = np.partition(shares, -group, axis=1)[:, -group:]
    return np.asarray(top.mean(axis=1, dtype=float) / neighbours.shape[1])
