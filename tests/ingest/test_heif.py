from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dermai.ingest.photographs import sanitise
from dermai.ingest.unusable import UnusablePhotograph
from tests.ingest.deliveries import draw
from tests.ingest.heif_files import HEIGHT, P3, PQ, WIDTH, avif, box, heic, mirrored, rotated
from tests.ingest.test_photographs import difference, exif

Turn = Image.Transpose
CODING = 5.0  # mean difference of grey values that the coding alone may make
TELLS = exif(6).tobytes().removeprefix(b"Exif\0\0")
XMP = b'<x:xmpmeta xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6">Secret</x:xmpmeta>'


def stored(folder: Path, content: bytes, name: str = "a.heic") -> Image.Image:
    (folder / name).write_bytes(content)
    return Image.open(io.BytesIO(sanitise(folder / name, 448, 92, 8).content))


def refused(folder: Path, content: bytes) -> str:
    with pytest.raises(UnusablePhotograph) as caught:
        stored(folder, content)
    assert caught.value.fix
    return caught.value.reason


@pytest.mark.parametrize("name", ["a.heic", "a.jpg", "a"])
@pytest.mark.parametrize("bits", [8, 10])
def test_a_heic_is_a_photograph_whatever_its_name_says(tmp_path: Path, bits: int, name: str) -> None:
    assert difference(stored(tmp_path, heic(bits), name), draw(1)) < CODING


@pytest.mark.parametrize("name", ["a.avif", "a.png"])
def test_an_avif_is_a_photograph_whatever_its_name_says(tmp_path: Path, name: str) -> None:
    assert difference(stored(tmp_path, avif(draw(1)), name), draw(1)) < CODING


def test_a_picture_of_tiles_as_iphones_write_it_is_one_photograph(tmp_path: Path) -> None:
    picture = stored(tmp_path, heic(grid=(2, 3)))
    assert picture.size == (3 * WIDTH, 2 * HEIGHT)
    assert difference(picture.crop((2 * WIDTH, HEIGHT, 3 * WIDTH, 2 * HEIGHT)), draw(1)) < CODING
    assert stored(tmp_path, heic(grid=(2, 3), turned=[rotated(1)])).size == (2 * HEIGHT, 3 * WIDTH)


@pytest.mark.parametrize(
    ("turned", "turn"),
    [
        ([rotated(1)], Turn.ROTATE_90),
        ([rotated(2)], Turn.ROTATE_180),
        ([rotated(3)], Turn.ROTATE_270),
        ([mirrored(0)], Turn.FLIP_TOP_BOTTOM),
        ([mirrored(1)], Turn.FLIP_LEFT_RIGHT),
        ([rotated(1), mirrored(1)], Turn.TRANSVERSE),
    ],
)
def test_a_heic_is_turned_once_and_by_its_container_alone(tmp_path: Path, turned: list[bytes], turn: Turn) -> None:
    expected = draw(1).transpose(turn)
    assert difference(stored(tmp_path, heic(turned=turned)), expected) < CODING
    assert difference(stored(tmp_path, heic(turned=turned, exif=TELLS, xmp=XMP)), expected) < CODING


def test_what_exif_says_of_the_orientation_does_not_turn_a_heic(tmp_path: Path) -> None:
    assert difference(stored(tmp_path, heic(exif=TELLS, xmp=XMP)), draw(1)) < CODING


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned_once_and_by_its_container_alone(tmp_path: Path, orientation: int) -> None:
    turned = {1: None, 2: Turn.FLIP_LEFT_RIGHT, 3: Turn.ROTATE_180, 4: Turn.FLIP_TOP_BOTTOM, 5: Turn.TRANSPOSE,
              6: Turn.ROTATE_270, 7: Turn.TRANSVERSE, 8: Turn.ROTATE_90}[orientation]  # fmt: skip
    expected = draw(1) if turned is None else draw(1).transpose(turned)
    content = avif(draw(1), exif=exif(orientation), xmp=XMP)  # Pillow writes `irot` and `imir` from the EXIF
    assert difference(stored(tmp_path, content), expected) < CODING


@pytest.mark.parametrize("content", [heic(exif=TELLS, xmp=XMP), avif(draw(1), exif=exif(6), xmp=XMP)])
def test_exif_gps_and_xmp_are_gone(tmp_path: Path, content: bytes) -> None:
    assert b"SecretCameraMaker" in content
    assert b"</x:xmpmeta>" in content
    picture = stored(tmp_path, content)
    kept = (tmp_path / "a.heic").with_suffix(".jpg")
    kept.write_bytes(sanitise(tmp_path / "a.heic", 448, 92).content)
    assert not any(word in kept.read_bytes() for word in (b"Secret", b"Exif", b"xmp", b"ICC_PROFILE"))
    assert not dict(picture.getexif())
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("content", [heic(colours=P3), avif(draw(1)).replace(b"nclx\0\1", b"nclx\0\x0c")])
def test_wide_colours_that_are_named_by_a_number_become_srgb(tmp_path: Path, content: bytes) -> None:
    linear = np.asarray(draw(1), dtype=float) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    matrix = [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]  # of Display P3 to sRGB
    linear = np.clip(linear @ np.array(matrix).T, 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    picture = stored(tmp_path, content)
    assert float(np.abs(np.asarray(picture, dtype=float) - srgb).mean()) < CODING < difference(picture, draw(1))


def hdr(kind: bytes, transfer: int) -> bytes:
    return kind.replace(b"nclx\0\1\0\x0d", b"nclx\0\x09" + struct.pack(">H", transfer))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (heic(10, colours=PQ), "HEIC with 10-bit HDR brightness (PQ)"),
        (hdr(heic(), 18), "HEIC with 8-bit HDR brightness (HLG)"),
        (hdr(avif(draw(1)), 16), "AVIF with 8-bit HDR brightness (PQ)"),
        (hdr(avif(draw(1)), 8), "AVIF in colours that are not read (primaries 9, transfer function 8 of H.273)"),
        (heic(codec="vvc1"), "HEIC coded with VVC"),
        (heic(codec="jpeg"), "HEIC coded with JPEG"),
        (heic(brand=b"hevc"), "HEIC with a sequence of pictures"),
        (heic(brand=b"msf1"), "HEIC with a sequence of pictures"),
        (heic(size=(30_000, 30_000)), "more than 80 million pixels"),
        (heic(size=(66_000, 8)), "too long"),
        (heic(size=(7, 80)), "too small"),
        (heic(size=(960, 800)), "the HEIC is damaged"),
        (heic()[:-100], "the HEIC is damaged"),
        (heic()[:200], "the HEIC is damaged"),
        (heic()[:30], "the HEIC is damaged"),
        (avif(draw(1))[:-100], "the AVIF is"),
        (avif(draw(1))[:100], "the AVIF is damaged"),
        (box("ftyp", b"qt  ", bytes(4), b"qt  ") + bytes(200), "a film"),
    ],
)
def test_a_variant_that_is_not_read_is_refused_by_its_name(tmp_path: Path, content: bytes, name: str) -> None:
    assert name in refused(tmp_path, content)


def test_of_a_file_with_a_picture_and_a_sequence_the_picture_is_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    draw(1).save(buffer, "AVIF", save_all=True, append_images=[draw(2)], quality=95)
    assert "AVIF with a sequence of pictures" in refused(tmp_path, buffer.getvalue())
    beside = buffer.getvalue().replace(b"ftypavis", b"ftypavif")
    assert difference(stored(tmp_path, beside), draw(1)) < CODING


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (96, 80), (200, 0, 0, 0))
    assert np.asarray(stored(tmp_path, avif(clear))).min() > 250
