"""Photographs in DICOM files: which are read, and their pixels in RGB or grey, without any tag."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dermai.ingest.formats import check_brightness
from dermai.ingest.limits import check_size
from dermai.ingest.unusable import UnusablePhotograph
from dermai.language.messages import message

if TYPE_CHECKING:
    from pydicom import Dataset

DERMOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.7"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
KINDS = ("1.2.840.10008.5.1.4.1.1.77.1.4", DERMOSCOPIC, SECONDARY_CAPTURE)  # the first: VL Photographic
UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
RUN_LENGTH = "1.2.840.10008.1.2.5"
LOSSLESS_JPEG = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", *LOSSLESS_JPEG)
JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
GREYS = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
HEADER = (
    "SOPClassUID", "BurnedInAnnotation", "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PlanarConfiguration", "PhotometricInterpretation", "ICCProfile",
    "OpticalPathSequence",
)  # fmt: skip
PALETTES = tuple(
    f"{colour}PaletteColorLookupTable{part}" for colour in ("Red", "Green", "Blue") for part in ("Descriptor", "Data")
)
NEEDED = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PhotometricInterpretation")
EXPORT = message("export the photograph as JPEG or PNG")
AGAIN = message("export the photograph again")


def read_header(path: Path, tags: tuple[str, ...]) -> Dataset:
    """Some tags of a DICOM file, without its pixels.

    Raises:
        UnusablePhotograph: its transfer syntax is not read.
        Exception: whatever pydicom raises on a damaged file.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info

    _check_syntax(
        str(read_file_meta_info(path).get("TransferSyntaxUID", ""))
    )  # one that is deflated would be inflated whole
    return dcmread(path, stop_before_pixels=True, specific_tags=list(tags))


def open_dicom(path: Path, smallest_side: int = 1) -> Image.Image:
    """The photograph of a DICOM file; everything is asked of its header before a pixel is decoded.

    Raises:
        UnusablePhotograph: of another kind, in a form that is not read, or with writing in the picture.
        Exception: whatever pydicom and Pillow raise on a damaged file.
    """
    from pydicom import dcmread

    header = read_header(path, HEADER)
    _check_kind(header)
    missing = [name for name in NEEDED if header.get(name) in (None, "")]
    if missing:
        raise UnusablePhotograph(message("the DICOM is damaged: it lacks %(tags)s", tags=" and ".join(missing)), AGAIN)
    check_size(int(header.Columns), int(header.Rows), smallest_side)
    _check_values(header)
    data = dcmread(path, specific_tags=[*HEADER, *PALETTES, "PixelData"])
    if "PixelData" not in data or "Rows" not in data:
        raise UnusablePhotograph(message("the DICOM holds no picture, or not all of it"), AGAIN)
    picture = _picture(data)
    profile = _colour_profile(data)
    if profile:
        picture.info["icc_profile"] = profile
    return picture


def _check_syntax(syntax: str) -> None:
    from pydicom.uid import UID

    if not syntax:
        raise UnusablePhotograph(message("the DICOM is damaged: it names no transfer syntax"), AGAIN)
    if syntax not in (*UNCOMPRESSED, RUN_LENGTH, *JPEG, *JPEG_2000):
        name = UID(syntax).name
        raise UnusablePhotograph(
            message("DICOM with the transfer syntax %(name)s, which is not read", name=name), EXPORT
        )


