from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from dermai.ingest.photographs import sanitise
from dermai.ingest.unusable import UnusablePhotograph
from tests.ingest.deliveries import draw

SIDE, QUALITY = 448, 92


def stored(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(sanitise(path, SIDE, QUALITY).content))


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)).mean())


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "SecretCameraMaker"
    tags.get_ifd(0x8825).update({1: "N", 2: (53.0, 33.0, 12.0), 3: "W", 4: (8.0, 1.0, 2.0)})
    return tags


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_a_rotated_photograph_stands_upright_and_its_gps_is_gone(tmp_path: Path) -> None:
    upright = draw(1, 120, 80)
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.jpg", exif=exif(6), quality=95, comment=b"Secret")
    assert b"SecretCameraMaker" in (tmp_path / "a.jpg").read_bytes()
    content = sanitise(tmp_path / "a.jpg", SIDE, QUALITY).content
    assert b"Secret" not in content
    assert b"Exif" not in content
    picture = Image.open(io.BytesIO(content))
    assert dict(picture.getexif()) == {}
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert picture.size == (120, 80)
    assert difference(picture, upright) < 6


def test_xmp_text_and_profile_of_a_png_are_gone(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<x>SecretXmp</x>")
    text.add_text("Author", "SecretAuthor")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    draw(2).save(tmp_path / "a.png", pnginfo=text, icc_profile=profile)
    content = sanitise(tmp_path / "a.png", SIDE, QUALITY).content
    assert b"Secret" not in content
    assert b"ICC_PROFILE" not in content


def test_the_same_file_gives_the_same_bytes_and_stays_what_it_is_when_sanitised_again(tmp_path: Path) -> None:
    draw(3, 900, 700).save(tmp_path / "a.jpg")
    first, second = (sanitise(tmp_path / "a.jpg", SIDE, QUALITY) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("size", "expected"), [((1200, 900), (597, 448)), ((96, 80), (96, 80)), ((448, 600), (448, 600))]
)
def test_the_shorter_side_shrinks_to_the_limit_and_never_grows(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    draw(4, *size).save(tmp_path / "a.jpg")
    assert stored(tmp_path / "a.jpg").size == expected


def test_chroma_is_kept_whole(tmp_path: Path) -> None:
    draw(4).save(tmp_path / "a.jpg")
    assert stored(tmp_path / "a.jpg").layer == [(1, 1, 1, 0), (2, 1, 1, 1), (3, 1, 1, 1)]  # type: ignore[attr-defined]


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path: Path) -> None:
    draw(5).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    picture = stored(tmp_path / "a.jpg")
    assert picture.mode == "RGB"
    assert difference(picture, draw(5)) < 8


def test_a_16_bit_png_keeps_its_greys(tmp_path: Path) -> None:
    grey = np.asarray(draw(6).convert("L"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "a.png")
    assert difference(stored(tmp_path / "a.png").convert("L"), Image.fromarray(grey)) < 3


def test_a_palette_png_keeps_its_colours(tmp_path: Path) -> None:
    draw(7).quantize(64).save(tmp_path / "a.png")
    assert difference(stored(tmp_path / "a.png"), draw(7).quantize(64).convert("RGB")) < 8


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(tmp_path: Path, mode: str) -> None:
    clear = Image.new("RGBA", (96, 80), (200, 0, 0, 0))
    clear.convert(mode).save(tmp_path / "a.png", **({"transparency": 0} if mode == "P" else {}))
    assert np.asarray(stored(tmp_path / "a.png")).min() > 250


def test_a_photograph_in_another_colour_space_becomes_srgb(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    draw(8).save(tmp_path / "unfitting.jpg", icc_profile=profile, quality=95)
    assert difference(stored(tmp_path / "unfitting.jpg"), draw(8)) < 6
    draw(8).save(tmp_path / "unreadable.jpg", icc_profile=b"nonsense", quality=95)
    assert difference(stored(tmp_path / "unreadable.jpg"), draw(8)) < 6


def refused(path: Path, smallest_side: int = 1) -> str:
    with pytest.raises(UnusablePhotograph) as caught:
        sanitise(path, SIDE, QUALITY, smallest_side)
    assert caught.value.fix
    return caught.value.reason


def test_a_truncated_jpeg_is_refused(tmp_path: Path) -> None:
    draw(9, 400, 400).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])
    assert "truncated" in refused(tmp_path / "a.jpg")


@pytest.mark.parametrize("kept", [10, 100, 300])
def test_a_jpeg_cut_within_its_header_is_refused(tmp_path: Path, kept: int) -> None:
    draw(9, 400, 400).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:kept])
    assert refused(tmp_path / "a.jpg")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert "empty" in refused(tmp_path / "a.jpg")


