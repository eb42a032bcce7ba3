from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dermai.report.thumbnails import LONGEST_SIDE, thumbnail
from tests.report.example_update import draw_photograph


def decoded(address: str) -> Image.Image:
    head, content = address.split(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_thumbnail_is_small_and_carries_no_metadata(tmp_path: Path) -> None:
    draw_photograph(tmp_path / "photograph.jpg", np.random.default_rng(1))
    assert Image.open(tmp_path / "photograph.jpg").getexif()
    small = decoded(thumbnail(tmp_path / "photograph.jpg"))
    assert small.size == (LONGEST_SIDE, 120)
    assert not small.getexif()
    assert set(small.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_photograph_that_cannot_be_read_leaves_a_grey_square(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "photograph.jpg"
    if content is not None:
        path.write_bytes(content)
    assert decoded(thumbnail(path)).size == (LONGEST_SIDE, LONGEST_SIDE)