def _check_kind(header: Dataset) -> None:
    from pydicom.uid import UID

    kind = UID(str(header.get("SOPClassUID", "")))
    if kind not in KINDS:
        name = kind.name or message("that it does not say")
        raise UnusablePhotograph(message("DICOM of the kind %(name)s, which is not read", name=name), EXPORT)
    if str(header.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        said = message("DICOM that says that writing is burnt into its picture (BurnedInAnnotation), perhaps a name")
        raise UnusablePhotograph(
            said, message("export it without the writing, or set the tag to NO where it names nobody")
        )
    frames = int(header.get("NumberOfFrames") or 1)
    if frames > 1:
        raise UnusablePhotograph(
            message("DICOM with %(number)s frames, of which none is chosen", number=frames),
            message("send each photograph by itself"),
        )


def _check_values(header: Dataset) -> None:
    colours = str(header.PhotometricInterpretation)
    allocated, stored = int(header.BitsAllocated), int(header.get("BitsStored") or header.BitsAllocated)
    found = ""
    if colours not in (*COLOURS, *GREYS, PALETTE):
        found = f"its colours are {colours}"
    elif int(header.SamplesPerPixel) != (3 if colours in COLOURS else 1):
        found = f"its {colours} has {header.SamplesPerPixel} values a pixel"
    elif int(header.get("PixelRepresentation") or 0):
        found = "its values are signed"
    elif allocated not in ((8,) if colours in COLOURS else (8, 16)) or not 1 < stored <= allocated:
        found = f"its values have {stored} of {allocated} bits"
    elif stored > 8 and str(header.file_meta.TransferSyntaxUID) in JPEG:
        found = f"a JPEG whose values have {stored} bits"
    if found:
        raise UnusablePhotograph(message("DICOM of a kind that is not read: %(found)s", found=found), EXPORT)


def _picture(data: Dataset) -> Image.Image:
    """The picture; where Pillow decodes it as it has to be, only opened, so that a large JPEG is decoded smaller."""
    colours, syntax = str(data.PhotometricInterpretation), str(data.file_meta.TransferSyntaxUID)
    if syntax in (*JPEG, *JPEG_2000):
        opened = _compressed(data)
        marked = "jfif" in opened.info or "adobe" in opened.info  # which say the colours themselves
        opened.info = {}  # the stream's own EXIF, which no viewer of DICOM turns a picture by
        if syntax in JPEG and colours in COLOURS and (marked or colours != "RGB" or syntax in LOSSLESS_JPEG):
            if syntax in LOSSLESS_JPEG and colours != "RGB" and not marked:  # as coded: libjpeg does not convert it
                return Image.frombytes("YCbCr", opened.size, opened.tobytes()).convert("RGB")
            return opened
        if syntax in LOSSLESS_JPEG:
            return _grey_or_rgb(np.asarray(opened), data)
    from pydicom.pixels import get_decoder

    values, _ = get_decoder(syntax).as_array(data, index=0)
    return _grey_or_rgb(values, data)


def _compressed(data: Dataset) -> Image.Image:
    """The only frame, opened, whose own header has to say what the file's says."""
    from pydicom.encaps import get_frame

    opened = Image.open(io.BytesIO(get_frame(data.PixelData, 0, number_of_frames=1)), formats=("JPEG", "JPEG2000"))
    if opened.size != (int(data.Columns), int(data.Rows)):
        width, height = opened.size
        said = f"the DICOM is damaged ({data.Columns} x {data.Rows} px, but its picture has {width} x {height})"
        raise UnusablePhotograph(said, AGAIN)
    return opened


def _grey_or_rgb(values: NDArray[Any], data: Dataset) -> Image.Image:
    from pydicom.pixels import apply_color_lut

    colours = str(data.PhotometricInterpretation)
    if colours == PALETTE:
        values = apply_color_lut(values, data)
        if values.dtype.itemsize > 1:
            values = values >> 8
    elif colours in GREYS:
        stored = int(data.get("BitsStored") or data.BitsAllocated)
        highest = (1 << stored) - 1
        scaled = (np.minimum(values, highest).astype(np.float32) * (255 / highest)).round()
        if stored > 14:
            check_brightness(int(scaled.max()))
        values = scaled if colours == "MONOCHROME2" else 255 - scaled
    return Image.fromarray(np.ascontiguousarray(values, dtype=np.uint8))


def _colour_profile(data: Dataset) -> bytes | None:
    for place in (data, *data.get("OpticalPathSequence", ())):
        if place.get("ICCProfile"):
            return bytes(place.ICCProfile)
    return None