def test_text_that_calls_itself_jpg_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("this is no photograph")
    assert "not a photograph" in refused(tmp_path / "a.jpg")


def test_a_bomb_of_30000_by_30000_px_is_refused_from_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_header(30_000, 30_000))
    assert "million pixels" in refused(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(png_header(9_000, 9_000))  # below Pillow's own error
    assert "million pixels" in refused(tmp_path / "b.png")


def test_a_damaged_png_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_header(100, 100))
    assert refused(tmp_path / "a.png")


def test_a_tiny_photograph_is_refused(tmp_path: Path) -> None:
    draw(10, 40, 30).save(tmp_path / "a.png")
    assert "too small" in refused(tmp_path / "a.png", smallest_side=64)


@pytest.mark.parametrize("size", [(70_000, 64), (64, 66_000), (79_000_000, 1)])
def test_what_is_longer_than_a_jpeg_can_be_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(png_header(*size))
    assert "too long" in refused(tmp_path / "a.png")


def test_the_longest_side_of_a_jpeg_is_stored(tmp_path: Path) -> None:
    Image.new("RGB", (65_500, 8), "brown").save(tmp_path / "a.png")
    assert stored(tmp_path / "a.png").size == (65_500, 8)


def odd_exif(tag: int, kind: int, content: bytes) -> bytes:
    """EXIF that turns the picture by 90 degrees, with one more tag of any type, little-endian."""
    entries = sorted([(0x0112, 3, 1, struct.pack("<HH", 6, 0)), (tag, kind, len(content), content[:4].ljust(4, b"\0"))])
    packed = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + b"\0\0\0\0"


@pytest.mark.parametrize("tag", [0x010F, 0x011A, 0x0132, 0x8298, 0x8769, 0x8825, 0x9286, 0xC4A5, 0xFFFF])
@pytest.mark.parametrize("kind", [0, 1, 2, 3, 5, 7, 9, 10, 12, 99])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_whatever_else_exif_says_the_picture_stands_upright(tmp_path: Path, suffix: str, tag: int, kind: int) -> None:
    turned = draw(1, 120, 80).transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / f"a.{suffix}", exif=odd_exif(tag, kind, b"\x01\0\0\0"), quality=95)
    picture = stored(tmp_path / f"a.{suffix}")
    assert picture.size == (120, 80)
    assert difference(picture, draw(1, 120, 80)) < 9


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_every_orientation_is_turned_as_pillow_turns_it(tmp_path: Path, suffix: str, orientation: int) -> None:
    draw(1, 120, 80).save(tmp_path / f"a.{suffix}", exif=exif(orientation), quality=95)
    with Image.open(tmp_path / f"a.{suffix}") as opened:
        expected = ImageOps.exif_transpose(opened).convert("RGB")
    assert difference(stored(tmp_path / f"a.{suffix}"), expected) < 6


def test_exif_that_cannot_be_read_at_all_refuses_no_sound_picture(tmp_path: Path) -> None:
    draw(1).save(tmp_path / "a.jpg", exif=b"Exif\0\0nonsense", quality=95)
    assert difference(stored(tmp_path / "a.jpg"), draw(1)) < 6


