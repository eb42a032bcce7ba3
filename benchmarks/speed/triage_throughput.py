"""`triage_cases` beside a plain timm inference loop on the same photographs, in one run, taking turns.

    python -m benchmarks.speed.triage_throughput --photographs pad_ufes_20/images

The plain loop is what timm's own inference script does: open the JPEG, timm's transform (to the same square size),
batches of 16 through the network in inference mode, softmax. It keeps nothing, checks nothing and shows nothing. The
platform runs `run_triage`, the body of the pipeline's step, from the folder to the finished worklist; its networks are
run by ONNX Runtime, one photograph a run on a thread of its own, those of the plain loop by torch. Processor time
is compared, since other programs may use the machine; the libraries are imported before the first turn. Writes
benchmarks/results/triage_throughput.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.folders import REPOSITORY, RESULTS
from benchmarks.public_photographs import imported_cases
from benchmarks.speed.timed_stages import ANSWERS, STAGES, stages
from dermai.config import ModelParams, Params, load_params
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.models.engine_check import with_checked_engine
from dermai.models.package import MANIFEST_COLUMNS, ModelPackage
from dermai.promotion.transaction import rollback
from dermai.registry.mlflow_store import make_store
from dermai.registry.registry import Registry
from dermai.taxonomy import load_taxonomy
from dermai.workspace import Workspace

PAGE = RESULTS / "triage_throughput.md"
BATCH = 16
SIZE = 300
ONE_VIEW = {"model.image_size": SIZE, "model.interpolation": "nearest"}  # of a network with its own head
BAR = 1.2  # of the plain loops' photographs a processor second
MOST_SECONDS = 0.25  # of processor time a photograph with the shipped profile


def make_model(classes: tuple[str, ...], params: Params, seed: int = 0) -> ModelPackage:
    """The network of params.yaml with ImageNet weights below a new head, as a package without calibration."""
    import torch

    from dermai.models.backbones import build_model, input_statistics

    torch.manual_seed(seed)
    mean, std = input_statistics(params.model.backbone)
    generator = np.random.default_rng(seed)
    images = [f"{number:064x}" for number in range(200)]
    validation = pd.DataFrame(generator.dirichlet([0.4] * len(classes), 200), columns=[f"p_{name}" for name in classes])
    manifest = [[image, image[-8:], image[-8:], image[-8:], "Nev", "dermai", "", "validation"] for image in images]
    return ModelPackage(
        weights=dict(build_model(params.model, classes).state_dict()),
        backbone=params.model.backbone,
        classes=classes,
        image_size=params.model.image_size,
        interpolation=params.model.interpolation,
        mean=mean,
        std=std,
        manifest=pd.DataFrame(manifest, columns=list(MANIFEST_COLUMNS)),
        validation=validation.assign(image=images, diagnosis=generator.choice(classes, 200)),
    )


def plain_loop(package: ModelPackage, files: list[Path], channels_last: bool) -> np.ndarray:
    """Probabilities [N, C] as a short timm script would get them."""
    import timm
    import torch
    from timm.data import create_transform, resolve_model_data_config

    model = timm.create_model(package.backbone, pretrained=False, num_classes=len(package.classes))
    model.load_state_dict(package.weights)
    model.eval()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    size = (3, package.image_size, package.image_size)
    transform = create_transform(**resolve_model_data_config(model, {"img_size": package.image_size}) | {
        "input_size": size, "crop_pct": 1.0, "crop_mode": "squash", "is_training": False})  # fmt: skip
    found = []
    with torch.inference_mode():
        for start in range(0, len(files), BATCH):
            batch = torch.stack([transform(Image.open(file).convert("RGB")) for file in files[start : start + BATCH]])
            if channels_last:
                batch = batch.to(memory_format=torch.channels_last)
            found.append(model(batch).softmax(dim=1).numpy())
    return np.concatenate(found)


def referrals(folder: Path, files: list[Path]) -> None:
    """A table beside the photographs, one case each."""
    rows = [{"image": file.name, "case_id": file.stem, "patient_id": file.stem, "site": "one"} for file in files]
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)


def enlarged(source: list[Path], folder: Path, side: int) -> list[Path]:
    """The photographs in a folder of their own; with a side they are as large as a phone takes them."""
    folder.mkdir(parents=True)
    files = []
    for path in source:
        file = folder / path.name
        if side:
            with Image.open(path) as photograph:
                photograph.convert("RGB").resize((side * 4 // 3, side), Image.Resampling.BICUBIC).save(file, quality=90)
        else:
            file.write_bytes(path.read_bytes())
        files.append(file)
    return files


def shipped_model(photographs: Path, folder: Path) -> ModelPackage:
    """The product's own first model of the public photographs, with the parameters as shipped."""
    from dermai.continual.plan import plan_update
    from dermai.training.candidate import train_candidate

    workspace, params = Workspace(folder), load_params(REPOSITORY / "params.yaml")
    cases = imported_cases(workspace, lambda: read_pad_ufes_20(photographs), params)
    return ModelPackage.load(train_candidate(workspace, params, plan_update(cases, None, params), cases, None))


