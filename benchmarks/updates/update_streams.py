"""The update recipes on two real streams, after each arrival measured on the test patients of every arrival.

    python -m benchmarks.updates.update_streams ../shared/data --stream pad --repetitions 3    run what is missing
    python -m benchmarks.updates.update_streams ../shared/data --cell pad 0 l2_sp              one cell
    python -m benchmarks.updates.update_streams --report                                       the page of what there is

A cell is a stream, a repetition and a strategy. Its numbers are kept as JSON below benchmarks/workspaces_streams, and
a run that was killed goes on with the first missing arrival. A repetition has a test fold and a training seed of its
own. Frozen layers' outputs are computed for all photographs before anything is timed, since all strategies share them;
the seconds are this process's processor seconds, which other programs on the machine do not change much.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.updates.stream_parameters import DEFAULT, FOLDER, SEEDS, cell_file, parameters
from benchmarks.updates.streams import STREAMS, stream_cases, with_splits
from dermai.config import Params
from dermai.continual.plan import UpdatePlan, plan_update
from dermai.continual.recipes import RECIPES
from dermai.files import write_json
from dermai.models.package import ModelPackage
from dermai.workspace import Workspace

CASES = ("correction", "withdrawal")  # of the stream `pad`, with the default recipe
WRONG_SHARE = 0.15  # of the first arrival's training lesions, mislabelled until the second arrives
WITHDRAWN = 10  # patients


class Repetition:
    """One stream with one test fold and one training seed."""

    def __init__(self, stream: str, number: int, photographs: Path, overrides: dict[str, Any]) -> None:
        self.stream, self.number, self.overrides = stream, number, overrides
        self.workspace = Workspace(FOLDER / ("ham" if stream == "ham" else "pad"))
        self.workspace.root.mkdir(parents=True, exist_ok=True)
        params = self.params(DEFAULT)
        self.cases = with_splits(stream_cases(stream, photographs, self.workspace, params), number)
        self.arrivals = int(self.cases["arrival"].max())
        self.cache = FOLDER / "cache" / f"{self.workspace.root.name}-{number}"
        self._prepared = False

    def params(self, strategy: str) -> Params:
        return parameters(self.number, strategy, self.overrides)

    def upto(self, arrival: int) -> pd.DataFrame:
        return self.cases[self.cases["arrival"] <= arrival]

    @property
    def test(self) -> pd.DataFrame:
        return self.cases[self.cases["split"] == "test"]

    def prepare(self) -> None:
        """Compute the frozen layers' outputs: all views of what may be learnt, the clean one of everything."""
        import torch

        from dermai.models.backbones import build_model, input_statistics, split_frozen
        from dermai.training.activations import FrozenActivations

        params = self.params(DEFAULT)
        prefix, _ = split_frozen(build_model(params.model, ("a", "b")), params.model.frozen_share)
        statistics = input_statistics(params.model.backbone)
        device = torch.device("cpu")
        found = FrozenActivations(prefix, params, statistics, self.cache, self.workspace.data, device)
        learnt = self.cases["split"] == "train"
        found.prepare(list(self.cases["image"][learnt]), list(self.cases["image"]), progress=True)

    def train(
        self, name: str, plan: UpdatePlan, cases: pd.DataFrame, params: Params, parent: ModelPackage | None
    ) -> tuple[ModelPackage, dict[str, Any]]:
        """A training and what it cost; repeated calls find the package and its costs."""
        from dermai.training.finetune import finetune

        if not self._prepared:
            self.prepare()
            self._prepared = True
        folder = cell_file(self.stream, self.number, name, self.overrides).with_suffix("")
        costs = folder.with_suffix(".costs")
        if not costs.is_file():
            shutil.rmtree(folder, ignore_errors=True)  # seconds count from the start
            began, worked = time.perf_counter(), time.process_time()
            package = finetune(plan, cases, self.workspace.data, params, parent, folder, False, self.cache)
            found = {
                "processor_seconds": time.process_time() - worked,
                "seconds": time.perf_counter() - began,
                "photographs": len(plan.training),
                "shown": sum(record["images"] for record in package.training["history"]),
                "mode": plan.mode,
                "mix": package.training["interpolation_chosen"],
                "best_epoch": package.training["best_epoch"],
                "validation": max(
                    [record["validation_balanced_accuracy"] or 0 for record in package.training["history"]]
                    + [mix["balanced_accuracy"] or 0 for mix in package.training["interpolation"]]
                ),
            }
            write_json(costs, found)
        return ModelPackage.load(folder / "trained"), json.loads(costs.read_text())

    def answers(self, package: ModelPackage, cases: pd.DataFrame) -> dict[str, str]:
        """The class that a model gives each lesion of these cases: the largest mean probability."""
        from dermai.models.inference import predict_probabilities

        probabilities = predict_probabilities(package, list(cases["image"]), self.workspace.data, self.cache)
        table = pd.DataFrame(probabilities, columns=list(package.classes))
        return {str(k): str(v) for k, v in table.groupby(cases["lesion_id"].to_numpy()).mean().idxmax(axis=1).items()}


def stream_cell(repetition: Repetition, strategy: str) -> dict[str, Any]:
    """A strategy over all arrivals. Joint training, which starts anew each time, is run at the last arrival only."""
    stages: list[dict[str, Any]] = []
    package: ModelPackage | None = None
    for arrival in range(1, repetition.arrivals + 1):
        if strategy == "joint" and arrival < repetition.arrivals:
            continue
        first = arrival == 1
        params = repetition.params(DEFAULT if first else strategy)
        cases = repetition.upto(arrival)
        manifest = package.manifest if package else cases[:0] if strategy == "joint" else None
        plan = plan_update(cases, manifest, params)
        name = "first" if first else f"{strategy}-{arrival}"
        package, costs = repetition.train(name, plan, cases, params, package)
        stages.append({"arrival": arrival, **costs, "answers": repetition.answers(package, repetition.test)})
        print(
            repetition.stream, repetition.number, strategy, arrival, f"{costs['processor_seconds']:.0f} s", flush=True
        )
    return {"stages": stages}


