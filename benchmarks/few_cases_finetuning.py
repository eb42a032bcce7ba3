"""The whole network fine-tuned in the folds of `benchmarks.few_cases`, on a GPU where there is one.

    python -m benchmarks.few_cases_finetuning pack path/to/pad_ufes_20 FOLDER --weights WEIGHTS
    python benchmarks/few_cases_finetuning.py train FOLDER --network tf_efficientnet_lite0 --workers 8
    python -m benchmarks.few_cases path/to/pad_ufes_20 --cache features --weights WEIGHTS --finetuned FOLDER

`pack` writes photographs, labels, folds and ImageNet weights, so that `train` needs torch and timm only and can run on
another machine. For each seed and outer fold a network learns from all other patients, and three learn from two thirds
of them, so that operating points and all else are chosen without the test patients. Rates, epochs and augmentation are
fixed: nothing of the training is chosen by these numbers.

`train` writes FOLDER/finetuned-NETWORK.npz: log-probabilities float32 [seeds, folds, photographs, classes], of the test
patients from the first network and of the others from the three. A training is kept as soon as it is done; a run that
was stopped goes on with the next.
"""

from __future__ import annotations

import argparse
import io
import itertools
import math
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Generator, Tensor

SIDE, SIZE = 320, 300  # px kept, px of the network's input
EPOCHS, BATCH, DECAY = 20, 36, 0.98  # DECAY of the moving average of the weights, which is what answers
BODY_RATE, HEAD_RATE, WEIGHT_DECAY, SMOOTHING = 6e-4, 3e-3, 0.02, 0.1
WHOLE = -1  # a training on all patients but the test patients; 0, 1, 2: without the third that it answers


def pack(photographs: Path, folder: Path, weights: Path | None) -> None:
    """Write what `train` needs."""
    from safetensors.torch import save_file

    from benchmarks.few_cases import INNER, NETWORK, OUTER, SEEDS, Experiment, read_cases
    from benchmarks.few_cases_heads import patient_folds
    from dermai.backbones import build_model
    from dermai.config import ModelParams

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
    files = []
    for file in cases["file"]:
        with Image.open(photographs / file) as photograph:
            small = photograph.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        stream = io.BytesIO()
        small.save(stream, "JPEG", quality=92)
        files.append(stream.getvalue())
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        folder / "photographs.npz",
        bytes=np.frombuffer(b"".join(files), np.uint8),
        sizes=[len(file) for file in files],
        labels=experiment.labels,
        parts=parts,
    )
    further = sorted(file.stem for file in weights.glob("*.safetensors")) if weights else []
    for network in (NETWORK, *further):
        own = ModelParams(backbone=network, weights_folder=str(weights) if network in further else "")
        state = build_model(own, ("unused",)).state_dict()
        body = {key: value.contiguous() for key, value in state.items() if not key.startswith("classifier")}
        save_file(body, folder / f"{network}.safetensors")


def augmented(photographs: Tensor, generator: Generator) -> Tensor:
    """Photographs uint8 [N, H, W, 3] turned, mirrored, scaled, shifted and coloured at random; float [N, 3, S, S]."""
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    count, device = len(photographs), photographs.device

    def drawn(low: float, high: float) -> Tensor:
        return torch.rand(count, device=device, generator=generator) * (high - low) + low

    pixels = photographs.permute(0, 3, 1, 2).float() / 127.5 - 1
    angle, scale, aspect = drawn(-math.pi, math.pi), drawn(0.6, 1.05), torch.exp(drawn(-0.2, 0.2))
    mirror = torch.where(drawn(0, 1) < 0.5, -1.0, 1.0)
    across = torch.stack([angle.cos() * scale * mirror * aspect, -angle.sin() * scale, drawn(-0.15, 0.15)], 1)
    down = torch.stack([angle.sin() * scale * mirror, angle.cos() * scale / aspect, drawn(-0.15, 0.15)], 1)
    grid = affine_grid(torch.stack([across, down], 1), [count, 3, SIZE, SIZE], align_corners=False)
    pixels = grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    light, contrast, saturation = (
        drawn(low, high).view(-1, 1, 1, 1) for low, high in ((-0.2, 0.2), (0.8, 1.25), (0.8, 1.25))
    )
    tint = (torch.rand(count, 3, 1, 1, device=device, generator=generator) - 0.5) * 0.15
    mean = pixels.mean((1, 2, 3), keepdim=True)
    pixels = (pixels - mean) * contrast + mean + light + tint
    grey = pixels.mean(1, keepdim=True)
    return (pixels - grey) * saturation + grey


def turned(pixels: Tensor) -> Iterator[Tensor]:
    """The eight rotations and mirrorings of photographs [N, 3, S, S]."""
    import torch

    for quarter in range(4):
        rotated = torch.rot90(pixels, quarter, (2, 3))
        yield rotated
        yield rotated.flip(3)


