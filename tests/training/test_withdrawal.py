"""A withdrawn photograph leaves what every learner keeps, whichever learner hears of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dermai.images.record_file import RecordFile
from dermai.training.withdrawal import forget_withdrawn


def test_activations_of_epochs_and_features_of_heads_are_both_forgotten(tmp_path: Path) -> None:
    gone, stays = "a" * 64, "b" * 64
    for folder in ("activations", "features/seen", "pixels"):
        (tmp_path / folder).mkdir(parents=True)
    RecordFile(tmp_path / "activations" / "k", (1,), "float16").append([f"{gone}:0"], np.zeros((1, 1)))
    RecordFile(tmp_path / "features" / "seen" / "k", (2,), "float32").append([gone, stays], np.zeros((2, 2)))
    forget_withdrawn(tmp_path, [gone])
    kept = "".join(file.read_text() for file in tmp_path.rglob("*.index"))
    assert gone not in kept
    assert stays in kept
