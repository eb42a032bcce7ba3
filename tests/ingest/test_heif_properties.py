from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermai.ingest.heif_properties import PrimaryPicture, brands, primary_picture
from tests.ingest.deliveries import draw
from tests.ingest.heif_files import P3, avif, box, heic


def said(folder: Path, content: bytes) -> PrimaryPicture:
    (folder / "a").write_bytes(content)
    return primary_picture(folder / "a")


@pytest.mark.parametrize("bits", [8, 10])
def test_codec_colours_and_bits_of_a_heic_are_found(tmp_path: Path, bits: int) -> None:
    found = said(tmp_path, heic(bits, colours=P3, exif=b"II", xmp=b"<x/>"))
    assert (found.codecs, found.colours, found.bits) == ({"hvc1"}, (12, 13), bits)


def test_the_properties_are_those_of_the_picture_that_tiles_make(tmp_path: Path) -> None:
    found = said(tmp_path, heic(grid=(2, 2)))
    assert (found.codecs, found.colours, found.bits) == ({"hvc1", "grid"}, (1, 13), 8)
    assert found.properties["ispe"] == [bytes(4) + (192).to_bytes(4, "big") + (160).to_bytes(4, "big")]


def test_those_of_an_avif_are_found(tmp_path: Path) -> None:
    found = said(tmp_path, avif(draw(1)))
    assert (found.codecs, found.colours, found.bits) == ({"av01"}, (1, 13), 8)


def test_a_colour_profile_is_no_number(tmp_path: Path) -> None:
    assert said(tmp_path, heic(colours=b"prof" + bytes(200))).colours is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\x08",
        heic()[:60],
        box("ftyp", b"heic") + box("meta", bytes(3)),
        box("ftyp") + b"\xff\xff\xff\xffmeta",
    ],
)
def test_of_a_damaged_container_nothing_is_said(tmp_path: Path, content: bytes) -> None:
    assert said(tmp_path, content) == PrimaryPicture()


@given(place=st.integers(0, 420), value=st.integers(0, 255), cut=st.integers(1, 1000))
def test_no_byte_makes_reading_fail(tmp_path_factory: pytest.TempPathFactory, place: int, value: int, cut: int) -> None:
    content = bytearray(heic(xmp=b"<x/>"))
    content[place] = value
    found = said(tmp_path_factory.getbasetemp(), bytes(content[:cut]))
    assert found.bits >= 0
    assert found.colours is None or len(found.colours) == 2


def test_brands_are_those_of_the_first_box_alone() -> None:
    first = box("ftyp", b"mif1", bytes(4), b"heic", b"miaf") + box("free", b"avif")
    assert brands(first) == (b"mif1", b"heic", b"miaf")
    assert brands(b"\xff\xd8\xff\xe0" + bytes(100)) == ()
