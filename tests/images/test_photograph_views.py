"""Views of a photograph: decoded once, each as its own cache would keep it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dermai.data.cases import photograph_path
from dermai.files import sha256_bytes, write_bytes
from dermai.images.photograph_views import PhotographViews
from dermai.images.pixels import PixelCache, decode_photograph


def store(folder: Path, side: int = 120) -> str:
    """A dark spot off the middle, as a stored photograph; its name."""
    pixels = np.full((side, side, 3), (220, 180, 160), np.uint8)
    pixels[20:50, 25:60] = (90, 50, 40)
    file = folder / "photograph.jpg"
    Image.fromarray(pixels).save(file, quality=95)
    content = file.read_bytes()
    write_bytes(photograph_path(folder, sha256_bytes(content)), content)
    return sha256_bytes(content)


def test_each_view_is_what_its_own_cache_keeps(tmp_path: Path) -> None:
    image = store(tmp_path)
    views = PhotographViews(tmp_path / "a", 64, "bilinear", ("whole", "centre", "lesion"))
    views.fill([image], tmp_path)
    found = views.read([image])
    assert found.shape == (1, 3, 64, 64, 3)
    for place, crop in enumerate(("none", "centre", "lesion")):
        alone = PixelCache(tmp_path / "b", 64, "bilinear", crop)
        alone.fill([image], tmp_path)
        assert np.array_equal(found[0, place], alone.read([image])[0])
    assert len({view.tobytes() for view in found[0]}) == 3


def test_a_photograph_is_decoded_once_for_all_views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, decoded = store(tmp_path), []
    monkeypatch.setattr(
        "dermai.images.pixels.decode_photograph",
        lambda *given: decoded.append(given[0]) or decode_photograph(*given),
    )
    views = PhotographViews(tmp_path / "a", 64, "bilinear", ("whole", "lesion"))
    views.fill([image], tmp_path)
    views.fill([image], tmp_path)
    assert decoded == [image]


def test_a_view_that_was_not_kept_before_is_added(tmp_path: Path) -> None:
    image = store(tmp_path)
    PhotographViews(tmp_path / "a", 64, "bilinear", ("whole",)).fill([image], tmp_path)
    views = PhotographViews(tmp_path / "a", 64, "bilinear", ("whole", "lesion"))
    views.fill([image], tmp_path)
    assert views.read([image]).shape == (1, 2, 64, 64, 3)
