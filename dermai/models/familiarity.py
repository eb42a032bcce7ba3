"""What kind of photographs a model has learnt, so that another kind is noticed.

In the pooled features of the frozen reference backbone (`dermai.models.inference.embed`) each group of learnt
photographs, one source in one view, is summarised by a Gaussian: its mean and its principal directions, with one
variance for all the others (Tipping & Bishop 1999). A photograph's distance is Mahalanobis' to the nearest group, as in
Lee et al. (NeurIPS 2018). No single patient's features are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dermai.data.splits import draw_order

FEWEST = 40  # photographs of a group: fewer say too little of what is usual among them
PHOTOGRAPHS_A_DIRECTION, MOST_DIRECTIONS = 8, 64
FOLDS = 5
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Group:
    """A Gaussian over features [D]: `directions` [K, D] with their `variances` [K], `rest` for every other one.

    Photographs farther than `threshold` from it are not of this group.
    """

    name: str
    mean: Array
    directions: Array
    variances: Array
    rest: float
    threshold: float = float("inf")

    def distances(self, features: ArrayLike) -> NDArray[np.float64]:
        """Squared Mahalanobis distances [N] of features [N, D], divided by D."""
        centred = np.asarray(features, dtype=np.float64) - self.mean
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
        """Which photographs [N], by their features [N, D], are beyond the threshold of every group."""
        return np.all([group.distances(features) > group.threshold for group in self.groups], axis=0)

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
            "groups": [{"name": one.name, "rest": one.rest, "threshold": one.threshold} for one in self.groups],
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
) -> Familiarity | None:
    """Summarise the photographs that a model learnt; None where they are fewer than `FEWEST`.

    A group's threshold is the distance that the share `false_flags` of its photographs exceeds, each measured from the
    photographs of other patients (cross-fitting in `FOLDS` folds by patient). Groups of fewer than `FEWEST`
    photographs, or of fewer patients than folds, are put together.

    Args:
        features: [N, D].
        groups, patients: of each photograph, [N].
    """
    found = np.asarray(features, dtype=np.float64)
    who, names = np.asarray(patients, dtype=object), np.asarray(groups, dtype=object)
    large = [name for name in sorted(set(names)) if _enough(who[names == name])]
    names = np.where(np.isin(names, large), names, "others")
    fitted = [
        _fit_group(name, found[names == name], who[names == name], false_flags)
        for name in sorted(set(names))
        if _enough(who[names == name])
    ]
    if not fitted:
        return None
    known = tuple(sorted({str(view) for view in views} - {""})), tuple(sorted({str(site) for site in sites} - {""}))
    return Familiarity(tuple(fitted), false_flags, *known)


def _enough(patients: NDArray[np.object_]) -> bool:
    return len(patients) >= FEWEST and len(set(patients)) >= 2 * FOLDS


def _fit_group(name: str, features: NDArray[np.float64], patients: NDArray[np.object_], false_flags: float) -> Group:
    order = sorted(set(patients), key=lambda patient: draw_order(0, str(patient)))
    fold_of = {patient: place % FOLDS for place, patient in enumerate(order)}
    folds = np.array([fold_of[patient] for patient in patients])
    distances = np.empty(len(features))
    for fold in range(FOLDS):
        distances[folds == fold] = _gaussian(name, features[folds != fold]).distances(features[folds == fold])
    threshold = float(np.quantile(distances, 1 - false_flags, method="higher"))
    whole = _gaussian(name, features)
    return Group(name, whole.mean, whole.directions, whole.variances, whole.rest, threshold)


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
