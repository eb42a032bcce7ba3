"""Small pictures inside a page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

LONGEST_SIDE = 160
QUALITY = 80


def thumbnail(path: Path) -> str:
    """A photograph as a data URI: decoded and encoded anew, at most 160 px on its longer side, without metadata.

    A photograph that cannot be read gives a grey square, so that a report never fails for a picture.
    """
    from PIL import Image

    try:
        with Image.open(path) as photograph:
            photograph.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            small = photograph.convert("RGB")
    except OSError:
        small = Image.new("RGB", (LONGEST_SIDE, LONGEST_SIDE), (200, 204, 210))
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    # A new image carries pixels only: no EXIF, no comment, no colour profile.
    clean = Image.new("RGB", small.size)
    clean.paste(small)
    stream = io.BytesIO()
    clean.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