def correction_cell(repetition: Repetition, _: str) -> dict[str, Any]:
    """Some lesions of the first arrival are mislabelled, and re-diagnosed when the second arrives."""
    params, true = repetition.params(DEFAULT), repetition.upto(2)
    first = true[(true["arrival"] == 1) & (true["split"] == "train")]
    lesions = sorted(first["lesion_id"].unique(), key=lambda lesion: hashlib.sha256(lesion.encode()).digest())
    wrong = lesions[: round(WRONG_SHARE * len(lesions))]
    classes = sorted(first["diagnosis"].unique())
    other = {name: classes[(place + 1) % len(classes)] for place, name in enumerate(classes)}
    mislabelled = true.copy()
    rows = mislabelled["lesion_id"].isin(wrong)
    mislabelled.loc[rows, "diagnosis"] = mislabelled.loc[rows, "diagnosis"].map(other)
    before = mislabelled[mislabelled["arrival"] == 1]
    champion, _ = repetition.train("mislabelled", plan_update(before, None, params), before, params, None)
    found: dict[str, Any] = {"lesions": len(wrong)}
    corrected = true[true["lesion_id"].isin(wrong)]
    for name, cases in (("corrected", true), ("left wrong", mislabelled)):
        plan = plan_update(cases, champion.manifest, params)
        package, costs = repetition.train(f"correction-{name}", plan, cases, params, champion)
        found[name] = {
            **costs,
            "relabelled": len(plan.relabelled),
            "corrected_lesions": repetition.answers(package, corrected),
            "answers": repetition.answers(package, repetition.test),
        }
    found["before"] = {"corrected_lesions": repetition.answers(champion, corrected)}
    found["truth"] = dict(zip(corrected["lesion_id"], corrected["diagnosis"], strict=True))
    return found


def withdrawal_cell(repetition: Repetition, _: str) -> dict[str, Any]:
    """Ten patients take back their consent after the second arrival: the next run starts from ImageNet weights."""
    params, cases = repetition.params(DEFAULT), repetition.upto(2)
    first = cases[cases["arrival"] == 1]
    champion, _ = repetition.train("first", plan_update(first, None, params), first, params, None)
    plan = plan_update(cases, champion.manifest, params)
    champion, update = repetition.train(f"{DEFAULT}-2", plan, cases, params, champion)
    patients = sorted(cases.loc[cases["split"] == "train", "patient_id"].unique())[:WITHDRAWN]
    left = cases[~cases["patient_id"].isin(patients)]
    plan = plan_update(left, champion.manifest, params)
    # The other cells go on with the photographs: this run has a cache of its own, empty as a withdrawal leaves it.
    own = Repetition.__new__(Repetition)
    own.__dict__ = {**repetition.__dict__, "cache": FOLDER / "cache" / f"withdrawal-{repetition.number}"}
    package, costs = own.train("withdrawal", plan, left, params, None)
    gone = set(plan.removed)
    return {
        "patients": len(patients),
        "photographs": len(gone),
        "mode": plan.mode,
        "in_manifest": len(gone & set(package.manifest["image"])),
        "update": update,
        "run": costs,
        "answers_before": repetition.answers(champion, repetition.test),
        "answers": repetition.answers(package, repetition.test),
    }


def run_cell(stream: str, number: int, strategy: str, photographs: Path, overrides: dict[str, Any]) -> None:
    """Compute a cell and keep it; nothing happens where it is there."""
    file = cell_file(stream, number, strategy, overrides)
    if file.is_file():
        return
    repetition = Repetition(stream, number, photographs, overrides)
    kinds: dict[str, Callable[[Repetition, str], dict[str, Any]]] = {
        "correction": correction_cell,
        "withdrawal": withdrawal_cell,
    }
    found = kinds.get(strategy, stream_cell)(repetition, strategy)
    lesions = repetition.test.drop_duplicates("lesion_id")[["lesion_id", "patient_id", "diagnosis", "arrival"]]
    names = {"stream": stream, "repetition": number, "strategy": strategy, "seed": SEEDS[number]}
    write_json(file, {**names, **found, "test": lesions.to_dict("records")})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, nargs="?", help="folder with pad_ufes_20/ and ham10000/")
    parser.add_argument("--stream", nargs="+", choices=STREAMS, default=["pad", "ham"])
    parser.add_argument("--strategies", nargs="+", choices=[*RECIPES, *CASES], default=list(RECIPES))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--cell", nargs=3, metavar=("STREAM", "REPETITION", "STRATEGY"))
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="other parameters, for a try")
    parser.add_argument("--report", action="store_true", help="write benchmarks/results/update_streams.*")
    arguments = parser.parse_args()
    overrides = {key: json.loads(value) for key, value in (pair.split("=", 1) for pair in arguments.set)}
    if arguments.report:
        from benchmarks.updates.update_streams_report import write_report

        write_report(cell_file("pad", 0, DEFAULT, overrides).parent)
        return
    if arguments.photographs is None:
        parser.error("which folder holds the photographs?")
    if arguments.cell:
        stream, number, strategy = arguments.cell
        run_cell(stream, int(number), strategy, arguments.photographs, overrides)
        return
    for number in range(arguments.repetitions):
        for stream in arguments.stream:
            for strategy in arguments.strategies:
                run_cell(stream, number, strategy, arguments.photographs, overrides)


if __name__ == "__main__":
    main()