def answer(folder: Path, network: str, learn: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    """Train on the photographs `learn` and answer those `asked`: log-probabilities float32 [asked, C]."""
    import timm
    import torch
    from safetensors.torch import load_file
    from torch.nn.functional import cross_entropy, interpolate

    device = "cuda" if torch.cuda.is_available() else "cpu"
    photographs, labels = (part.to(device) for part in _read(folder))
    classes = int(labels.max()) + 1
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed)
    model = timm.create_model(network, num_classes=classes, drop_rate=0.3, drop_path_rate=0.1)
    found = model.load_state_dict(load_file(folder / f"{network}.safetensors"), strict=False)
    if found.unexpected_keys or any(not key.startswith("classifier") for key in found.missing_keys):
        raise ValueError(f"{network}.safetensors are not the weights of {network}: {found}")
    model = model.to(device, memory_format=torch.channels_last).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()  # few cases: ImageNet's statistics stay
    head = list(model.classifier.parameters())
    body = [value for key, value in model.named_parameters() if not key.startswith("classifier")]
    groups = [{"params": body, "lr": BODY_RATE}, {"params": head, "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * math.ceil(len(learn) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [BODY_RATE, HEAD_RATE], total_steps=steps, pct_start=0.2)
    learnt = torch.from_numpy(learn).to(device)
    chance = (1 / torch.bincount(labels[learnt], minlength=classes).float())[labels[learnt]]
    weights = list(model.parameters())
    average = [weight.detach().clone() for weight in weights]
    for step in range(steps):
        batch = learnt[torch.multinomial(chance, BATCH, replacement=True, generator=generator)]
        with torch.autocast(device, torch.bfloat16):
            inputs = augmented(photographs[batch], generator).contiguous(memory_format=torch.channels_last)
            logits = model(inputs)
        loss = cross_entropy(logits.float(), labels[batch], label_smoothing=SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 5.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, weights, 1 - min(DECAY, (step + 1) / (step + 10)))
    model.eval()
    answers = []
    with torch.no_grad(), torch.autocast(device, torch.bfloat16):
        for weight, mean in zip(weights, average, strict=True):
            weight.copy_(mean)
        for part in torch.from_numpy(asked).to(device).split(64):
            pixels = photographs[part].permute(0, 3, 1, 2).float() / 127.5 - 1
            pixels = interpolate(pixels, size=(SIZE, SIZE), mode="bilinear", antialias=True)
            answers.append(torch.stack([model(view).float().log_softmax(1) for view in turned(pixels)]).mean(0))
    return np.asarray(torch.cat(answers).cpu().numpy())


def _read(folder: Path) -> tuple[Tensor, Tensor]:
    import torch

    packed = np.load(folder / "photographs.npz")
    edges, stream = np.concatenate([[0], np.cumsum(packed["sizes"])]), packed["bytes"].tobytes()
    files = [stream[start:stop] for start, stop in itertools.pairwise(edges)]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])
    return torch.from_numpy(pixels), torch.from_numpy(packed["labels"])


def _job(job: tuple[Path, Path, str, float, int, int, int]) -> None:
    folder, kept, network, until, seed, fold, part = job
    file = kept / f"{seed}-{fold}-{part}.npy"
    if file.is_file() or time.time() > until:
        return
    import torch

    torch.set_num_threads(1)
    began = time.perf_counter()
    parts = np.load(folder / "photographs.npz")["parts"][seed, fold]
    asked = np.flatnonzero(parts == part)
    learn = np.flatnonzero((parts != WHOLE) & (parts != part))
    found = answer(folder, network, learn, asked, 1000 * seed + 10 * fold + part + 1)
    np.save(file.with_suffix(".part.npy"), found)
    file.with_suffix(".part.npy").rename(file)
    print(f"{network} seed {seed} fold {fold} part {part}: {time.perf_counter() - began:.0f} s", flush=True)


def train(folder: Path, network: str, workers: int, output: Path, seconds: float) -> None:
    """Run the trainings that are missing, none begun after so many seconds; write what there is, else NaN."""
    until = time.time() + seconds
    kept = output / network
    kept.mkdir(parents=True, exist_ok=True)
    packed = np.load(folder / "photographs.npz")
    parts, classes = packed["parts"], int(packed["labels"].max()) + 1
    seeds, folds = parts.shape[:2]
    jobs: list[Any] = [
        (folder, kept, network, until, seed, fold, part)
        for seed in range(seeds)
        for part in range(WHOLE, int(parts.max()) + 1)
        for fold in range(folds)
    ]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for _ in pool.imap(_job, jobs):
            pass
    held = np.full((*parts.shape, classes), np.nan, np.float32)
    for *_, seed, fold, part in jobs:
        file = kept / f"{seed}-{fold}-{part}.npy"
        if file.is_file():
            held[seed, fold, parts[seed, fold] == part] = np.load(file)
    np.savez(output / f"finetuned-{network}.npz", held=held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write photographs, folds and weights for `train`")
    packing.add_argument("photographs", type=Path, help="PAD-UFES-20 as its publisher lays it out")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--weights", type=Path, help="folder with the weights of further networks")
    training = commands.add_parser("train", help="train what is missing")
    training.add_argument("folder", type=Path)
    training.add_argument("--network", default="tf_efficientnet_lite0")
    training.add_argument("--workers", type=int, default=1, help="trainings at a time")
    training.add_argument("--seconds", type=float, default=math.inf, help="begin no training after so many")
    training.add_argument("--output", type=Path, help="another folder for what is learnt")
    arguments = parser.parse_args()
    if arguments.command == "pack":
        pack(arguments.photographs, arguments.folder, arguments.weights)
    else:
        train(
            arguments.folder,
            arguments.network,
            arguments.workers,
            arguments.output or arguments.folder,
            arguments.seconds,
        )


if __name__ == "__main__":
    main()
