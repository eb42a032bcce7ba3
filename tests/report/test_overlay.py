"""The evidence is laid where the network saw it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dermai.images.lesion import lesion_rectangle
from dermai.report.overlay import heat_overlay


@pytest.mark.parametrize("crop", ["none", "lesion"])
def test_the_map_lies_on_the_part_that_the_network_saw(tmp_path: Path, crop: str) -> None:
    y, x = np.mgrid[0:160, 0:160]
    disc = (y - 110) ** 2 + (x - 60) ** 2 < 18**2
    pixels = np.where(disc[..., None], 70, 190).repeat(3, axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photograph.png")
    address = heat_overlay(tmp_path / "photograph.png", np.ones((7, 7), np.float32), crop)
    drawn = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))
    orange = np.asarray(drawn, dtype=int)[..., 0] - np.asarray(drawn, dtype=int)[..., 2] > 60
    expected = np.zeros_like(orange)
    expected[lesion_rectangle(pixels) if crop == "lesion" else slice(None)] = True
    assert (orange == expected).mean() > 0.97
    assert expected.mean() < 0.5 or crop == "none"
