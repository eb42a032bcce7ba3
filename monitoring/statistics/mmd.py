"""Whether the window's photographs look like the reference's: permutation MMD on whitened embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitoring.statistics.permutation import permutation_p_value, window_permutations

COMPONENTS = 64
BATCH = 1000  # permutations multiplied at once: bounds memory


@dataclass(frozen=True)
class EmbeddingChange:
    """The distance between window and reference, how unusual it is, and how new each photograph looks."""

    distance: float  # squared MMD, unbiased: about 0 when nothing changed
    p_value: float
    newness: NDArray[np.float64]  # [n] of the window; high: like the rest of the window, unlike the reference


def embedding_change(
    window: ArrayLike,
    reference: ArrayLike,
    window_patients: ArrayLike,
    reference_patients: ArrayLike,
    draws: int,
    generator: np.random.Generator,
    components: int = COMPONENTS,
) -> EmbeddingChange:
    """Kernel two-sample test (Gretton et al., JMLR 2012) with whole patients permuted.

    The embeddings are reduced to principal components of equal variance, fitted on window and reference together:
    fitted on the reference alone they would treat the two sides differently, and with more dimensions than
    photographs every window would look new. The kernel is Gaussian with the median distance as bandwidth. `newness`
    is the witness function at each photograph.

    >>> generator = np.random.default_rng(0)
    >>> reference, moved = generator.normal(size=(200, 8)), generator.normal(0.8, size=(60, 8))
    >>> embedding_change(moved, reference, range(60), range(200), 199, generator).p_value
    0.005

    Args:
        window: [n, D] embeddings, one row a photograph.
        reference: [m, D].

    Raises:
        ValueError: either side holds fewer than two photographs, or an embedding holds a value that is no number.
    """
    one, other = np.asarray(window, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if len(one) < 2 or len(other) < 2:
        raise ValueError("an embedding test needs at least two photographs on each side")
    both = np.concatenate([one, other])
    if not np.isfinite(both).all():
        raise ValueError("an embedding holds a value that is no number")
    inside = np.arange(len(both)) < len(one)
    kernel = gaussian_kernel(whitened(both, components))
    patients = np.concatenate([np.asarray(window_patients, dtype=str), np.asarray(reference_patients, dtype=str)])
    distance = float(unbiased_mmd(kernel, inside[None])[0])
    permuted = np.concatenate(
        [
            unbiased_mmd(kernel, window_permutations(patients, inside, min(BATCH, draws - start), generator))
            for start in range(0, draws, BATCH)
        ]
    )
    newness = kernel[: len(one), : len(one)].mean(axis=1) - kernel[: len(one), len(one) :].mean(axis=1)
    return EmbeddingChange(distance, permutation_p_value(distance, permuted), newness.astype(np.float64))


def whitened(embeddings: NDArray[np.float64], components: int) -> NDArray[np.float64]:
    """Leading principal components, each scaled to variance one: [N, D] to [N, at most `components`].

    Half as many components as rows at most, since the last ones are noise that whitening would blow up.
    """
    centred = embeddings - embeddings.mean(axis=0)
    variance, directions = np.linalg.eigh(centred @ centred.T)
    largest = max(float(variance[-1]), np.finfo(float).tiny)
    keep = min(components, max(1, len(embeddings) // 2), max(1, int((variance > largest * 1e-10).sum())))
    return directions[:, ::-1][:, :keep] * np.sqrt(len(embeddings))


def gaussian_kernel(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """exp(-d^2 / median d^2) for all pairs, [N, N]."""
    squares = (points**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * points @ points.T, 0)
    median = float(np.median(distances[np.triu_indices(len(points), 1)])) or 1.0
    return np.exp(-distances / median).astype(np.float32)


def unbiased_mmd(kernel: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """MMD^2_u for many labellings of the same photographs at once, [B] from [B, N] and one Gram matrix."""
    gram = kernel.copy()
    np.fill_diagonal(gram, 0)
    labels = inside.astype(np.float32)
    ones = inside.sum(axis=1).astype(float)
    others = inside.shape[1] - ones
    within = np.einsum("bn,bn->b", labels @ gram, labels).astype(float)
    touching = (labels @ gram.sum(axis=1)).astype(float)
    rest = float(gram.sum(dtype=float)) - 2 * touching + within
    ones_pairs, others_pairs = np.maximum(ones * (ones - 1), 1), np.maximum(others * (others - 1), 1)
    return within / ones_pairs + rest / others_pairs - 2 * (touching - within) / (ones * others)
