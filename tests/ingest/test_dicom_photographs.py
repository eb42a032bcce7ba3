from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from dermai.ingest.photographs import sanitise
from dermai.ingest.unusable import UnusablePhotograph
from dermai.ingest.wide_colours import profile_of
from tests.ingest.deliveries import draw
from tests.ingest.dicom_files import (
    DERMOSCOPIC,
    ENCAPSULATED_PDF,
    SECONDARY_CAPTURE,
    SECRETS,
    VL_PHOTOGRAPHIC,
    dicom,
    lossless_jpeg,
    ybr,
)
from tests.ingest.test_photographs import difference, exif

CODING = 4.5  # mean difference of values that the stored JPEG makes
READ = (
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLosslessSV1, JPEG2000Lossless, RLELossless,
)  # fmt: skip
GREY = draw(1).convert("L")
NEGATIVE = Image.fromarray(255 - np.asarray(GREY))


def content_of(folder: Path, content: bytes, name: str = "a.dcm") -> bytes:
    (folder / name).write_bytes(content)
    return sanitise(folder / name, 448, 92, 8).content


def stored(folder: Path, content: bytes, name: str = "a.dcm") -> Image.Image:
    return Image.open(io.BytesIO(content_of(folder, content, name)))


def refused(folder: Path, content: bytes) -> str:
    with pytest.raises(UnusablePhotograph) as caught:
        content_of(folder, content)
    assert caught.value.fix
    assert not any(secret.decode() in caught.value.reason for secret in SECRETS)
    return caught.value.reason


@pytest.mark.parametrize("syntax", READ)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_each_transfer_syntax_gives_the_picture_and_nothing_of_its_tags(tmp_path: Path, syntax: str, mode: str) -> None:
    content = dicom(draw(1).convert(mode), syntax)
    assert all(secret in content for secret in SECRETS)
    kept = content_of(tmp_path, content)
    assert not any(secret in kept for secret in (*SECRETS, b"DICM", b"Exif"))
    assert difference(Image.open(io.BytesIO(kept)), draw(1).convert(mode).convert("RGB")) < CODING


@pytest.mark.parametrize("kind", [VL_PHOTOGRAPHIC, DERMOSCOPIC, SECONDARY_CAPTURE])
@pytest.mark.parametrize("name", ["a.dcm", "a.jpg", "IM0001"])
def test_each_kind_is_read_whatever_its_name_says(tmp_path: Path, kind: str, name: str) -> None:
    assert difference(stored(tmp_path, dicom(SOPClassUID=kind), name), draw(1)) < CODING


def test_big_endian_files_are_read(tmp_path: Path) -> None:
    assert difference(stored(tmp_path, dicom(syntax=ExplicitVRBigEndian)), draw(1)) < CODING


def unmarked(values: Image.Image, **tags: object) -> bytes:
    """A JPEG of three values a pixel as they are, which says nothing of its colours; the tags do."""
    buffer = io.BytesIO()
    values.save(buffer, "JPEG", quality=95, subsampling=0, keep_rgb=True)
    stream = buffer.getvalue()
    place = stream.index(b"\xff\xee")  # Adobe's segment
    stream = stream[:place] + stream[place + 2 + int.from_bytes(stream[place + 2 : place + 4], "big") :]
    for number, letter in enumerate(b"RGB", 1):  # Pillow names the three values so, which says it too
        stream = stream.replace(bytes([letter, 0x11, 0]), bytes([number, 0x11, 0]), 1)
        stream = stream.replace(bytes([letter, 0x00]), bytes([number, 0x00]), 1)
    return dicom(
        values, JPEGBaseline8Bit, **{"PhotometricInterpretation": "RGB", **tags}, PixelData=encapsulate([stream])
    )


def palette() -> dict[str, object]:
    """Tags of a picture in 64 colours."""
    picture = draw(1).quantize(64)
    colours = np.asarray(picture.getpalette(), dtype=np.uint16)[: 3 * 64].reshape(64, 3) * 257
    tags: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR", "PixelData": picture.tobytes()}
    for place, name in enumerate(("Red", "Green", "Blue")):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [64, 0, 16]
        tags[f"{name}PaletteColorLookupTableData"] = colours[:, place].tobytes()
    return tags


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (dicom(GREY, PhotometricInterpretation="MONOCHROME1"), NEGATIVE),
        (dicom(GREY, **palette()), draw(1).quantize(64).convert("RGB")),
        (dicom(PhotometricInterpretation="YBR_FULL", PixelData=ybr(draw(1)).tobytes()), draw(1)),
        (dicom(PlanarConfiguration=1, PixelData=np.asarray(draw(1)).transpose(2, 0, 1).tobytes()), draw(1)),
        (dicom(Image.fromarray(ybr(draw(1))), RLELossless, PhotometricInterpretation="YBR_FULL"), draw(1)),
        (dicom(Image.fromarray(ybr(draw(1))), JPEGLosslessSV1, PhotometricInterpretation="YBR_FULL"), draw(1)),
        (dicom(GREY, JPEGLosslessSV1, PhotometricInterpretation="MONOCHROME1"), NEGATIVE),
        (dicom(GREY, JPEGBaseline8Bit, PhotometricInterpretation="MONOCHROME1"), NEGATIVE),
        (unmarked(draw(1)), draw(1)),
        (unmarked(Image.fromarray(ybr(draw(1))), PhotometricInterpretation="YBR_FULL_422"), draw(1)),
        (dicom(syntax=JPEG2000Lossless, PhotometricInterpretation="YBR_RCT"), draw(1)),
        (dicom(syntax=JPEGBaseline8Bit, PhotometricInterpretation="RGB"), draw(1)),  # a JFIF all the same
    ],
)
def test_each_kind_of_colours_becomes_srgb(tmp_path: Path, content: bytes, expected: Image.Image) -> None:
    assert difference(stored(tmp_path, content), expected.convert("RGB")) < CODING


