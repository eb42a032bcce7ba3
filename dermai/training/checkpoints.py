"""Checkpoints of one training: each a folder that is wholly there or not at all."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermai.files import sync_folder, write_bytes, write_json

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands: the weights now, the best so far, their average where one is kept, the optimiser's
    state, the position in words."""

    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    position: dict[str, Any]


def save_checkpoint(folder: Path, epoch: int, checkpoint: Checkpoint) -> None:
    """Write the checkpoint of an epoch, then remove the older ones."""
    import torch
    from safetensors.torch import save

    temporary = folder / f".epoch-{epoch:05d}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    parts = {"weights": checkpoint.weights, "best": checkpoint.best, "average": checkpoint.average}
    for name, weights in parts.items():
        write_bytes(temporary / f"{name}.safetensors", save({k: v.cpu().contiguous() for k, v in weights.items()}))
    with (temporary / "optimizer.pt").open("wb") as stream:
        torch.save(checkpoint.optimizer, stream)
        stream.flush()
        os.fsync(stream.fileno())
    write_json(temporary / "position.json", checkpoint.position)
    final = folder / f"epoch-{epoch:05d}"
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    sync_folder(folder)
    for older in folder.glob("epoch-*"):
        if older != final:
            shutil.rmtree(older, ignore_errors=True)


def load_checkpoint(folder: Path, device: str = "cpu") -> Checkpoint | None:
    """The newest checkpoint; None where there is none."""
    import torch
    from safetensors.torch import load_file

    found = sorted(folder.glob("epoch-*"))
    if not found:
        return None
    newest = found[-1]
    return Checkpoint(
        weights=load_file(newest / "weights.safetensors", device),
        best=load_file(newest / "best.safetensors", device),
        average=load_file(newest / "average.safetensors", device),
        optimizer=torch.load(newest / "optimizer.pt", map_location=device, weights_only=True),
        position=json.loads((newest / "position.json").read_text(encoding="utf-8")),
    )
