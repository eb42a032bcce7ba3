"""One photograph made safe: decoded, upright, sRGB, small, and without any metadata."""

from __future__ import annotations

import io
import stat
import struct
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from dermai.files import sha256_bytes

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")  # JPEG covers MPO
MOST_PIXELS = 80_000_000  # decoded, 240 MB; below Pillow's own warning
MOST_BYTES = 200_000_000


class UnusablePhotograph(Exception):
    """A file that cannot become a photograph of the dataset: why, and how to fix it."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


@dataclass(frozen=True)
class Photograph:
    """What is stored of a photograph: JPEG bytes, named by their hash."""

    content: bytes
    image: str


def locate(folder: Path, file: str) -> Path:
    """The path of a file that a table names, which must lie inside the folder and be no link.

    Raises:
        UnusablePhotograph: the name leads out of the folder, over a link, or to nothing.
    """
    name = PurePosixPath(file)
    if not file or "\0" in file:
        raise UnusablePhotograph("no file is named", "fill in the file's path relative to the folder")
    if name.is_absolute() or ".." in name.parts:
        raise UnusablePhotograph("the path leaves the folder", "name a file inside the folder, relative to it")
    path = folder
    for part in name.parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except (OSError, ValueError):  # not there, no permission, or a name that no file can have
            raise UnusablePhotograph("the file is missing", "add the file, or take its row out") from None
        if stat.S_ISLNK(mode):
            raise UnusablePhotograph("the path goes over a symbolic link", "put the file itself into the folder")
    if not path.is_file():
        raise UnusablePhotograph("the path is not a file", "name a photograph")
    return path


def sanitise(path: Path, shorter_side: int, quality: int, smallest_side: int = 1) -> Photograph:
    """Decode, orient, convert to sRGB, shrink (never enlarge) and encode anew; the same bytes for the same file.

    Raises:
        UnusablePhotograph: not a photograph, damaged, too large to decode safely, or too small to be of use.
    """
    if path.stat().st_size == 0:
        raise UnusablePhotograph("the file is empty (0 bytes)", "export the photograph again")
    if path.stat().st_size > MOST_BYTES:
        raise UnusablePhotograph(f"the file is larger than {MOST_BYTES // 10**6} MB", "export it as JPEG")
    try:
        with Image.open(path, formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:
                raise Image.DecompressionBombError
            if min(width, height) < smallest_side:
                raise UnusablePhotograph(
                    f"{width} x {height} px is too small: the shorter side needs {smallest_side} px",
                    "send the photograph in its original size",
                )
            # A JPEG decoded at a half, quarter or eighth of its size, still at least twice what is kept
            opened.draft(None, (2 * shorter_side, 2 * shorter_side))
            picture = _srgb(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError:
        raise UnusablePhotograph(
            f"more than {MOST_PIXELS // 10**6} million pixels: not decoded", "export it in a size a camera makes"
        ) from None
    except UnidentifiedImageError:
        raise UnusablePhotograph(
            f"not a photograph, whatever its name says (read: {', '.join(FORMATS)})", "export it as JPEG or PNG"
        ) from None
    # Pillow's decoders raise any of these on damaged files
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, struct.error) as error:
        reason = "truncated" if "truncated" in str(error).lower() else "damaged"
        raise UnusablePhotograph(f"the photograph is {reason} ({error})", "export the photograph again") from None
    width, height = picture.size
    scale = shorter_side / min(width, height)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # From bare pixels: nothing that the file said about itself (comments, EXIF, profiles) can come along
    Image.fromarray(np.asarray(picture)).save(buffer, "JPEG", quality=quality, subsampling=0)
    content = buffer.getvalue()
    return Photograph(content, sha256_bytes(content))


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
    """Grey values of 16 or 32 bits, or floating point, as 8 bits."""
    values = np.asarray(picture, dtype=np.float32)
    if picture.mode == "F" and values.max(initial=0.0) <= 1.0:
        values = values * 255.0
    elif picture.mode.startswith("I") and (picture.mode != "I" or values.max(initial=0.0) > 255.0):
        values = values / 257.0
    return Image.fromarray(np.clip(np.nan_to_num(values), 0, 255).round().astype(np.uint8))
