"""Networks run by ONNX Runtime: one photograph a run, several runs at once, each on a thread of its own.

A photograph a run costs no more than a batch of 16 (`tf_efficientnet_lite0` at 300 px: 25 ms of processor time against
30), so a photograph gets the same bits alone and in any company.
"""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from dermai.environment import silence_telemetry
from dermai.errors import DermaiError
from dermai.models.photograph_network import FEATURES, MAPS, photograph_network

if TYPE_CHECKING:
    from torch import Tensor, nn

OPSET = 18
PIXELS = "pixels"
_EXPORTING = threading.Lock()  # torch's exporter keeps its state in globals


class NotExportable(DermaiError):
    """A network has a part that ONNX does not express."""


class Measuring(Protocol):
    """What runs a network: `Engine`, or torch. `outputs` names what it can give."""

    outputs: Sequence[str]

    def measure(self, pixels: NDArray[np.uint8], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """The outputs of these names, each [N, ...], of pixels uint8 [N, S, S, 3]."""


class Engine:
    """A network from `export_network`, ready to be run; safe to use from several threads."""

    def __init__(self, content: bytes) -> None:
        silence_telemetry()  # also where a registered model is opened by a program of others
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.image_size = int(self._session.get_inputs()[0].shape[1])
        self.outputs: Sequence[str] = tuple(output.name for output in self._session.get_outputs())

    def run(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features [N, D] and maps [N, C, h, w], or tokens [N, T, C], of pixels uint8 [N, S, S, 3]."""
        features, maps = self.measure(pixels, (FEATURES, MAPS))
        return features, maps

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features [N, D] of pixels uint8 [N, S, S, 3], without keeping the maps."""
        return self.measure(pixels, (FEATURES,))[0]

    def measure(self, pixels: NDArray[np.uint8], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """The outputs of these names, each [N, ...], of pixels uint8 [N, S, S, 3]."""

        def one(photograph: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
            found: list[NDArray[np.float32]] = self._session.run(list(outputs), {PIXELS: photograph[np.newaxis]})
            return found

        if len(pixels) == 0:
            shapes = {output.name: output.shape[1:] for output in self._session.get_outputs()}
            return [np.zeros((0, *shapes[name]), np.float32) for name in outputs]
        with ThreadPoolExecutor(min(len(pixels), os.cpu_count() or 1)) as pool:  # the runs hold no interpreter lock
            found = list(pool.map(one, pixels))
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]


@lru_cache(maxsize=7)  # champion, challenger and anchor, each with a fine-tuned network, and the reference backbone
def opened(content: bytes) -> Engine:
    """The engine of these bytes, made once for all who ask in this process."""
    return Engine(content)


def export_network(
    backbone: str,
    weights: Mapping[str, Tensor],
    image_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    late_stages: int = 0,
) -> bytes:
    """A timm network without its linear head as an ONNX file; the same weights give the same bytes.

    It takes in one photograph, uint8 [1, S, S, 3], and gives features and maps; a head's answers are
    `features @ weight.T + bias`. `mean` and `std` are of pixels in 0 to 1.

    Raises:
        UnknownBackbone: timm has no network of that name.
        WeightsUnavailable: these are not the weights of that network.
        NotExportable: it has a part that ONNX does not express.
    """
    return export(photograph_network(backbone, weights, mean, std, late_stages), image_size)


def export(network: nn.Module, image_size: int) -> bytes:
    """A network of `dermai.models.photograph_network` as an ONNX file for one photograph of this size."""
    import torch
    from torch.onnx.errors import OnnxExporterError

    file = io.BytesIO()
    with _EXPORTING, warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # on Python values that become constants, and on newer exporters
        try:
            torch.onnx.export(
                network,
                (torch.zeros((1, image_size, image_size, 3), dtype=torch.uint8),),
                file,  # type: ignore[arg-type]  # this exporter takes streams
                input_names=[PIXELS],
                output_names=list(network.outputs),  # type: ignore[arg-type]
                opset_version=OPSET,
                dynamo=False,
            )
        except OnnxExporterError as error:
            raise NotExportable(f"ONNX does not express this network: {error}") from None
    return file.getvalue()
