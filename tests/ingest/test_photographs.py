from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from dermai.ingest.photographs import UnusablePhotograph, locate, sanitise
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


@pytest.mark.parametrize("file", ["../secret.jpg", "a/../../secret.jpg", "/etc/passwd", "", "a\0b.jpg"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    (tmp_path / "secret.jpg").touch()
    (tmp_path / "inside" / "a").mkdir(parents=True)
    with pytest.raises(UnusablePhotograph):
        locate(tmp_path / "inside", file)


def test_links_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "folder.jpg").mkdir(parents=True)
    (tmp_path / "secret.jpg").touch()
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (inside / "linked").symlink_to(tmp_path)
    for file, reason in (
        ("link.jpg", "symbolic link"),
        ("linked/secret.jpg", "symbolic link"),
        ("none.jpg", "missing"),
        ("n" * 300 + ".jpg", "missing"),
        ("folder.jpg", "not a file"),
    ):
        with pytest.raises(UnusablePhotograph, match=reason):
            locate(inside, file)
