"""Which files are read as photographs: what a file is by its first bytes, and forms that Pillow may decode wrongly."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from dermai.ingest.heif import AVIF, HEIC, heif_kind
from dermai.ingest.heif_properties import brands
from dermai.ingest.unusable import UnusablePhotograph
from dermai.language.messages import message

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")  # what Pillow decodes; JPEG covers MPO
DICOM = "DICOM"
READ = (*FORMATS, HEIC, AVIF, DICOM)
EXPORT = message("export it as JPEG or PNG")
SIGNATURES = (  # offset, bytes, what such a file is
    (0, b"GIF8", "GIF"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
)
# Tags of TIFF 6.0
SUBFILE, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANAR, SAMPLE_FORMAT = 254, 258, 259, 262, 277, 284, 339
DNG_VERSION = 50706
JPEG_COMPRESSIONS = (6, 7)
BLACK_IS_ZERO, RGB, YCBCR = 1, 2, 6
MOST_PAGES = 8  # looked at; one page more than the picture is refused anyway


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM by its mark, whatever its name says."""
    return _first_bytes(path)[-4:] == b"DICM"


def kind_decoded_apart(path: Path) -> str:
    """HEIC, AVIF or DICOM, whatever the file's name says; "" for what Pillow opens by itself, and for anything else."""
    return DICOM if is_dicom(path) else heif_kind(_first_bytes(path))


def name_format(path: Path) -> str:
    """What a file that is no photograph is, for a person: `PDF, which is not read`, or that it is none."""
    first = _first_bytes(path)
    if brands(first):
        return message("a film, which is not read")
    for offset, signature, name in SIGNATURES:
        if first[offset:].startswith(signature):
            return f"{name}, which is not read"
    return f"not a photograph, whatever its name says (read: {', '.join(READ)})"


def check_form(opened: Image.Image) -> None:
    """Refuse what is no single picture, or of a form in which Pillow's pixels are not sure to be the picture's.

    Raises:
        UnusablePhotograph: an animation, several pages, a raw file, or values that are not plain 1, 8 or 16 bits.
    """
    if isinstance(opened, TiffImageFile):
        _check_pages(opened)
        _check_values(opened)
    elif opened.format in ("PNG", "WEBP") and getattr(opened, "n_frames", 1) > 1:
        raise UnusablePhotograph(message("it is an animation"), message("export one picture as JPEG"))


def has_16_bits(opened: Image.Image) -> bool:
    """Whether a value of the file has 16 bits; to be asked before its pixels are loaded."""
    return opened.mode.startswith("I") or any("16" in str(tile.args) for tile in getattr(opened, "tile", ()))


def check_brightness(highest: int) -> None:
    """Refuse 16-bit values, of which `highest` is the highest as 8 bits, that fill 14 bits or fewer.

    Sensors give 10, 12 or 14 bits, and a file does not say where in 16 they lie: the picture would come out dark.

    Raises:
        UnusablePhotograph: they do.
    """
    if highest < 64:
        said = message("its values fill 14 of 16 bits or fewer, so that nobody can say how bright it is")
        raise UnusablePhotograph(said, message("export it with 8 bits, as JPEG or PNG"))


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(132)  # DICOM's mark ends there


def _check_pages(opened: TiffImageFile) -> None:
    if DNG_VERSION in opened.tag_v2:
        raise UnusablePhotograph(message("a raw file (DNG), which is not read"), EXPORT)
    full = []
    for page in range(min(opened.n_frames, MOST_PAGES)):
        opened.seek(page)
        if not int(opened.tag_v2.get(SUBFILE, 0)) & 1:  # else a smaller copy of another page
            full.append(page)
    opened.seek(0)
    if opened.n_frames > MOST_PAGES or len(full) > 1:
        raise UnusablePhotograph(
            message("it has several pages"), message("export the page with the photograph as JPEG or PNG")
        )
    if full != [0]:
        raise UnusablePhotograph(message("its first page is only a preview (a raw file?)"), EXPORT)


def _check_values(opened: TiffImageFile) -> None:
    tags = opened.tag_v2
    samples, bits = int(tags.get(SAMPLES, 1)), _numbers(tags.get(BITS, 1))
    photometric, compression = tags.get(PHOTOMETRIC), tags.get(COMPRESSION, 1)
    found = ""
    if set(_numbers(tags.get(SAMPLE_FORMAT, 1))) != {1}:
        found = "its values are signed or of floating point"
    elif samples > 1 and tags.get(PLANAR, 1) != 1:
        found = "its colours lie in separate planes"
    elif len(set(bits)) != 1 or bits[0] not in (1, 8, 16):
        found = f"its values have {' and '.join(map(str, sorted(set(bits))))} bits"
    elif photometric not in (0, 1, 2, 3, 5, YCBCR):
        found = "its colours are of another kind than RGB, grey, CMYK or YCbCr"
    elif bits[0] == 16 and photometric not in (BLACK_IS_ZERO, RGB):
        found = "its values have 16 bits and are neither RGB nor grey from black to white"
    elif photometric == YCBCR and compression not in JPEG_COMPRESSIONS:
        found = "its colours are YCbCr without JPEG"
    if found:
        raise UnusablePhotograph(message("a TIFF of a kind that is not read: %(found)s", found=found), EXPORT)


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(map(int, value)) if isinstance(value, tuple) else (int(str(value)),)
