"""Photographs, folds and weights in few small files, for `benchmarks.few_cases_finetuning` on another machine.

python -m benchmarks.few_cases_packing path/to/pad_ufes_20 FOLDER --source path/to/ham10000 --weights WEIGHTS
"""

from __future__ import annotations

import argparse
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

SIDE = 320  # px kept


def pack(photographs: Path, folder: Path, weights: Path | None) -> None:
    """Write PAD-UFES-20's photographs, diagnoses and folds, and the weights to start from."""
    from benchmarks.few_cases import NETWORK, read_cases
    from benchmarks.few_cases_experiment import INNER, OUTER, SEEDS, Experiment
    from benchmarks.few_cases_heads import patient_folds
    from dermai.config import ModelParams
    from dermai.models.backbones import build_model

    cases = read_cases(photographs)
    experiment = Experiment(cases, lambda name: np.empty(0))
    parts = np.full((len(SEEDS), OUTER, len(cases)), -1)  # -1: a test patient
    for place, seed in enumerate(SEEDS):
        outer = patient_folds(experiment.patients, experiment.labels, OUTER, seed)
        for fold in range(OUTER):
            train = np.flatnonzero(outer != fold)
            parts[place, fold, train] = patient_folds(
                experiment.patients[train], experiment.labels[train], INNER, seed + fold + 1
            )
    folder.mkdir(parents=True, exist_ok=True)
    files = [photographs / file for file in cases["file"]]
    pack_photographs(folder, files, 92, labels=experiment.labels, parts=parts)
    further = sorted(file.stem for file in weights.glob("*.safetensors")) if weights else []
    for network in (NETWORK, *further):
        own = ModelParams(backbone=network, weights_folder=str(weights) if network in further else "")
        save_body(build_model(own, ("unused",)), folder / f"{network}.safetensors")


def pack_photographs(folder: Path, files: Sequence[Path], quality: int, **arrays: np.ndarray) -> None:
    """Write the photographs, small and square JPEGs of a quality in %, and what is known of each to photographs.npz."""
    packed = []
    for file in files:
        with Image.open(file) as photograph:
            small = photograph.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        stream = io.BytesIO()
        small.save(stream, "JPEG", quality=quality)
        packed.append(stream.getvalue())
    np.savez(
        folder / "photographs.npz",
        bytes=np.frombuffer(b"".join(packed), np.uint8),
        sizes=np.array([len(file) for file in packed]),
        **arrays,
    )


def save_body(model: Module, file: Path) -> None:
    """Write the weights of a network without its head."""
    from safetensors.torch import save_file

    state = model.state_dict()
    save_file({key: value.contiguous() for key, value in state.items() if not key.startswith("classifier")}, file)


def pack_source(photographs: Path, folder: Path) -> None:
    """Write HAM10000's photographs and diagnoses to FOLDER/source."""
    from dermai.ingest.ham10000 import read_ham10000
    from dermai.taxonomy import load_taxonomy

    rows, taxonomy = read_ham10000(photographs).rows, load_taxonomy()
    diagnoses = [taxonomy.diagnosis("ham10000", label) for label in rows["label"]]
    labels = np.unique(diagnoses, return_inverse=True)[1]
    (folder / "source").mkdir(parents=True, exist_ok=True)
    files = [photographs / file for file in rows["file"]]
    pack_photographs(folder / "source", files, 65, labels=labels)


def read_packed(folder: Path) -> tuple[Tensor, Tensor]:
    """Photographs uint8 [N, H, W, 3] and labels [N]."""
    import torch

    packed = np.load(folder / "photographs.npz")
    edges, stream = np.concatenate([[0], np.cumsum(packed["sizes"])]), packed["bytes"].tobytes()
    files = [stream[start:stop] for start, stop in itertools.pairwise(edges)]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])
    return torch.from_numpy(pixels), torch.from_numpy(packed["labels"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="PAD-UFES-20 as its publisher lays it out")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source", type=Path, help="HAM10000 as its publisher lays it out")
    parser.add_argument("--weights", type=Path, help="folder with the weights of further networks")
    arguments = parser.parse_args()
    pack(arguments.photographs, arguments.folder, arguments.weights)
    if arguments.source:
        pack_source(arguments.source, arguments.folder)


if __name__ == "__main__":
    main()
