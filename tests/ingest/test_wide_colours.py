from __future__ import annotations

import io

import pytest
from PIL import Image, ImageCms

from dermai.ingest.wide_colours import COLOURS, WHITE, profile_of


def in_srgb(primaries: int, colour: tuple[int, int, int]) -> tuple[int, ...]:
    content = profile_of(primaries)
    assert content is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    picture = Image.new("RGB", (1, 1), colour)
    converted = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None
    return tuple(converted.getpixel((0, 0)))  # type: ignore[arg-type]


def test_a_skin_colour_becomes_what_the_published_matrices_say() -> None:
    # Linear matrices of Display P3 (SMPTE EG 432-1) and BT.2020 (ITU-R BT.2087) to BT.709, with sRGB's curve
    assert in_srgb(12, (180, 120, 90)) == pytest.approx((190.3, 116.6, 83.9), abs=1)
    assert in_srgb(9, (180, 120, 90)) == pytest.approx((209.4, 109.7, 83.3), abs=1)


@pytest.mark.parametrize("primaries", COLOURS)
@pytest.mark.parametrize("grey", [0, 90, 255])
def test_greys_stay_greys(primaries: int, grey: int) -> None:
    assert in_srgb(primaries, (grey, grey, grey)) == pytest.approx((grey, grey, grey), abs=1)


@pytest.mark.parametrize("primaries", COLOURS)
def test_the_three_colours_together_are_white(primaries: int) -> None:
    assert [sum(column) for column in zip(*COLOURS[primaries], strict=True)] == pytest.approx(WHITE, abs=2e-4)


def test_spaces_like_srgb_need_no_profile_and_others_are_not_known() -> None:
    assert [profile_of(primaries) for primaries in (1, 2, 5, 6)] == [None] * 4
    with pytest.raises(KeyError):
        profile_of(4)
