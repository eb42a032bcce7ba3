"""One photograph made safe: decoded, upright, sRGB, small, and without any metadata."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from dermai.files import sha256_bytes
from dermai.ingest.dicom_photographs import open_dicom
from dermai.ingest.formats import (
    DICOM,
    EXPORT,
    FORMATS,
    check_brightness,
    check_form,
    has_16_bits,
    kind_decoded_apart,
    name_format,
)
from dermai.ingest.heif import HEIC, open_heif
from dermai.ingest.limits import check_size, too_many_pixels
from dermai.ingest.unusable import UnusablePhotograph
from dermai.language.messages import message

ORIENTATION = 0x0112  # EXIF
TURNS = {  # by the orientation, what turns the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
UPRIGHT = (HEIC, DICOM)  # as they are decoded, whatever EXIF in them says


@dataclass(frozen=True)
class Photograph:
    """What is stored of a photograph: JPEG bytes, named by their hash."""

    content: bytes
    image: str


def sanitised(path: Path, shorter_side: int, quality: int, smallest_side: int = 1) -> Photograph:
    """Decode, orient, convert to sRGB, shrink (never enlarge) and encode anew; the same bytes for the same file.

    Raises:
        UnusablePhotograph: not a photograph, damaged, too large to decode safely, or too small to be of use.
    """
    kind = kind_decoded_apart(path)
    try:
        with _opened(path, kind, smallest_side) as opened:
            picture = _decoded(opened, shorter_side, smallest_side, upright=kind in UPRIGHT)
    except Image.DecompressionBombError:
        raise too_many_pixels() from None
    except UnidentifiedImageError:
        raise UnusablePhotograph(
            message("the %(kind)s is damaged", kind=kind) if kind else name_format(path), EXPORT
        ) from None
    except UnusablePhotograph:
        raise
    except Exception as error:  # whatever the decoders raise on damaged files
        said, what = " ".join(str(error).split()) or type(error).__name__, kind or message("photograph")
        truncated = message("the %(kind)s is truncated (%(why)s)", kind=what, why=said)
        damaged = message("the %(kind)s is damaged (%(why)s)", kind=what, why=said)
        raise UnusablePhotograph(
            truncated if "truncated" in said.lower() else damaged, message("export the photograph again")
        ) from None
    width, height = picture.size
    scale = shorter_side / min(width, height)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    try:
        # From bare pixels: nothing that the file said about itself (comments, EXIF, profiles) can come along
        Image.fromarray(np.asarray(picture)).save(buffer, "JPEG", quality=quality, subsampling=0)
    except (OSError, ValueError) as error:
        raise UnusablePhotograph(
            message("it cannot be stored as JPEG (%(why)s)", why=error), message("export it in a usual size")
        ) from None
    content = buffer.getvalue()
    return Photograph(content, sha256_bytes(content))


def _opened(path: Path, kind: str, smallest_side: int) -> Image.Image:
    if kind == DICOM:
        return open_dicom(path, smallest_side)
    return open_heif(path, kind) if kind else Image.open(path, formats=FORMATS)


def _decoded(opened: Image.Image, shorter_side: int, smallest_side: int, upright: bool) -> Image.Image:
    """The pixels of an opened file, upright and sRGB."""
    check_size(*opened.size, smallest_side)
    check_form(opened)
    sixteen = has_16_bits(opened)
    turn = None if upright else _turn(opened)
    # A JPEG decoded at a half, quarter or eighth of its size, still at least twice what is kept
    opened.draft(None, (2 * shorter_side, 2 * shorter_side))
    opened.load()
    picture = _srgb(opened)
    if sixteen:
        check_brightness(int(np.asarray(picture).max()))
    return picture if turn is None else picture.transpose(turn)


def _turn(opened: Image.Image) -> Image.Transpose | None:
    """What turns the picture upright. Nothing else is read of what a file says about itself, and nothing rewritten."""
    try:
        if isinstance(opened, TiffImageFile):
            opened.load_end = lambda: None  # type: ignore[method-assign] # Pillow would turn it and rewrite its EXIF
            found = opened.tag_v2.get(ORIENTATION, 1)
        else:
            found = opened.getexif().get(ORIENTATION, 1)
    except Exception:  # a damaged block of EXIF says nothing; the picture may be sound
        return None
    return TURNS.get(found) if isinstance(found, int) else None


def _srgb(picture: Image.Image) -> Image.Image:
    """8-bit sRGB: palettes resolved, 16 bits scaled, transparency laid on white, colour profiles applied."""
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith(("I", "F")):
        return _eight_bits(picture).convert("RGB")
    if picture.mode in ("P", "PA", "LA", "La", "RGBa", "1"):
        picture = picture.convert("RGBA")
    if picture.mode == "RGBA" or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None  # an unreadable or unfitting profile: the plain conversion below
        if converted is not None:
            return converted
    return picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey values of 16 bits as 8 bits."""
    values = np.asarray(picture, dtype=np.float32) / 257.0
    if picture.mode.startswith("F") or values.min(initial=0.0) < 0 or values.max(initial=0.0) > 255:
        raise UnusablePhotograph(message("its values are signed, of floating point or of more than 16 bits"), EXPORT)
    return Image.fromarray(values.round().astype(np.uint8))
