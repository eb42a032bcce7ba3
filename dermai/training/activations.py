"""What the frozen prefix makes of each photograph, computed once and kept across trainings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dermai.config import Params
from dermai.files import sha256_bytes, sha256_json
from dermai.images.augmentation import CLEAN, augment, normalise
from dermai.images.device_records import reader
from dermai.images.pixels import PixelCache
from dermai.images.record_file import RecordFile
from dermai.models.backbones import fuse_batch_norm

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

logger = logging.getLogger(__name__)

_BATCH = 16  # fixed, the last one padded: the same photograph gives the same bits in any company


class FrozenActivations:
    """The prefix's output for any view of any photograph, from disk where it fits there.

    Kept as float16, keyed by the prefix's weights and everything that shapes its input, so an update computes only
    its new photographs. Where the disk budget is too small, every batch runs through the prefix instead.
    """

    def __init__(
        self,
        prefix: nn.Module,
        params: Params,
        statistics: tuple[Sequence[float], Sequence[float]],
        cache: Path,
        data_folder: Path,
        device: torch.device,
    ) -> None:
        self.prefix = prefix.to(device).eval()
        self.params = params
        self.mean, self.std = statistics
        self.data_folder = data_folder
        self.device = device
        self.pixels = PixelCache(
            cache / "pixels", params.model.image_size, params.model.interpolation, params.model.crop
        )
        self._folder = cache / "activations"
        self._read_pixels = reader(self.pixels.records, (), device)
        self._read_activations: Callable[[Sequence[str]], Tensor] | None = None  # None: computed for every batch

    def prepare(
        self,
        train: Sequence[str],
        clean: Sequence[str],
        progress: bool = False,
        process: int = 0,
        processes: int = 1,
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        """Decode and pass through the prefix what is not on disk yet: all views of `train`, the clean one of `clean`.

        With several processes each does its share, and `wait` holds all until the others are done.
        """
        from tqdm import tqdm

        everything = list(dict.fromkeys([*train, *clean]))
        self.pixels.fill(everything[process::processes], self.data_folder, progress and process == 0)
        wait()
        self.pixels.records.refresh()
        if len(self.prefix) == 0:  # type: ignore[arg-type]
            self._read_pixels = reader(self.pixels.records, everything, self.device)
            return  # nothing is frozen, the pixels are all there is to keep
        wanted = [(image, view) for image in train for view in self.views] + [(image, CLEAN) for image in clean]
        shape = self._output_shape()
        needed = len(wanted) * int(np.prod(shape)) * 2
        budget = self.params.training.activation_cache_gb * 1e9
        if needed > budget:
            logger.warning(
                "activations would take %.1f GB, training.activation_cache_gb is %g: computing them in every epoch",
                needed / 1e9, budget / 1e9,
            )  # fmt: skip
            return
        records = RecordFile(self._folder / self._key(), shape, "float16")
        if process == 0:
            _make_room(self._folder, records, budget - needed)
        names = {_name(*pair): pair for pair in wanted}
        missing = records.missing(names)[process::processes]
        wait()  # until all have looked: what one adds would shift the others' shares
        with tqdm(total=len(missing), desc="frozen layers", unit="view", disable=not progress or process > 0) as bar:
            for start in range(0, len(missing), _BATCH):
                chunk = missing[start : start + _BATCH]
                records.append(chunk, self._compute([names[name] for name in chunk]).cpu().numpy())
                bar.update(len(chunk))
        wait()
        records.refresh()
        self._read_activations = reader(records, list(names), self.device)

    @property
    def views(self) -> range | tuple[int]:
        """The views kept of each training photograph."""
        training = self.params.training
        return (CLEAN,) if training.augmentation == "none" else range(training.augmented_views)

    def read(self, images: Sequence[str], views: Sequence[int]) -> Tensor:
        """Input of the tail, float32 [N, ...] on the device, for one view of each photograph."""
        import torch

        pairs = list(zip(images, views, strict=True))
        if self._read_activations is None:
            return self._compute(pairs, len(images)).float()
        batch = self._read_activations([_name(*pair) for pair in pairs]).float()
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch

    @cached_property
    def _fast_prefix(self) -> nn.Module:
        return fuse_batch_norm(self.prefix) if len(self.prefix) else self.prefix  # type: ignore[arg-type]

    def _output_shape(self) -> tuple[int, ...]:
        import torch

        size = self.params.model.image_size
        with torch.no_grad():
            return tuple(self.prefix(torch.zeros(1, 3, size, size, device=self.device)).shape[1:])

    def _compute(self, wanted: Sequence[tuple[str, int]], batch: int = _BATCH) -> Tensor:
        import torch

        outputs = []
        with torch.no_grad():
            for start in range(0, len(wanted), batch):
                chunk = list(wanted[start : start + batch])
                padded = chunk + chunk[-1:] * (batch - len(chunk))
                images, views = zip(*padded, strict=True)
                seen = augment(self._read_pixels(images), images, views, self.params.seed)
                outputs.append(self._fast_prefix(normalise(seen, self.mean, self.std))[: len(chunk)].half())
        return torch.cat(outputs)

    def _key(self) -> str:
        model, training = self.params.model, self.params.training
        from dermai.images import augmentation

        weights = b"".join(tensor.cpu().numpy().tobytes() for tensor in self.prefix.state_dict().values())
        return sha256_json(
            {
                "prefix": [sha256_bytes(weights), list(self.prefix.state_dict())],
                "input": [model.image_size, model.interpolation, model.crop, list(self.mean), list(self.std)],
                "views": [training.augmentation, augmentation.VERSION, self.params.seed],
            }
        )[:24]


def _name(image: str, view: int) -> str:
    return f"{image}:{view}"


def _make_room(folder: Path, keep: RecordFile, budget: float) -> None:
    """Delete other settings' activations, the longest unused first, until the rest fits the budget."""
    folder.mkdir(parents=True, exist_ok=True)
    others = sorted((f for f in folder.glob("*.data") if f != keep.data_file), key=lambda f: f.stat().st_mtime)
    keep.data_file.touch()
    total = sum(file.stat().st_size for file in others)
    for file in others:
        if total <= budget:
            break
        total -= file.stat().st_size
        file.with_suffix(".index").unlink(missing_ok=True)
        file.unlink()


def forget_activations(folder: Path, images: Sequence[str]) -> None:
    """Delete the activations of all settings if they may hold one of these photographs: consent was withdrawn."""
    for index in sorted(folder.glob("*.index")):
        held = {line.split(":")[0] for line in index.read_text(encoding="ascii", errors="replace").splitlines()}
        if held & set(images):
            index.unlink()
            index.with_suffix(".data").unlink(missing_ok=True)
