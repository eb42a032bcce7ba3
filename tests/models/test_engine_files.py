"""Exported networks are kept: by what they compute, a few, and whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dermai.models import engine_files
from dermai.models.engine_files import engine_file, engine_for, reference_engine
from tests.models.test_engine import HALF, photographs, random_weights

BACKBONE = "mobilenetv3_small_050"


@pytest.fixture(autouse=True)
def nothing_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_files, "_exported", {})


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "engines").iterdir())


def test_a_network_is_exported_once_whatever_its_head(tmp_path: Path) -> None:
    weights = random_weights(BACKBONE)
    first = engine_file(BACKBONE, weights, 64, (HALF, HALF), tmp_path)
    (name,) = kept(tmp_path)
    assert (tmp_path / "engines" / name).read_bytes() == first
    written = (tmp_path / "engines" / name).stat().st_mtime_ns
    other_head = {name: tensor + 1 if "classifier" in name else tensor for name, tensor in weights.items()}
    assert engine_file(BACKBONE, other_head, 64, (HALF, HALF), tmp_path) == first
    assert kept(tmp_path) == [name]
    assert (tmp_path / "engines" / name).stat().st_mtime_ns == written


def test_another_size_other_statistics_and_other_weights_are_other_engines(tmp_path: Path) -> None:
    weights = random_weights(BACKBONE)
    engine_file(BACKBONE, weights, 64, (HALF, HALF), tmp_path)
    engine_file(BACKBONE, weights, 96, (HALF, HALF), tmp_path)
    engine_file(BACKBONE, weights, 64, None, tmp_path)
    weights["conv_stem.weight"] = weights["conv_stem.weight"] + 1
    engine_file(BACKBONE, weights, 64, (HALF, HALF), tmp_path)
    assert len(kept(tmp_path)) == 4


def test_a_kept_file_that_is_not_what_it_was_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = random_weights(BACKBONE)
    made = engine_file(BACKBONE, weights, 64, (HALF, HALF), tmp_path)
    (name,) = kept(tmp_path)
    for content in (b"", made[:-1], made[:1000] + b"0" + made[1001:]):
        (tmp_path / "engines" / name).write_bytes(content)
        monkeypatch.setattr(engine_files, "_exported", {})
        assert engine_file(BACKBONE, weights, 64, (HALF, HALF), tmp_path) == made
        assert kept(tmp_path) == [name]
        assert (tmp_path / "engines" / name).read_bytes() == made


def test_only_the_newest_files_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_files, "MOST_KEPT", 2)
    for size in (32, 64, 96):
        newest = engine_file(BACKBONE, random_weights(BACKBONE), size, (HALF, HALF), tmp_path)
    assert len(kept(tmp_path)) == 2
    assert newest in [(tmp_path / "engines" / name).read_bytes() for name in kept(tmp_path)]


def test_without_a_cache_a_process_exports_once_and_opens_once() -> None:
    weights, pixels = random_weights(BACKBONE), photographs(2, 64)
    engine = engine_for(BACKBONE, weights, 64)
    assert engine_for(BACKBONE, weights, 64) is engine
    assert np.isfinite(engine.features(pixels)).all()


def test_the_reference_backbone_is_kept_too(tmp_path: Path) -> None:
    assert reference_engine(224, tmp_path).image_size == 224
    assert len(kept(tmp_path)) == 1
