"""Weights as a safetensors file holds them, made into tensors when somebody wants some: predicting needs none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dermai.files import sha256_bytes

if TYPE_CHECKING:
    from torch import Tensor


class StoredWeights(Mapping[str, "Tensor"]):
    """Tensors by name, from the content of a safetensors file."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __getstate__(self) -> dict[str, Any]:
        return {"content": self.content}

    @cached_property
    def sha256(self) -> str:
        """Hash of the file."""
        return sha256_bytes(self.content)

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        from safetensors.torch import load

        tensors: dict[str, Tensor] = load(self.content)
        return tensors


def weights_file(weights: Mapping[str, Tensor]) -> bytes:
    """As a safetensors file; the same weights give the same bytes."""
    if isinstance(weights, StoredWeights):
        return weights.content
    from safetensors.torch import save

    content: bytes = save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    return content


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """Hash of the safetensors file of weights; of a file it is computed once."""
    return weights.sha256 if isinstance(weights, StoredWeights) else sha256_bytes(weights_file(weights))


def linear_head(weights: Mapping[str, Tensor], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight [C, D] and bias [C] of the layer of this name, without torch where the weights are a file."""
    if isinstance(weights, StoredWeights):
        from safetensors.numpy import load

        arrays = load(weights.content)
    else:
        layer = (f"{name}.weight", f"{name}.bias")
        arrays = {part: weights[part].detach().cpu().numpy() for part in layer if part in weights}
    weight = arrays[f"{name}.weight"].astype(np.float64)
    weight = weight.reshape(len(weight), -1)  # some networks' heads are convolutions of 1 x 1
    bias = arrays.get(f"{name}.bias")
    return weight, np.zeros(len(weight)) if bias is None else bias.astype(np.float64)