def tiff(values: np.ndarray, bits: int, photometric: int = 2, planar: int = 1, sample_format: int = 1) -> bytes:
    """An uncompressed TIFF of values [height, width, samples] in their own byte order."""
    height, width, samples = values.shape
    planes = [values] if planar == 1 else [values[..., place] for place in range(samples)]
    data = [plane.tobytes() for plane in planes]
    extra = 8 + 2 + 12 * 11 + 4
    shorts = struct.pack(f"<{samples}H", *[bits] * samples)
    offsets = [extra + 64 + sum(map(len, data[:place])) for place in range(len(data))]

    def many(tag: int, numbers: list[int], at: int) -> tuple[int, int, int, int]:
        return tag, 4, len(numbers), numbers[0] if len(numbers) == 1 else extra + at

    entries = [
        (256, 4, 1, width), (257, 4, 1, height),
        (258, 3, samples, bits if samples == 1 else extra), (259, 3, 1, 1), (262, 3, 1, photometric),
        many(273, offsets, 16), (277, 3, 1, samples), (278, 4, 1, height), many(279, [*map(len, data)], 32),
        (284, 3, 1, planar), (339, 3, 1, sample_format),
    ]  # fmt: skip
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    head += b"".join(struct.pack("<HHII", *entry) for entry in entries) + b"\0\0\0\0"
    tables = shorts.ljust(16, b"\0")
    tables += struct.pack(f"<{len(offsets)}I", *offsets).ljust(16, b"\0")
    tables += struct.pack(f"<{len(data)}I", *map(len, data)).ljust(32, b"\0")
    return head + tables + b"".join(data)


PIXELS = np.asarray(draw(11))


def test_a_plain_tiff_of_8_or_16_bits_is_the_picture(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(PIXELS, 8))
    (tmp_path / "b.tif").write_bytes(tiff(PIXELS.astype("<u2") * 257, 16))
    grey = np.asarray(draw(11).convert("L"))[..., None]
    (tmp_path / "c.tif").write_bytes(tiff(grey.astype("<u2") * 257, 16, photometric=1))
    assert difference(stored(tmp_path / "a.tif"), draw(11)) < 6
    assert difference(stored(tmp_path / "b.tif"), draw(11)) < 6
    assert difference(stored(tmp_path / "c.tif").convert("L"), draw(11).convert("L")) < 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tiff(PIXELS.astype("<u2") * 257, 16, planar=2), "separate planes"),
        (tiff(PIXELS, 8, planar=2), "separate planes"),
        (tiff(PIXELS[..., :1].astype("<f4") / 255, 32, photometric=1, sample_format=3), "floating point"),
        (tiff(PIXELS[..., :1].astype("<f4") * 16, 32, photometric=1, sample_format=3), "floating point"),
        (tiff(PIXELS[..., :1].astype("<i2"), 16, photometric=1, sample_format=2), "signed"),
        (tiff(PIXELS[..., :1].astype("<u4"), 32, photometric=1), "32 bits"),
        (tiff(PIXELS.astype("<u2") * 16, 16), "14 of 16 bits"),
        (tiff(PIXELS[..., :1].astype("<u2") * 16, 16, photometric=1), "14 of 16 bits"),
        (tiff(PIXELS[..., :1].astype("<u2") * 257, 16, photometric=0), "neither RGB nor grey"),
        (tiff(PIXELS, 8, photometric=8), "another kind"),
        (tiff(PIXELS, 8, photometric=6), "YCbCr without JPEG"),
    ],
)
def test_a_tiff_whose_pixels_may_not_be_the_pictures_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    assert reason in refused(tmp_path / "a.tif")


def test_12_bits_in_a_png_of_16_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.asarray(draw(6).convert("L")).astype(np.uint16) * 16).save(tmp_path / "a.png")
    assert "14 of 16 bits" in refused(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["tif", "png", "webp"])
def test_several_pages_and_animations_are_refused(tmp_path: Path, suffix: str) -> None:
    draw(1).save(tmp_path / f"a.{suffix}", save_all=True, append_images=[draw(2)])
    assert refused(tmp_path / f"a.{suffix}") in ("it has several pages", "it is an animation")


def test_a_smaller_copy_behind_the_picture_of_a_tiff_is_no_page(tmp_path: Path) -> None:
    preview = draw(1, 24, 20)
    preview.encoderinfo = {"tiffinfo": {254: 1}}  # type: ignore[attr-defined]
    draw(1).save(tmp_path / "a.tif", save_all=True, append_images=[preview])
    assert difference(stored(tmp_path / "a.tif"), draw(1)) < 6


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "the HEIC is damaged"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B", "the AVIF is damaged"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a film"),
        (b"GIF89a", "GIF"),
        (b"%PDF-1.7", "PDF"),
        (bytes(128) + b"DICM", "the DICOM is damaged"),
        (b"PK\x03\x04", "ZIP"),
    ],
)
def test_a_file_of_another_format_is_refused_by_its_name(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert name in refused(tmp_path / "a.jpg")
