"""How large a photograph may be: asked of a file's header, before anything is decoded."""

from __future__ import annotations

from dermai.ingest.unusable import UnusablePhotograph

MOST_PIXELS = 80_000_000  # decoded, 240 MB; below Pillow's own warning
MOST_BYTES = 200_000_000
LONGEST_SIDE = 65_500  # pixels; JPEG has no more


def check_bytes(size: int) -> None:
    """Refuse a file of no or too many bytes.

    Raises:
        UnusablePhotograph: it is empty, or larger than any photograph.
    """
    if size == 0:
        raise UnusablePhotograph("the file is empty (0 bytes)", "export the photograph again")
    if size > MOST_BYTES:
        raise UnusablePhotograph(f"the file is larger than {MOST_BYTES // 10**6} MB", "export it as JPEG")


def check_size(width: int, height: int, smallest_side: int = 1) -> None:
    """Refuse a picture with sides, in pixels, that cannot be decoded safely, stored, or judged.

    Raises:
        UnusablePhotograph: more pixels than any camera makes, longer than a JPEG can be, or too small.
    """
    if width * height > MOST_PIXELS:
        raise too_many_pixels()
    if max(width, height) > LONGEST_SIDE:
        raise UnusablePhotograph(
            f"{width} x {height} px is too long: a JPEG ends at {LONGEST_SIDE} px a side",
            "export it in a size a camera makes",
        )
    if min(width, height) < smallest_side:
        raise UnusablePhotograph(
            f"{width} x {height} px is too small: the shorter side needs {smallest_side} px",
            "send the photograph in its original size",
        )


def too_many_pixels() -> UnusablePhotograph:
    """What is said of a picture with more pixels than are decoded."""
    said = f"more than {MOST_PIXELS // 10**6} million pixels: not decoded"
    return UnusablePhotograph(said, "export it in a size a camera makes")
