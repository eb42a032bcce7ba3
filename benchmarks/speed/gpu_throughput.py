"""Training on a GPU beside timm's own data pipeline and training step, for the paper's networks at 300 px.

    python -m benchmarks.speed.gpu_throughput WORKSPACE --batch 24 126

The plain way is what timm's training script wires: `create_dataset`, `create_loader` with its prefetcher and default
augmentations, `create_optimizer_v2`, channels last, bfloat16 autocast, cuDNN's search for the fastest kernels; it
decodes, augments and computes the whole network for each photograph of each epoch. The platform trains the whole
network too (`frozen_share` 0), and as its parameters say (0.75 of the blocks frozen). Random weights: they cost as
much as others. Rounds take turns; an epoch's rate leaves validation out on both sides.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks.folders import RESULTS
from dermai.config import load_params
from dermai.data.cases import photograph_path, read_cases, trainable
from dermai.data.folds import training_roles
from dermai.workspace import Workspace

PAGE = RESULTS / "gpu_throughput.md"
NETWORKS = ("mobilenetv2_100", "resnet50", "efficientnet_b3")
SIZE = 300
Rates = dict[tuple[str, int, str], list[float]]


def dermai_rates(
    workspace: Workspace, cases: pd.DataFrame, network: str, frozen: float, batch: int, epochs: int
) -> list[float]:
    """Photographs a second of each epoch of the platform's training."""
    from dermai.continual.plan import plan_update
    from dermai.training.finetune import finetune

    classes = cases.loc[training_roles(cases) == "train", "diagnosis"].nunique()
    params = load_params(
        workspace.params_file,
        {
            "training.learner": "network",
            "model.backbone": network,
            "model.pretrained": "none",
            "model.frozen_share": frozen,
            "model.image_size": SIZE,
            "training.samples_per_class": batch // classes,
            "training.first_epochs": epochs,
            "training.patience": epochs + 1,
            "training.head_first_epochs": 0,
            "training.checkpoint_every": 1000,
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_update(cases, None, params)
        package = finetune(plan, cases, workspace.data, params, None, Path(folder), False, workspace.cache)
    return [record["images"] / record["seconds"] for record in package.training["history"]]


def timm_rates(photographs: Path, network: str, batch: int, epochs: int, workers: int) -> list[float]:
    """Photographs a second of each epoch of timm's loader, network and optimizer."""
    import timm
    import torch
    from timm.data import create_dataset, create_loader, resolve_model_data_config
    from timm.optim import create_optimizer_v2

    device = torch.device("cuda")
    torch.backends.cudnn.benchmark = True
    dataset = create_dataset("", root=str(photographs), split="train", is_training=True)
    model = timm.create_model(network, pretrained=False, num_classes=len(list(photographs.iterdir())), drop_rate=0.2)
    model = model.to(device=device, memory_format=torch.channels_last)
    config = resolve_model_data_config(model)
    optimizer = create_optimizer_v2(model, opt="adam", lr=1e-4)
    loader = create_loader(
        dataset, (3, SIZE, SIZE), batch, is_training=True, mean=config["mean"], std=config["std"],
        interpolation="random", color_jitter=0.4, num_workers=workers, pin_memory=True, device=device,
    )  # fmt: skip
    loss_function, rates = torch.nn.CrossEntropyLoss(), []
    for _ in range(epochs):
        model.train()
        started, seen = time.perf_counter(), 0
        for inputs, truth in loader:
            with torch.autocast("cuda", torch.bfloat16):
                loss = loss_function(model(inputs.contiguous(memory_format=torch.channels_last)), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(truth)
        torch.cuda.synchronize()
        rates.append(seen / (time.perf_counter() - started))
    torch.backends.cudnn.benchmark = False
    return rates


def folders_by_class(workspace: Workspace, cases: pd.DataFrame, folder: Path) -> None:
    """The training photographs as timm's dataset reads them: copies in one folder a class."""
    for image, diagnosis in zip(cases["image"], cases["diagnosis"], strict=True):
        (folder / diagnosis).mkdir(exist_ok=True)
        source = photograph_path(workspace.data, image)
        shutil.copyfile(source, folder / diagnosis / source.name)


def page(rates: Rates, photographs: int, rounds: int, epochs: int, workers: int) -> str:
    """The results page: medians over rounds of all epochs but the first."""
    import timm
    import torch

    lines = [
        "# Training throughput on a GPU",
        "",
        f"One {torch.cuda.get_device_name()}, {os.cpu_count()} cores, torch {torch.__version__}, timm "
        f"{timm.__version__}, Python {platform.python_version()}. {photographs} real photographs of about {SIZE} px, "
        f"{SIZE} px input, bfloat16, random weights; {rounds} rounds of {epochs} epochs that took turns, the first "
        f"epoch of each left out; {workers} loader workers for timm. Median photographs a second (lowest to highest "
        "epoch).",
        "",
        "| network | batch | timm | dermai, whole network | times timm | dermai, 0.75 frozen | times timm |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for network, batch in dict.fromkeys((network, batch) for network, batch, _ in rates):
        plain, whole, frozen = (rates[network, batch, way] for way in ("timm", "whole", "frozen"))
        cells = [
            network, str(batch), _spread(plain), _spread(whole), _times(whole, plain), _spread(frozen),
            _times(frozen, plain),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"    {' '.join(['python -m benchmarks.speed.gpu_throughput', *sys.argv[1:]])}", ""])


def _spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"


def _times(ours: list[float], theirs: list[float]) -> str:
    return f"{statistics.median(ours) / statistics.median(theirs):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, help="folder with params.yaml and data/")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--batch", type=int, nargs="+", default=[24, 126], help="a multiple of the number of classes")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    workspace = Workspace(options.workspace)
    cases = trainable(read_cases(workspace.cases_file))
    learnt = cases[training_roles(cases) == "train"]
    rates: Rates = {}
    with tempfile.TemporaryDirectory() as name:
        folders_by_class(workspace, learnt, Path(name))
        for turn in range(options.rounds):
            for network in options.networks:
                for batch in options.batch:
                    ways: dict[str, Callable[[], list[float]]] = {
                        "timm": lambda: timm_rates(Path(name), network, batch, options.epochs, options.workers),  # noqa: B023
                        "whole": lambda: dermai_rates(workspace, cases, network, 0.0, batch, options.epochs),  # noqa: B023
                        "frozen": lambda: dermai_rates(workspace, cases, network, 0.75, batch, options.epochs),  # noqa: B023
                    }
                    for way, measure in ways.items():
                        found = measure()[1:]
                        rates.setdefault((network, batch, way), []).extend(found)
                        print(f"round {turn + 1}: {network}, {batch}, {way}: {_spread(found)}", flush=True)
                    found_page = page(rates, len(learnt), turn + 1, options.epochs, options.workers)
                    PAGE.write_text(found_page, encoding="utf-8")  # a run that is stopped leaves what it has
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
