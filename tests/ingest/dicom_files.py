"""DICOM files of drawn pictures with everything in them that must not be kept, odd in one way where asked."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import convert_color_space
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
    generate_uid,
)

from tests.ingest.deliveries import draw

VL_PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4"
DERMOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.7"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
SECRETS = (b"SecretName", b"SecretNumber", b"SecretStreet", b"SecretDoctor", b"SecretMaker", b"19611213")


def dicom(picture: Image.Image | None = None, syntax: str = ExplicitVRLittleEndian, **tags: object) -> bytes:
    """A DICOM file of a picture; `tags` change it at the end, a None takes a tag out."""
    picture = draw(1) if picture is None else picture
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(str(tags.get("SOPClassUID", VL_PHOTOGRAPHIC)))
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["a"])
    meta.TransferSyntaxUID = UID(syntax)
    data = Dataset()
    data.file_meta = meta
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.PatientName, data.PatientID, data.PatientBirthDate = "SecretName^A", "SecretNumber", "19611213"
    data.PatientAddress, data.ReferringPhysicianName, data.Manufacturer = "SecretStreet", "SecretDoctor", "SecretMaker"
    data.add_new(0x00091010, "LO", "SecretNumber")  # a private one
    data.Rows, data.Columns = picture.height, picture.width
    data.SamplesPerPixel, data.PhotometricInterpretation = (1, "MONOCHROME2") if picture.mode == "L" else (3, "RGB")
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    if data.SamplesPerPixel == 3:
        data.PlanarConfiguration = 0
    values = np.asarray(picture)
    if syntax == RLELossless:
        data.PixelData = values.tobytes()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    elif UID(syntax).is_encapsulated:
        data.PixelData = encapsulate([stream(picture, syntax)])
        if syntax == JPEGBaseline8Bit and data.SamplesPerPixel == 3:
            data.PhotometricInterpretation = "YBR_FULL_422"
        data["PixelData"].is_undefined_length = True
    else:
        data.PixelData = padded(values.tobytes())
    for name, value in tags.items():
        if value is None:
            del data[name]
        else:
            setattr(data, name, value)
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def stream(picture: Image.Image, syntax: str) -> bytes:
    """A picture coded as a transfer syntax asks for."""
    if syntax == JPEGLosslessSV1:
        return lossless_jpeg(np.asarray(picture))
    buffer = io.BytesIO()
    if syntax == JPEGBaseline8Bit:
        picture.save(buffer, "JPEG", quality=95, subsampling=0)
    elif syntax == JPEG2000Lossless:
        picture.save(buffer, "JPEG2000", no_jp2=True, irreversible=False)
    return buffer.getvalue() or b"none"


def padded(content: bytes) -> bytes:
    return content + bytes(len(content) % 2)


def ybr(picture: Image.Image) -> np.ndarray:
    """Its values as YBR_FULL."""
    return convert_color_space(np.asarray(picture), "RGB", "YBR_FULL")


def lossless_jpeg(values: np.ndarray) -> bytes:
    """Lossless JPEG of 8-bit values [height, width(, 3)]: ITU-T T.81, process 14, predicted from the left."""
    values = values[..., None] if values.ndim == 2 else values
    height, width, samples = values.shape
    signed = values.astype(int)
    before = np.empty_like(signed)
    before[:, 1:], before[1:, 0], before[0, 0] = signed[:, :-1], signed[:-1, 0], 128
    bits = []
    for difference in (signed - before).reshape(-1):
        size = int(abs(difference)).bit_length()
        bits.append(f"{size:04b}")
        if size:
            bits.append(f"{difference if difference > 0 else difference + (1 << size) - 1:0{size}b}")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    scan = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")

    def segment(mark: int, content: bytes) -> bytes:
        return bytes([0xFF, mark]) + (len(content) + 2).to_bytes(2, "big") + content

    codes = bytes([0, 0, 0, 9, *[0] * 12, *range(9)])  # sizes 0 to 8, each with the 4 bits of its own number
    parts = b"".join(bytes([number + 1, 0x11, 0]) for number in range(samples))
    frame = bytes([8]) + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([samples]) + parts
    chosen = bytes([samples]) + b"".join(bytes([number + 1, 0]) for number in range(samples)) + bytes([1, 0, 0])
    return (
        b"\xff\xd8" + segment(0xC3, frame) + segment(0xC4, b"\0" + codes) + segment(0xDA, chosen) + scan + b"\xff\xd9"
    )


def write_dicom(folder: Path, name: str, picture: Image.Image | None = None, **tags: object) -> Path:
    """Such a file in a folder."""
    (folder / name).write_bytes(dicom(picture, **tags))  # type: ignore[arg-type]
    return folder / name
