"""Epochs of the platform's training beside a plain loop of timm, PIL and DataLoader.

Same photographs (simulated, 448 px JPEG as the platform stores them), backbone, input size, frozen blocks, kinds of
augmentation, batch size, optimizer and threads. The plain loop decodes, augments and runs the whole network for every
photograph of every epoch; the platform decodes once and runs the frozen blocks once for each of its few views.
Rounds alternate, each measurement in a process of its own.

    python -m benchmarks.speed.training_throughput --epochs 4 --rounds 2
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.folders import REPOSITORY, RESULTS
from dermai.config import Params, load_params
from dermai.data.cases import parse_cases, photograph_path, trainable
from dermai.data.folds import training_roles
from dermai.workspace import Workspace

PAGE = RESULTS / "training_throughput.md"
NETWORK = {"training.learner": "network", "model.image_size": 300, "model.interpolation": "nearest"}
WAYS = {"dermai": "dermai", "plain0": "plain loop, 0 workers", "plain2": "plain loop, 2 workers"}


def make_workspace(root: Path, scale: float) -> Workspace:
    """A workspace with simulated photographs of the size that the platform stores."""
    from dermai.ingest.dermai_cases import read_dermai_cases
    from dermai.ingest.intake import take_in
    from dermai.simulate.demo_dataset import use_demo_key
    from dermai.simulate.publishers import simulate
    from dermai.simulate.scenario import Scenario

    workspace = Workspace(root)
    root.mkdir()
    (root / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    use_demo_key(root.parent)
    delivery = root.with_name("delivery")
    simulate(delivery, Scenario(source="dermai", scale=scale, size=448), None)
    take_in(read_dermai_cases(delivery), workspace, load_params(workspace.params_file))
    return workspace


def train_dermai(workspace: Workspace, cases: pd.DataFrame, params: Params, epochs: int) -> dict[str, Any]:
    """The platform's own training, all phases; the epochs counted are those of its second phase."""
    from dermai.continual.plan import plan_update
    from dermai.training.finetune import finetune

    training = params.training.model_copy(update={"first_epochs": epochs, "patience": epochs + 1})
    params = params.model_copy(update={"training": training})
    with tempfile.TemporaryDirectory() as scratch:
        package = finetune(plan_update(cases, None, params), cases, workspace.data, params, None, Path(scratch), False)
    summary = package.training
    history = [record for record in summary["history"] if record["phase"] == "blocks"]
    return {
        "rates": [record["images"] / record["seconds"] for record in history],
        "before": summary["seconds_before_the_first_epoch"],
        "seconds": summary["seconds"],
        "megabytes": summary["peak_memory_mb"]["process"],
    }


def train_plain(workspace: Workspace, cases: pd.DataFrame, params: Params, epochs: int, workers: int) -> dict[str, Any]:
    """What one would write without the platform; timed are the training steps, without validation."""
    import resource

    import torch
    from PIL import Image
    from timm.data import create_transform
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms import v2

    from dermai.images import augmentation
    from dermai.models.backbones import build_model, input_statistics, split_frozen
    from dermai.training.sampling import ClassBalancedBatches

    began = time.perf_counter()
    rows = trainable(cases)
    rows = rows[training_roles(rows) == "train"]
    classes = sorted(rows["diagnosis"].unique())
    labels = [classes.index(name) for name in rows["diagnosis"]]
    files = [photograph_path(workspace.data, image) for image in rows["image"]]
    size = params.model.image_size
    mean, std = input_statistics(params.model.backbone)
    to_tensor = create_transform(size, is_training=False, mean=mean, std=std, crop_pct=1.0, interpolation="bilinear")
    degrees, shift = 15, augmentation.LARGEST_SHIFT
    augment = v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(degrees, (shift, shift), (1 / augmentation.SCALES[1], 1 / augmentation.SCALES[0])),
            v2.ColorJitter(augmentation.BRIGHTNESS, augmentation.CONTRAST, augmentation.SATURATION),
        ]
    )

    class Photographs(Dataset[Any]):
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, index: int) -> Any:
            with Image.open(files[index]) as photograph:
                # Shrunk first: augmenting 300 px is what the platform does too.
                small = photograph.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
                return to_tensor(augment(small)), labels[index]

    balanced = ClassBalancedBatches(
        labels, params.training.samples_per_class, params.seed, [True] * len(labels), params.continual.new_share
    )

    class Balanced:
        epoch = 0

        def __iter__(self) -> Iterator[list[int]]:
            return (batch.tolist() for batch in balanced.epoch(self.epoch))

        def __len__(self) -> int:
            return sum(1 for _ in balanced.epoch(self.epoch))

    model = build_model(params.model, classes)
    prefix, tail = split_frozen(model, params.model.frozen_share)
    optimizer = torch.optim.Adam(tail.parameters(), lr=params.training.head_learning_rate)
    sampler = Balanced()
    loader = DataLoader(
        Photographs(), batch_sampler=sampler, num_workers=workers, persistent_workers=workers > 0
    )  # fmt: skip
    before, rates = time.perf_counter() - began, []
    for epoch in range(epochs):
        sampler.epoch = epoch
        model.train()
        prefix.eval()
        started, seen = time.perf_counter(), 0
        for inputs, truth in loader:
            with torch.no_grad():
                frozen = prefix(inputs.contiguous(memory_format=torch.channels_last))
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(tail(frozen), truth).backward()
            optimizer.step()
            seen += len(truth)
        rates.append(seen / (time.perf_counter() - started))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"rates": rates, "before": before, "seconds": time.perf_counter() - began, "megabytes": megabytes}


