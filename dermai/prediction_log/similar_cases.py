"""Cases of the prediction log whose photographs look like given ones, by the distance of their embeddings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import EMBEDDING, embedding_matrix, read_part
from dermai.taxonomy import RiskLevel

COLUMNS = ["image", "case_id", "lesion_id", "risk", EMBEDDING]


@dataclass(frozen=True)
class SimilarCase:
    """`distance` is the smallest cosine distance of a photograph of the case, 0 for the same and 2 for the opposite."""

    case_id: str
    image: str
    distance: float


def embeddings_of(log: PredictionLog, version: str, images: Collection[str]) -> NDArray[np.float32]:
    """The embeddings of photographs that a version has scored, one row each, [N, D]."""
    return log.read(version, ["image"], only=("image", images), with_embeddings=True).embeddings


def similar_normal_cases(
    log: PredictionLog, version: str, like: NDArray[np.float32], without: Collection[str], most: int
) -> list[SimilarCase]:
    """The cases that this version sorts as normal and that look most like the photographs `like` [N, D], nearest first.

    Cases of `without` are left out. Parts are read one by one, so that a year's log needs no memory; one that cannot be
    read is passed over, as `PredictionLog.read` names it.
    """
    found: dict[str, SimilarCase] = {}
    urgent: set[str] = set()
    directions = _directions(like)
    for part in log.parts(version):
        try:
            rows = read_part(part, COLUMNS, True, None)
        except (OSError, pa.ArrowException):
            continue
        if not rows.num_rows or not len(like):
            continue
        distances = 1 - (_directions(embedding_matrix(rows[EMBEDDING])) @ directions.T).max(axis=1)
        named: Sequence[tuple[str, str, str]] = list(
            zip(*(rows[name].to_pylist() for name in ("case_id", "image", "risk")), strict=True)
        )
        urgent |= {case for case, _, risk in named if risk != RiskLevel.NORMAL}
        for (case, image, _), distance in zip(named, distances.tolist(), strict=True):
            if case not in without and (case not in found or distance < found[case].distance):
                found[case] = SimilarCase(case, image, max(0.0, distance))
    normal = (case for case in found.values() if case.case_id not in urgent)
    return sorted(normal, key=lambda case: (case.distance, case.case_id))[:most]


def _directions(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float64)
