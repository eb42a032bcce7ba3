"""How large a photograph may be: asked of a file's header, before anything is decoded."""

from __future__ import annotations

from dermai.ingest.unusable import UnusablePhotograph
from dermai.language.messages import message

MOST_PIXELS = 80_000_000  # decoded, 240 MB; below Pillow's own warning
MOST_BYTES = 200_000_000
LONGEST_SIDE = 65_500  # pixels; JPEG has no more


def check_bytes(size: int) -> None:
    """Refuse a file of no or too many bytes.

    Raises:
        UnusablePhotograph: it is empty, or larger than any photograph.
    """
    if size == 0:
        raise UnusablePhotograph(message("the file is empty (0 bytes)"), message("export the photograph again"))
    if size > MOST_BYTES:
        raise UnusablePhotograph(
            message("the file is larger than %(number)s MB", number=MOST_BYTES // 10**6), message("export it as JPEG")
        )


def check_size(width: int, height: int, smallest_side: int = 1) -> None:
    """Refuse a picture with sides, in pixels, that cannot be decoded safely, stored, or judged.

    Raises:
        UnusablePhotograph: more pixels than any camera makes, longer than a JPEG can be, or too small.
    """
    if width * height > MOST_PIXELS:
        raise too_many_pixels()
    if max(width, height) > LONGEST_SIDE:
        raise UnusablePhotograph(
            message(
                "%(width)s x %(height)s px is too long: a JPEG ends at %(number)s px a side",
                width=width,
                height=height,
                number=LONGEST_SIDE,
            ),
            message("export it in a size a camera makes"),
        )
    if min(width, height) < smallest_side:
        raise UnusablePhotograph(
            message(
                "%(width)s x %(height)s px is too small: the shorter side needs %(number)s px",
                width=width,
                height=height,
                number=smallest_side,
            ),
            message("send the photograph in its original size"),
        )


def too_many_pixels() -> UnusablePhotograph:
    """What is said of a picture with more pixels than are decoded."""
    said = message("more than %(number)s million pixels: not decoded", number=MOST_PIXELS // 10**6)
    return UnusablePhotograph(said, message("export it in a size a camera makes"))