def measure(way: str, root: Path, epochs: int) -> None:
    """One way in this process; prints the numbers as JSON."""
    workspace = Workspace(root)
    params, cases = load_params(workspace.params_file, NETWORK), parse_cases(workspace.cases_file)
    if way == "dermai":
        found = train_dermai(workspace, cases, params, epochs)
    else:
        found = train_plain(workspace, cases, params, epochs, int(way.removeprefix("plain")))
    print(json.dumps(found))


def torch_threads() -> int:
    """Threads that torch computes with, in either way."""
    import torch

    return torch.get_num_threads()


def table(found: dict[str, list[dict[str, Any]]], photographs: int, epochs: int, command: str) -> str:
    """The results page."""
    later = {way: statistics.median(rate for one in runs for rate in one["rates"][1:]) for way, runs in found.items()}
    best = max(value for way, value in later.items() if way != "dermai")
    rows = [
        f"| {WAYS[way]} | {statistics.median(one['before'] for one in runs):.1f} | "
        f"{statistics.median(one['rates'][0] for one in runs):.1f} | {later[way]:.1f} | "
        f"{min(rate for one in runs for rate in one['rates'][1:]):.1f} to "
        f"{max(rate for one in runs for rate in one['rates'][1:]):.1f} | "
        f"{statistics.median(one['seconds'] for one in runs):.0f} | {max(one['megabytes'] for one in runs):,} |"
        for way, runs in found.items()
    ]
    said = ", ".join(f"{name} {value}" for name, value in NETWORK.items())
    return "\n".join(
        [
            "# Training throughput",
            "",
            f"{photographs} simulated training photographs of 448 px, parameters of `params.yaml` with {said}, "
            f"{epochs} epochs, "
            f"{len(found['dermai'])} alternating rounds, {os.cpu_count()} cores, {torch_threads()} of them for torch, "
            f"{platform.machine()}, Python {platform.python_version()}.",
            "",
            "| training | s before the first epoch | images/s, epoch 1 | images/s from epoch 2 (median) | range "
            "| s in all | peak MB |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            f"From the second epoch on: **{later['dermai'] / best:.1f} times** the faster plain loop. The platform's "
            "time before the first epoch is the frozen blocks over every view, kept on disk for later updates; its "
            "seconds in all include the head-first phase and validation, which the plain loop leaves out.",
            "",
            f"    {command}",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scale", type=float, default=0.15, help="share of the paper's 3,430 photographs")
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "WORKSPACE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure[0], Path(options.measure[1]), options.epochs)
        return
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as scratch:
        workspace = make_workspace(Path(scratch) / "workspace", options.scale)
        cases = trainable(parse_cases(workspace.cases_file))
        for number in range(options.rounds):
            for way in WAYS:
                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.speed.training_throughput",
                    "--epochs",
                    str(options.epochs),
                ]
                command += ["--measure", way, str(workspace.root)]
                done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
                found[way].append(json.loads(done.stdout.splitlines()[-1]))
                print(f"round {number + 1}: {WAYS[way]}: {found[way][-1]['rates']}", flush=True)
    command = " ".join(["python -m benchmarks.speed.training_throughput", *sys.argv[1:]])
    page = table(found, int((training_roles(cases) == "train").sum()), options.epochs, command)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
