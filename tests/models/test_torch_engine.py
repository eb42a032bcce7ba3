"""torch answers as an engine does: the same calls, the same values, the same bits in any company."""

from __future__ import annotations

import numpy as np
import pytest

from dermai.models.engine import Engine, export_network
from dermai.models.photograph_network import FEATURES, MAPS, photograph_network
from dermai.models.torch_engine import BATCH, TorchEngine
from tests.models.test_engine import HALF, photographs, random_weights


@pytest.mark.parametrize(("backbone", "size"), [("mobilenetv3_small_050", 64), ("vit_tiny_patch16_224", 224)])
def test_torch_and_an_engine_answer_the_same(backbone: str, size: int) -> None:
    weights, pixels = random_weights(backbone), photographs(3, size)
    ours = Engine(export_network(backbone, weights, size, HALF, HALF)).measure(pixels, (FEATURES, MAPS))
    theirs = TorchEngine(photograph_network(backbone, weights, HALF, HALF)).measure(pixels, (FEATURES, MAPS))
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() < 1e-4


def test_a_photograph_gets_the_same_bits_alone_and_in_any_company() -> None:
    network = photograph_network("mobilenetv3_small_050", random_weights("mobilenetv3_small_050"), HALF, HALF)
    engine, pixels = TorchEngine(network), photographs(BATCH + 3, 64)
    (features,) = engine.measure(pixels, (FEATURES,))
    assert len(features) == BATCH + 3
    for place in (0, BATCH - 1, BATCH + 2):
        assert np.array_equal(engine.measure(pixels[place : place + 1], (FEATURES,))[0][0], features[place])
