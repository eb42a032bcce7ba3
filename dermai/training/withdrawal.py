"""Photographs whose use was withdrawn leave everything that any training keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def forget_withdrawn(cache: Path, images: Sequence[str]) -> None:
    """Remove photographs from decoded pixels, activations, features and summaries, whichever learner kept them."""
    from dermai.images.pixels import forget_photographs
    from dermai.models.learnt_photographs import forget_features
    from dermai.models.seen_features import forget_seen
    from dermai.training.activations import forget_activations

    forget_photographs(cache / "pixels", images)
    forget_activations(cache / "activations", images)
    forget_seen(cache, images)
    forget_features(cache, images)