def compare(
    source: list[Path], side: int, rounds: int, folder: Path, shipped: ModelPackage | None = None
) -> tuple[dict[str, list[tuple[float, float]]], dict[str, float], int]:
    """Seconds of each turn, processor seconds of the platform's stages, and how many photographs it scored.

    With the `shipped` model the platform alone is measured.
    """
    from dermai.triage.run import received_time, run_triage

    files = enlarged(source, folder / "photographs", side)
    package = shipped
    turns: dict[str, list[tuple[float, float]]] = defaultdict(list)
    spent: dict[str, float] = defaultdict(float)
    scored = 0
    for number in range(rounds + 1):  # the first warms up: libraries, oneDNN's kernels, the file cache
        workspace = Workspace(folder / f"workspace-{number}")
        workspace.root.mkdir()
        (workspace.root / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
        params = load_params(workspace.params_file, {} if shipped else ONE_VIEW)
        if package is None:
            package = with_checked_engine(make_model(load_taxonomy().codes, params), workspace.cache)
        make_store(workspace.root / "mlflow.db")
        registry = Registry(workspace, params)
        version = registry.register(package.save(folder / f"package-{number}"), {}, "benchmark", {}, {})
        named = {"approver": "nobody", "role": "benchmark", "reason": "a model to triage with"}
        rollback(workspace, params, to=version.version, **named)
        used = files[: 2 * BATCH] if number == 0 else files
        referrals(folder / "photographs", used)
        loops = {} if shipped else {"plain": False, "channels last": True}
        works: dict[str, Callable[[], Any]] = {
            **{name: partial(plain_loop, package, used, last) for name, last in loops.items()},
            "platform": partial(
                run_triage, workspace, params, folder / "photographs", workspace.reports / "out", received_time("")
            ),
        }
        for name in list(works) if number % 2 else list(works)[::-1]:
            with stages() as found:
                before, started = time.process_time(), time.monotonic()
                done = works[name]()
                taken = time.process_time() - before, time.monotonic() - started
            scored = done.scored_now if name == "platform" else scored
            if number:
                turns[name].append(taken)
                for stage, seconds in found.items():
                    spent[stage] += seconds / rounds
    return turns, spent, scored


def table(turns: dict[str, list[tuple[float, float]]], spent: dict[str, float], count: int, scored: int) -> list[str]:
    """Markdown lines."""
    seconds = {name: float(np.mean([cpu for cpu, _ in found])) for name, found in turns.items()}
    answers = spent[ANSWERS]
    lines = [
        "| | processor ms a photograph | photographs a processor second | of the plain loop | of it, channels last |",
        "|---|---:|---:|---:|---:|",
    ]
    rows = {
        "plain timm loop": seconds["plain"],
        "plain timm loop, channels last": seconds["channels last"],
        "**`triage_cases`, everything**": seconds["platform"],
        "`triage_cases`, everything but the embeddings": seconds["platform"]
        - spent["dermai.triage.scoring.embeddings"],
    }
    for name, taken in rows.items():
        lines.append(
            f"| {name} | {1000 * taken / count:.1f} | {count / taken:.1f} | {seconds['plain'] / taken:.0%} | "
            f"{seconds['channels last'] / taken:.0%} |"
        )
    lines += ["", *parts(spent, seconds["platform"], count)]
    shares = {words: seconds[name] / seconds["platform"] for name, words in
              (("plain", "the plain loop"), ("channels last", "the loop with channels last"))}  # fmt: skip
    bars = [f"{share:.0%} of {words}: {'met' if share >= BAR else 'missed'}" for words, share in shares.items()]
    each = {name: [count / cpu for cpu, _ in found] for name, found in turns.items()}
    spread = "; ".join(f"{name} {min(found):.1f} to {max(found):.1f}" for name, found in each.items())
    lines += ["", f"Bar, at least {BAR:.0%} with everything on top: {'; '.join(bars)}.", "",
              f"{scored} of {count} photographs passed the quality check and were scored. Photographs a processor "
              f"second over the rounds: {spread}. "
              f"The champion's answers alone: {1000 * answers / count:.1f} ms."]  # fmt: skip
    return lines


def parts(spent: dict[str, float], everything: float, count: int) -> list[str]:
    """What a photograph costs in each stage of the platform, Markdown lines."""
    lines = ["| of `triage_cases` | processor ms a photograph |", "|---|---:|"]
    lines += [f"| {words} | {1000 * spent[name] / count:.1f} |" for name, words in STAGES.items()]
    rest = 1000 * (everything - sum(spent.values())) / count
    return [*lines, f"| the rest: champion loaded and verified, cautions, case table, pseudonyms, CSV | {rest:.1f} |"]


def shipped_section(source: list[Path], rounds: int, photographs: Path, folder: Path) -> list[str]:
    """What a photograph costs with the parameters as shipped, Markdown lines."""
    params, count = load_params(REPOSITORY / "params.yaml"), len(source)
    model = shipped_model(photographs, folder / "learnt")
    turns, spent, scored = compare(source, 0, rounds, folder / "shipped", model)
    each = [cpu / count for cpu, _ in turns["platform"]]
    return [
        "## The shipped profile",
        "",
        f"{params.model.backbone} at {params.model.image_size} px in the views {' and '.join(params.model.views)}, "
        f"linear heads and clinical columns, learnt by the product from PAD-UFES-20; {scored} of {count} photographs "
        f"as they are passed the quality check. **{1000 * float(np.mean(each)):.0f} ms of processor time a photograph**"
        f" ({1000 * min(each):.0f} to {1000 * max(each):.0f} over the rounds), everything included; bar, at most "
        f"{1000 * MOST_SECONDS:.0f}: {'met' if np.mean(each) <= MOST_SECONDS else 'missed'}.",
        "",
        *parts(spent, float(np.mean(each)) * count, count),
        "",
    ]


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, required=True, help="folder of JPEG files")
    parser.add_argument("--count", type=int, default=192)
    parser.add_argument("--large", type=int, default=48, help="how many of them also as 12 megapixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 is one a core")
    options = parser.parse_args()
    import onnxruntime
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    source = sorted(options.photographs.rglob("*.jpg"))[: options.count]
    lines = [
        "# `triage_cases` beside a plain timm loop", "",
        f"`python -m benchmarks.speed.triage_throughput --count {len(source)} --large {options.large} --rounds "
        f"{options.rounds} --threads {options.threads}`: {ModelParams().backbone} at {SIZE} px, one view, "
        f"{torch.get_num_threads()} torch thread(s), {platform.machine()}, torch {torch.__version__}, means of "
        f"{options.rounds} rounds that take turns, after one to warm up. Other programs used the machine too: "
        "processor time is compared.", "",
        "The plain loop opens the JPEG, applies timm's transform to the same square size, runs batches of 16 in "
        "inference mode and takes the softmax; with `channels last` it also uses the memory format that suits a CPU. "
        "It keeps, checks and shows nothing. `triage_cases` runs from the folder to the finished worklist, its "
        f"networks by ONNX Runtime {onnxruntime.__version__}.", "",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DERMAI_AUDIT_KEY_FILE"] = str(folder / "audit.key")
        os.environ["DERMAI_PSEUDONYM_KEY_FILE"] = str(folder / "pseudonym.key")
        for words, side, count in (
            ("Photographs as they are (PAD-UFES-20, 300 x 300 px)", 0, len(source)),
            ("As a phone takes them (enlarged to 4000 x 3000 px)", 3000, options.large),
        ):
            if count:
                turns, spent, scored = compare(source[:count], side, options.rounds, folder / f"side-{side}")
                lines += [f"## {words}", "", *table(turns, spent, count, scored), ""]
                print("\n".join(lines), flush=True)
        lines += shipped_section(source, options.rounds, options.photographs.parent, folder)
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
