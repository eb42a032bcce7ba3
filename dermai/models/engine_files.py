"""Exported networks, kept with their hash: an export takes seconds, and many packages share one frozen backbone."""

from __future__ import annotations

import hashlib
import importlib.metadata
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dermai.files import sha256_bytes, sha256_json, write_bytes
from dermai.models.engine import OPSET, Engine, export, export_network, opened

if TYPE_CHECKING:
    from torch import Tensor

FORM = 2  # raise it when an export of the same weights answers something else
MOST_KEPT, MOST_IN_MEMORY = 16, 4  # files; the oldest go
_exported: dict[str, bytes] = {}  # by key, the newest last
_ONE_AT_A_TIME = threading.Lock()


def engine_for(
    backbone: str,
    weights: Mapping[str, Tensor],
    image_size: int,
    statistics: tuple[Sequence[float], Sequence[float]] | None = None,
    cache: Path | None = None,
    late_stages: int = 0,
) -> Engine:
    """The engine of a timm network with these weights below its head; `cache` is the workspace's cache folder.

    `statistics` are mean and standard deviation of pixels in 0 to 1, those of the ImageNet weights if None.

    Raises:
        UnknownBackbone: timm has no network of that name.
        WeightsUnavailable: these are not the weights of that network.
    """
    return opened(engine_file(backbone, weights, image_size, statistics, cache, late_stages))


def engine_file(
    backbone: str,
    weights: Mapping[str, Tensor],
    image_size: int,
    statistics: tuple[Sequence[float], Sequence[float]] | None = None,
    cache: Path | None = None,
    late_stages: int = 0,
) -> bytes:
    """As `engine_for`, the engine's file."""
    from dermai.models.backbones import input_statistics

    mean, std = statistics or input_statistics(backbone)
    about: dict[str, object] = {
        "backbone": backbone,
        "weights": _below_the_head(backbone, weights),
        "size": image_size,
        "mean": list(mean),
        "std": list(std),
    }
    if late_stages:
        about["late_stages"] = late_stages
    return _kept(about, cache, lambda: export_network(backbone, weights, image_size, mean, std, late_stages))


def reference_engine(image_size: int, cache: Path | None = None) -> Engine:
    """The engine of the frozen reference backbone, whose outputs are features and appearance."""
    from dermai.models.backbones import BUNDLED_BACKBONE
    from dermai.models.packaged_weights import PACKAGES

    def make() -> bytes:
        from dermai.models.photograph_network import reference_network

        return export(reference_network(), image_size)

    package = PACKAGES[BUNDLED_BACKBONE]
    return opened(_kept({"reference": package.name, "weights": package.sha256, "size": image_size}, cache, make))


def _kept(about: Mapping[str, object], cache: Path | None, make: Callable[[], bytes]) -> bytes:
    """From memory, else from the cache, else made and put into both."""
    key = sha256_json({**about, **_versions(), "opset": OPSET, "form": FORM})
    with _ONE_AT_A_TIME:
        content = _exported.pop(key, None) or _from_disk(key, cache, make)
        _exported[key] = content
        while len(_exported) > MOST_IN_MEMORY:
            del _exported[next(iter(_exported))]
    return content


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("timm", "torch")}


def _from_disk(key: str, cache: Path | None, make: Callable[[], bytes]) -> bytes:
    if cache is None:
        return make()
    folder = cache / "engines"
    for file in sorted(folder.glob(f"{key}-*.onnx")):
        content = _read(file)
        if file.name == _name(key, content):
            return content
        file.unlink(missing_ok=True)
    content = make()
    write_bytes(folder / _name(key, content), content)
    for old in sorted(folder.glob("*.onnx"), key=_written, reverse=True)[MOST_KEPT:]:
        old.unlink(missing_ok=True)
    return content


def _name(key: str, content: bytes) -> str:
    """What the file was made from, and a hash by which damage and another network's file are noticed."""
    return f"{key}-{sha256_bytes(key.encode() + content)}.onnx"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # another process removed it
        return b""


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # another process removed it
        return 0.0


def _below_the_head(backbone: str, weights: Mapping[str, Tensor]) -> str:
    """A hash of the weights that an engine holds."""
    import timm

    settings = timm.get_pretrained_cfg(backbone)
    head = f"{settings.classifier}." if settings is not None else ""
    found = hashlib.sha256()
    for name in sorted(weights):
        if not head or not name.startswith(head):
            tensor = weights[name].detach().cpu().contiguous().numpy()
            found.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
            found.update(tensor.tobytes())
    return found.hexdigest()