@pytest.mark.parametrize(("bits", "factor"), [(12, 16), (16, 257)])
def test_greys_of_more_bits_are_scaled_by_the_bits_that_are_used(tmp_path: Path, bits: int, factor: int) -> None:
    values = (np.asarray(GREY).astype("<u2") * factor).tobytes()
    content = dicom(GREY, BitsAllocated=16, BitsStored=bits, HighBit=bits - 1, PixelData=values)
    assert difference(stored(tmp_path, content), GREY.convert("RGB")) < CODING


def test_a_colour_profile_is_applied_and_gone(tmp_path: Path) -> None:
    profile = profile_of(12)
    assert profile is not None
    kept = content_of(tmp_path, dicom(ICCProfile=profile))
    expected = ImageCms.profileToProfile(
        draw(1), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    )
    assert expected is not None
    assert b"ICC_PROFILE" not in kept
    assert difference(Image.open(io.BytesIO(kept)), expected) < CODING < difference(expected, draw(1))


def test_lossless_jpeg_as_made_here_is_lossless() -> None:
    with Image.open(io.BytesIO(lossless_jpeg(np.asarray(draw(1))))) as opened:
        assert np.array_equal(np.asarray(opened), np.asarray(draw(1)))


def test_the_exif_of_a_stream_in_a_dicom_does_not_turn_it_and_is_gone(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    draw(1).save(buffer, "JPEG", quality=95, exif=exif(6))
    kept = content_of(tmp_path, dicom(syntax=JPEGBaseline8Bit, PixelData=encapsulate([buffer.getvalue()])))
    assert b"SecretCameraMaker" not in kept
    assert difference(Image.open(io.BytesIO(kept)), draw(1)) < 6


def test_a_picture_in_several_fragments_is_read_whole(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    draw(1).save(buffer, "JPEG", quality=95)
    content = dicom(syntax=JPEGBaseline8Bit, PixelData=encapsulate([buffer.getvalue()], fragments_per_frame=4))
    assert difference(stored(tmp_path, content), draw(1)) < 6


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (dicom(syntax=MPEG2MPML), "DICOM with the transfer syntax MPEG2 Main Profile / Main Level"),
        (dicom(syntax=JPEGLSLossless), "DICOM with the transfer syntax JPEG-LS Lossless"),
        (dicom(syntax=HTJ2K), "DICOM with the transfer syntax High-Throughput JPEG 2000"),
        (dicom(syntax=DeflatedExplicitVRLittleEndian), "DICOM with the transfer syntax Deflated"),
        (dicom().replace(b"1.2.840.10008.1.2.1\0", b"9.2.840.10008.1.2.1\0"), "transfer syntax 9.2.840.10008.1.2.1"),
        (dicom(SOPClassUID=ENCAPSULATED_PDF), "DICOM of the kind Encapsulated PDF Storage"),
        (dicom(SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), "DICOM of the kind CT Image Storage"),
        (dicom(SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.4.1"), "DICOM of the kind Video Photographic Image Storage"),
        (dicom(NumberOfFrames=3), "DICOM with 3 frames"),
        (dicom(BurnedInAnnotation="YES"), "writing is burnt into its picture"),
        (dicom(PhotometricInterpretation="YBR_PARTIAL_420"), "its colours are YBR_PARTIAL_420"),
        (dicom(SamplesPerPixel=1), "its RGB has 1 values a pixel"),
        (dicom(BitsAllocated=16, BitsStored=16), "its values have 16 of 16 bits"),
        (dicom(GREY, BitsAllocated=1, BitsStored=1), "its values have 1 of 1 bits"),
        (dicom(GREY, PixelRepresentation=1), "its values are signed"),
        (dicom(GREY, JPEGLosslessSV1, BitsAllocated=16, BitsStored=12), "a JPEG whose values have 12 bits"),
        (dicom(Rows=30_000, Columns=30_000), "more than 80 million pixels"),
        (dicom(Rows=7), "too small"),
        (dicom(syntax=JPEG2000Lossless, Rows=40), "the DICOM is damaged (96 x 40 px, but its picture has 96 x 80)"),
        (dicom(draw(1, 9000, 10), JPEG2000Lossless, Rows=10, Columns=10), "but its picture has 9000 x 10"),
        (dicom(Rows=None), "it lacks Rows"),
        (dicom(PixelData=bytes(100)), "the DICOM is damaged"),
        (dicom(PixelData=None), "the DICOM holds no picture"),
        (dicom(syntax=JPEGBaseline8Bit, PixelData=encapsulate([b"%PDF-1.7"])), "the DICOM is damaged"),
        (dicom(syntax=RLELossless)[:-2000], "the DICOM"),
        (dicom(syntax=JPEGBaseline8Bit)[:-400], "the DICOM"),
        (dicom()[:-100], "the DICOM is"),
        (dicom()[:200], "the DICOM is damaged"),
        (dicom()[:132], "the DICOM is damaged"),
    ],
)
def test_a_variant_that_is_not_read_is_refused_by_its_name(tmp_path: Path, content: bytes, name: str) -> None:
    assert name in refused(tmp_path, content)


@pytest.mark.parametrize("said", ["NO", "", None])
def test_a_file_that_says_nothing_of_writing_in_its_picture_is_read(tmp_path: Path, said: str | None) -> None:
    content = dicom(SOPClassUID=SECONDARY_CAPTURE, **({} if said is None else {"BurnedInAnnotation": said}))
    assert difference(stored(tmp_path, content), draw(1)) < CODING
