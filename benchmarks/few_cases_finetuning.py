"""The whole network fine-tuned in the folds of `benchmarks.few_cases`, on a GPU where there is one.

    python -m benchmarks.few_cases_packing path/to/pad_ufes_20 FOLDER --source path/to/ham10000 --weights WEIGHTS
    python -m benchmarks.few_cases_finetuning train FOLDER --workers 12
    python -m benchmarks.few_cases_finetuning source FOLDER
    python -m benchmarks.few_cases_finetuning train FOLDER --workers 12 --source
    python -m benchmarks.few_cases path/to/pad_ufes_20 --cache features --weights WEIGHTS --finetuned FOLDER

What is packed is all that the others read, with torch and timm only: they can run on another machine. For each seed and
outer fold a network learns from all other patients, and three learn from two thirds of them, so that operating points
and all else are chosen without the test patients. Rates, epochs and augmentation are fixed: nothing of the training is
chosen by these numbers. `source` trains on all of HAM10000 in the same way, the last epoch kept, and
`train --source` starts from its weights in place of ImageNet's; no photograph of PAD-UFES-20 is seen before.

`train` writes FOLDER/finetuned-NETWORK.npz (finetuned-source-NETWORK.npz). `held`: log-probabilities float32
[seeds, folds, photographs, classes], of the test patients from the first network and of the others from the three.
`joined`: the same, but of the test patients the mean of all four. A training is kept as soon as it is done; a run that
was stopped goes on with the next.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.few_cases_packing import read_packed, save_body

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Module

SIZE = 300  # px of the network's input
EPOCHS, BATCH, DECAY = 20, 36, 0.98  # DECAY of the moving average of the weights, which is what answers
SOURCE_EPOCHS, SOURCE_SEED = 12, 20211003
BODY_RATE, HEAD_RATE, WEIGHT_DECAY, SMOOTHING = 6e-4, 3e-3, 0.02, 0.1
WHOLE = -1  # a training on all patients but the test patients; 0, 1, 2: without the third that it answers


def augmented(photographs: Tensor, generator: Generator) -> Tensor:
    """Photographs uint8 [N, H, W, 3] turned, mirrored, scaled, shifted, coloured at random; float [N, 3, S, S]."""
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


def fitted(
    folder: Path, network: str, weights: Path, learn: np.ndarray, seed: int, epochs: int = EPOCHS
) -> tuple[Module, Tensor]:
    """The network trained from `weights` on the photographs `learn`, with the average of its weights; all photographs.

    Raises ValueError where the weights are another network's.
    """
    import timm
    import torch
    from safetensors.torch import load_file
    from torch.nn.functional import cross_entropy
    from tqdm import trange

    device = "cuda" if torch.cuda.is_available() else "cpu"
    photographs, labels = (part.to(device) for part in read_packed(folder))
    classes = int(labels.max()) + 1
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed)
    model = timm.create_model(network, num_classes=classes, drop_rate=0.3, drop_path_rate=0.1)
    found = model.load_state_dict(load_file(weights), strict=False)
    if found.unexpected_keys or any(not key.startswith("classifier") for key in found.missing_keys):
        raise ValueError(f"{weights} does not hold the weights of {network}: {found}")
    model = model.to(device, memory_format=torch.channels_last).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()  # few cases: ImageNet's statistics stay
    head = list(model.classifier.parameters())
    body = [value for key, value in model.named_parameters() if not key.startswith("classifier")]
    groups = [{"params": body, "lr": BODY_RATE}, {"params": head, "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
    steps = epochs * math.ceil(len(learn) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [BODY_RATE, HEAD_RATE], total_steps=steps, pct_start=0.2)
    learnt = torch.from_numpy(learn).to(device)
    chance = (1 / torch.bincount(labels[learnt], minlength=classes).float())[labels[learnt]]
    learning = list(model.parameters())
    average = [weight.detach().clone() for weight in learning]
    for step in trange(steps, desc=f"{network}, {BATCH} photographs a step", disable=device == "cuda"):
        batch = learnt[torch.multinomial(chance, BATCH, replacement=True, generator=generator)]
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):  # slower than float32 on a CPU
            inputs = augmented(photographs[batch], generator).contiguous(memory_format=torch.channels_last)
            logits = model(inputs)
        loss = cross_entropy(logits.float(), labels[batch], label_smoothing=SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 5.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, learning, 1 - min(DECAY, (step + 1) / (step + 10)))
    with torch.no_grad():
        for weight, mean in zip(learning, average, strict=True):
            weight.copy_(mean)
    return model.eval(), photographs


def answer(model: Module, photographs: Tensor) -> np.ndarray:
    """Log-probabilities float32 [N, C] of photographs uint8 [N, H, W, 3]: the mean over the eight turned views."""
    import torch
    from torch.nn.functional import interpolate

    answers = []
    with torch.no_grad(), torch.autocast(photographs.device.type, torch.bfloat16):
        for part in photographs.split(64):
            pixels = part.permute(0, 3, 1, 2).float() / 127.5 - 1
            pixels = interpolate(pixels, size=(SIZE, SIZE), mode="bilinear", antialias=True)
            answers.append(torch.stack([model(view).float().log_softmax(1) for view in turned(pixels)]).mean(0))
    return np.asarray(torch.cat(answers).cpu().numpy())


def _job(job: tuple[Path, Path, str, Path, float, int, int, int]) -> None:
    folder, kept, network, weights, until, seed, fold, part = job
    file = kept / f"{seed}-{fold}-{part}.npy"
    if file.is_file() or time.time() > until:
        return
    import torch

    torch.set_num_threads(1)
    began = time.perf_counter()
    parts = np.load(folder / "photographs.npz")["parts"][seed, fold]
    learn = np.flatnonzero((parts != WHOLE) & (parts != part))
    model, photographs = fitted(folder, network, weights, learn, 1000 * seed + 10 * fold + part + 1)
    asked = torch.from_numpy(np.flatnonzero((parts == WHOLE) | (parts == part)))
    np.save(file.with_suffix(".part.npy"), answer(model, photographs[asked.to(photographs.device)]))
    file.with_suffix(".part.npy").rename(file)
    print(f"{kept.name} seed {seed} fold {fold} part {part}: {time.perf_counter() - began:.0f} s", flush=True)


def train(folder: Path, network: str, source: bool, workers: int, output: Path, seconds: float) -> None:
    """Run the trainings that are missing, none begun after so many seconds; write what there is, else NaN."""
    until = time.time() + seconds
    name = f"source-{network}" if source else network
    weights = (folder / "source" if source else folder) / f"{network}.safetensors"
    kept = output / name
    kept.mkdir(parents=True, exist_ok=True)
    packed = np.load(folder / "photographs.npz")
    parts, classes = packed["parts"], int(packed["labels"].max()) + 1
    seeds, folds = parts.shape[:2]
    inner = range(int(parts.max()) + 1)
    jobs: list[Any] = [
        (folder, kept, network, weights, until, seed, fold, part)
        for seed in range(seeds)
        for part in (WHOLE, *inner)
        for fold in range(folds)
    ]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for _ in pool.imap(_job, jobs):
            pass
    held = np.full((*parts.shape, classes), np.nan, np.float32)
    joined = held.copy()
    for seed, fold in itertools.product(range(seeds), range(folds)):
        found = {}
        for part in (WHOLE, *inner):
            if (file := kept / f"{seed}-{fold}-{part}.npy").is_file():
                found[part] = np.full_like(held[seed, fold], np.nan)
                found[part][(parts[seed, fold] == WHOLE) | (parts[seed, fold] == part)] = np.load(file)
                held[seed, fold][parts[seed, fold] == part] = found[part][parts[seed, fold] == part]
        joined[seed, fold] = held[seed, fold]
        if len(found) == 1 + len(inner):
            test = parts[seed, fold] == WHOLE
            joined[seed, fold][test] = np.mean([answers[test] for answers in found.values()], axis=0)
    np.savez(output / f"finetuned-{name}.npz", held=held, joined=joined)


def train_source(folder: Path, network: str) -> None:
    """Train on all of HAM10000; write the network without its head to FOLDER/source."""
    began = time.perf_counter()
    count = len(np.load(folder / "source" / "photographs.npz")["labels"])
    weights = folder / f"{network}.safetensors"
    model, _ = fitted(folder / "source", network, weights, np.arange(count), SOURCE_SEED, SOURCE_EPOCHS)
    save_body(model.cpu(), folder / "source" / f"{network}.safetensors")
    print(f"{network}, {SOURCE_EPOCHS} epochs of {count} photographs: {time.perf_counter() - began:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    sourcing = commands.add_parser("source", help="train on HAM10000")
    training = commands.add_parser("train", help="train in the folds of PAD-UFES-20 what is missing")
    for command in (sourcing, training):
        command.add_argument("folder", type=Path, help="what `few_cases_packing` wrote")
        command.add_argument("--network", default="tf_efficientnet_lite0")
    training.add_argument("--source", action="store_true", help="start from the weights of `source`")
    training.add_argument("--workers", type=int, default=1, help="trainings at a time")
    training.add_argument("--seconds", type=float, default=math.inf, help="begin no training after so many")
    training.add_argument("--output", type=Path, help="another folder for what is learnt")
    arguments = parser.parse_args()
    if arguments.command == "source":
        train_source(arguments.folder, arguments.network)
        return
    train(
        arguments.folder,
        arguments.network,
        arguments.source,
        arguments.workers,
        arguments.output or arguments.folder,
        arguments.seconds,
    )


if __name__ == "__main__":
    main()
