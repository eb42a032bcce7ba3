"""Networks run by torch: on a GPU, and those that cannot be exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH = 16  # fixed, the last one padded: a photograph gets the same bits in any company
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # of NVIDIA, in WSL, of AMD


def gpu_is_there() -> bool:
    """Whether torch can use a GPU; torch, which takes seconds to import, is asked only where there may be one."""
    if not any(Path(device).exists() for device in _GPU_DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


class TorchEngine:
    """A network of `dermai.models.photograph_network` with the calls of `dermai.models.engine.Engine`."""

    def __init__(self, network: Any) -> None:
        from dermai.models.backbones import fuse_batch_norm

        self._device = "cuda" if gpu_is_there() else "cpu"
        self._network = network.to(self._device)
        self.outputs: Sequence[str] = network.outputs
        self._network.network = fuse_batch_norm(self._network.network)

    def measure(self, pixels: NDArray[np.uint8], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """The outputs of these names, each [N, ...], of pixels uint8 [N, S, S, 3]; N of at least 1."""
        import torch

        found: list[list[NDArray[np.float32]]] = []
        with torch.inference_mode():
            for start in range(0, len(pixels), BATCH):
                batch = pixels[start : start + BATCH]
                padded = np.concatenate([batch, np.repeat(batch[-1:], BATCH - len(batch), axis=0)])
                given = self._network(torch.from_numpy(padded).to(self._device))
                named = dict(zip(self.outputs, given, strict=True))
                found.append([named[name][: len(batch)].cpu().numpy() for name in outputs])
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]
