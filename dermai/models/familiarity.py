"""What kind of photographs a model has learnt, so that another kind is noticed.

Each group of learnt photographs, one source in one view, is summarised by a Gaussian for each part of their features
(`dermai.models.reference_backbone.appearance`: colours, textures): its mean and its principal directions, with one
variance for all the others (Tipping & Bishop 1999). A photograph's distance is Mahalanobis', in early feature maps as
in Lee et al. (NeurIPS 2018). No single patient's features are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dermai.data.splits import draw_order

FEWEST = 40  # photographs of a group: fewer say too little of what is usual among them
PHOTOGRAPHS_A_DIRECTION, MOST_DIRECTIONS = 8, 64
FOLDS = 5
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Group:
    """A Gaussian over D features from column `first` on: `directions` [K, D], `variances` [K], `rest` for all others.

    Photographs farther than `threshold` from it are not of this group. Groups of one name are parts of one: a
    photograph belongs to it that is near in each.
    """

    name: str
    mean: Array
    directions: Array
    variances: Array
    rest: float
    threshold: float = float("inf")
    first: int = 0

    def distances(self, features: ArrayLike) -> NDArray[np.float64]:
        """Squared Mahalanobis distances [N], divided by D; the features [N, any] hold those of this group."""
        own = np.asarray(features, dtype=np.float64)[:, self.first : self.first + len(self.mean)]
        centred = own - self.mean
        along = centred @ self.directions.T.astype(np.float64)
        across = np.maximum((centred**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        return ((along**2 / self.variances).sum(axis=1) + across / self.rest) / centred.shape[1]


@dataclass(frozen=True)
class Familiarity:
    """The groups, the share of learnt photographs that lie beyond their thresholds, and the learnt views and sites."""

    groups: tuple[Group, ...]
    false_flags: float
    views: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()

    def unfamiliar(self, features: ArrayLike) -> NDArray[np.bool_]:
        """Which photographs [N], by their features [N, `width`], are beyond a threshold of every group."""
        beyond: dict[str, NDArray[np.bool_]] = {}
        for group in self.groups:
            found = group.distances(features) > group.threshold
            beyond[group.name] = beyond.get(group.name, False) | found
        return np.all(list(beyond.values()), axis=0)

    @property
    def width(self) -> int:
        """How many features a photograph has."""
        return max(group.first + len(group.mean) for group in self.groups)

    def to_bytes(self) -> bytes:
        """As a safetensors file; the same summary gives the same bytes."""
        from safetensors.numpy import save

        tensors = {}
        for place, group in enumerate(self.groups):
            parts = {"mean": group.mean, "directions": group.directions, "variances": group.variances}
            tensors.update({f"{place}.{name}": np.ascontiguousarray(part) for name, part in parts.items()})
        about = {
            "false_flags": self.false_flags,
            "views": self.views,
            "sites": self.sites,
            "groups": [
                {"name": one.name, "rest": one.rest, "threshold": one.threshold}
                | ({"first": one.first} if one.first else {})  # summaries of earlier releases keep their bytes
                for one in self.groups
            ],
        }
        return save(tensors, metadata={"familiarity": json.dumps(about)})

    @classmethod
    def from_bytes(cls, content: bytes) -> Familiarity:
        """The summary from what `to_bytes` wrote."""
        from safetensors.numpy import load

        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        about, tensors = json.loads(header["__metadata__"]["familiarity"]), load(content)
        groups = tuple(
            Group(
                mean=tensors[f"{place}.mean"],
                directions=tensors[f"{place}.directions"],
                variances=tensors[f"{place}.variances"],
                **fields,
            )
            for place, fields in enumerate(about["groups"])
        )
        return cls(groups, about["false_flags"], tuple(about["views"]), tuple(about["sites"]))


def fit_familiarity(
    features: ArrayLike,
    groups: Sequence[str],
    patients: Sequence[str],
    false_flags: float,
    views: Sequence[str] = (),
    sites: Sequence[str] = (),
    parts: Sequence[int] = (),
) -> Familiarity | None:
    """Summarise the photographs that a model learnt; None where they are fewer than `FEWEST`.

    The share `false_flags` of a group's photographs exceed a threshold, each measured from the photographs of other
    patients (cross-fitting in `FOLDS` folds by patient), and as many exceed that of one part as of another. Groups of
    fewer than `FEWEST` photographs, or of fewer patients than folds, are put together.

    Args:
        features: [N, D].
        parts: how many columns each part has, in order; empty for one part.
        groups, patients: of each photograph, [N].
    """
    found = np.asarray(features, dtype=np.float64)
    who, names = np.asarray(patients, dtype=object), np.asarray(groups, dtype=object)
    large = [name for name in sorted(set(names)) if _enough(who[names == name])]
    names = np.where(np.isin(names, large), names, "others")
    fitted = [
        part
        for name in sorted(set(names))
        if _enough(who[names == name])
        for part in _fit_group(name, found[names == name], who[names == name], false_flags, parts)
    ]
    if not fitted:
        return None
    known = tuple(sorted({str(view) for view in views} - {""})), tuple(sorted({str(site) for site in sites} - {""}))
    return Familiarity(tuple(fitted), false_flags, *known)


def _enough(patients: NDArray[np.object_]) -> bool:
    return len(patients) >= FEWEST and len(set(patients)) >= 2 * FOLDS


def _fit_group(
    name: str, features: NDArray[np.float64], patients: NDArray[np.object_], false_flags: float, parts: Sequence[int]
) -> list[Group]:
    """The group's parts, with their thresholds."""
    order = sorted(set(patients), key=lambda patient: draw_order(0, str(patient)))
    fold_of = {patient: place % FOLDS for place, patient in enumerate(order)}
    folds = np.array([fold_of[patient] for patient in patients])
    ends = np.cumsum(parts) if len(parts) else np.array([features.shape[1]])
    firsts = [0, *ends[:-1]]
    columns = [features[:, first:end] for first, end in zip(firsts, ends, strict=True)]
    distances = np.empty((len(features), len(ends)))
    for part, own in enumerate(columns):
        for fold in range(FOLDS):
            gaussian = _gaussian(name, own[folds != fold])
            distances[folds == fold, part] = gaussian.distances(own[folds == fold])
    # Of each distance the share that is at least as large; beyond a share of `cut` in some part are `false_flags`
    shares = (distances[:, None, :] <= distances[None, :, :]).mean(axis=1)
    cut = float(np.quantile(shares.min(axis=1), false_flags, method="lower"))
    thresholds = [float(np.quantile(one, 1 - cut, method="higher")) for one in distances.T]
    return [
        replace(_gaussian(name, own), threshold=threshold, first=int(first))
        for own, threshold, first in zip(columns, thresholds, firsts, strict=True)
    ]


def _gaussian(name: str, features: NDArray[np.float64]) -> Group:
    """Mean, principal directions and variances of features [N, D], N of at least 2."""
    count, width = features.shape
    mean = features.mean(axis=0)
    _, singular, directions = np.linalg.svd(features - mean, full_matrices=False)
    kept = max(1, min(MOST_DIRECTIONS, count // PHOTOGRAPHS_A_DIRECTION, width - 1))
    variances = singular**2 / (count - 1)
    rest = float(variances[kept:].sum() / (width - kept))
    floor = max(rest, 1e-12)
    return Group(
        name,
        mean.astype(np.float32),
        directions[:kept].astype(np.float32),
        np.maximum(variances[:kept], floor).astype(np.float32),
        floor,
    )
