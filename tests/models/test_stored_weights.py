"""Weights of a file: the same tensors, the same bytes, and a head that can be read without torch."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from dermai.models.stored_weights import StoredWeights, linear_head, weights_file


def weights(**layers: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"conv.weight": torch.rand(2, 3, 1, 1), **layers}


def test_what_is_read_is_what_was_written() -> None:
    made = weights()
    stored = StoredWeights(weights_file(made))
    assert stored.keys() == made.keys()
    assert torch.equal(stored["conv.weight"], made["conv.weight"])
    assert weights_file(stored) == weights_file(dict(stored)) == weights_file(made)
    assert pickle.loads(pickle.dumps(stored)).content == stored.content


@pytest.mark.parametrize("stored", [True, False], ids=["from a file", "from tensors"])
def test_the_head_is_read_in_float64_whatever_its_form(stored: bool) -> None:
    matrix, bias = torch.rand(3, 5), torch.rand(3)

    def read(**layers: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        made = weights(**layers)
        return linear_head(StoredWeights(weights_file(made)) if stored else made, "head.fc")

    for form in (matrix, matrix.reshape(3, 5, 1, 1)):
        weight, found = read(**{"head.fc.weight": form, "head.fc.bias": bias})
        assert (weight.dtype, found.dtype) == (np.float64, np.float64)
        assert np.array_equal(weight, matrix.double().numpy())
        assert np.array_equal(found, bias.double().numpy())
    assert np.array_equal(read(**{"head.fc.weight": matrix})[1], np.zeros(3))
