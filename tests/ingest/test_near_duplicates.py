from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from dermai.ingest.fingerprints import FingerprintTable, fingerprint
from dermai.ingest.near_duplicates import SAME_SHOT, near_duplicates
from tests.ingest.deliveries import draw


def encoded(picture: Image.Image, quality: int = 92) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def table(pictures: list[bytes]) -> FingerprintTable:
    return FingerprintTable.build((str(place), fingerprint(content)) for place, content in enumerate(pictures))


def test_the_same_shot_is_found_after_compression_scaling_and_light() -> None:
    picture = draw(1, 400, 300)
    changed = [
        encoded(picture),
        encoded(picture, 40),
        encoded(picture.resize((200, 150))),
        encoded(ImageEnhance.Brightness(picture).enhance(0.9)),
        *(encoded(draw(seed, 400, 300)) for seed in range(2, 40)),
    ]
    assert near_duplicates(table(changed), 4).tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]


def test_plain_pictures_of_one_grey_are_nobody_s_duplicates() -> None:
    assert len(near_duplicates(table([encoded(Image.new("L", (64, 64), grey)) for grey in (10, 10, 99)]), 4)) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 16), st.integers(0, 60))
def test_pairs_are_those_of_comparing_all_with_all(seed: int, bits: int, first_new: int) -> None:
    draw_random = np.random.default_rng(seed)
    hashes = draw_random.integers(0, 2**64, 60, dtype=np.uint64)
    for row in range(1, 60):  # relatives of earlier rows, a few bits apart
        if draw_random.random() < 0.5:
            flips = draw_random.choice(64, draw_random.integers(0, 20), replace=False)
            hashes[row] = hashes[draw_random.integers(row)] ^ np.bitwise_or.reduce(
                np.uint64(1) << flips.astype(np.uint64), initial=np.uint64(0)
            )
    thumbnails = np.tile(np.arange(256, dtype=np.uint8), (60, 1))
    found = near_duplicates(FingerprintTable(np.arange(60).astype("S64"), hashes, thumbnails), bits, first_new)
    distance = np.bitwise_count(hashes[:, None] ^ hashes[None])
    wanted = [(a, b) for b in range(first_new, 60) for a in range(b) if distance[a, b] <= bits]
    assert sorted(map(tuple, found.tolist())) == sorted(wanted)


def test_alike_hashes_are_not_enough() -> None:
    thumbnails = np.random.default_rng(3).integers(0, 256, (2, 256), dtype=np.uint8)
    same_hash = np.zeros(2, dtype=np.uint64)
    assert len(near_duplicates(FingerprintTable(np.array([b"a", b"b"], dtype="S64"), same_hash, thumbnails), 4)) == 0
    assert SAME_SHOT > 0.9


def test_a_table_comes_back_from_its_file_and_an_unreadable_file_is_an_empty_table(tmp_path: Path) -> None:
    written = table([encoded(draw(seed)) for seed in range(3)])
    written.save(tmp_path / "hashes.npz")
    read = FingerprintTable.load(tmp_path / "hashes.npz")
    assert all(
        np.array_equal(getattr(read, name), getattr(written, name)) for name in ("images", "hashes", "thumbnails")
    )
    (tmp_path / "hashes.npz").write_bytes(b"PK nonsense")
    assert len(FingerprintTable.load(tmp_path / "hashes.npz")) == 0
    assert len(FingerprintTable.load(tmp_path / "absent.npz")) == 0
