"""Features are computed once a photograph, kept by content, and forgotten when consent is withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dermai.images.photograph_views import PhotographViews
from dermai.models.seen_features import forget_seen, seen_features
from tests.training.training_data import make_cases


class MeanColours:
    """A network that sees the mean colours, and counts what it is shown."""

    outputs = ("features",)

    def __init__(self) -> None:
        self.shown = 0

    def measure(self, pixels: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        self.shown += len(pixels)
        return [pixels.mean(axis=(1, 2)).astype(np.float32)]


def look(network: MeanColours, images: list[str], folder: Path, identity: bytes = b"network") -> np.ndarray:
    views = PhotographViews(folder / "pixels", 64, "bilinear", ("whole", "lesion"))
    return seen_features(network, identity, 6, views, images, folder, folder)


def test_a_photograph_is_seen_once_in_each_view(tmp_path: Path) -> None:
    images, network = list(make_cases(tmp_path, {"train": {"Nev": 3, "MM": 2}})["image"]), MeanColours()
    found = look(network, images, tmp_path)
    assert found.shape == (5, 6)
    assert network.shown == 10
    assert np.array_equal(look(network, images[::-1], tmp_path), found[::-1])
    assert network.shown == 10, "kept"
    look(network, images[:1], tmp_path, b"another network")
    assert network.shown == 12


def test_what_is_seen_of_a_withdrawn_photograph_is_forgotten(tmp_path: Path) -> None:
    images, network = list(make_cases(tmp_path, {"train": {"Nev": 3}})["image"]), MeanColours()
    look(network, images, tmp_path)
    forget_seen(tmp_path, images[:1])
    look(network, images[1:], tmp_path)
    assert network.shown == 6
    look(network, images, tmp_path)
    assert network.shown == 8
    forget_seen(tmp_path / "elsewhere", images)
