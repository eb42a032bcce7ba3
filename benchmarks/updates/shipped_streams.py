"""The product as shipped on real streams: after each arrival measured on the test patients of every arrival.

    python -m benchmarks.updates.shipped_streams ../shared/data

Each update is `dermai.training.candidate.train_candidate`, with the parameters of params.yaml, from the model of the
arrival before; the streams and their test patients are those of `benchmarks.updates.update_streams`. The answers of all
repetitions share one cache of features, since features depend on no repetition. What an update costs is measured apart,
with a cache of its own that holds what earlier arrivals left in it, beside a training anew with an empty one. Works
below benchmarks/workspaces_shipped; a run that was stopped goes on where it was. Writes
benchmarks/results/shipped_streams.md; with --costs only benchmarks/results/update_costs.md, in minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.folders import BENCHMARKS, REPOSITORY, RESULTS
from benchmarks.updates.stream_parameters import SEEDS
from benchmarks.updates.stream_statistics import (
    Answers,
    Interval,
    balanced_accuracy,
    estimate,
    mean_forgetting,
    p_value,
    sensitivity,
)
from benchmarks.updates.streams import stream_cases, with_splits
from benchmarks.updates.update_costs import costs, timed, workspace_with_photographs
from dermai.config import Params, load_params
from dermai.continual.plan import plan_update
from dermai.files import sha256_json, write_json, write_text
from dermai.models.package import ModelPackage
from dermai.workspace import Workspace

FOLDER = BENCHMARKS / "workspaces_shipped"
TITLES = {
    "pad": "PAD-UFES-20, patients in five arrivals by the publisher's register",
    "ham": "HAM10000, one acquisition site after the other",
    "pad_new_class": "A diagnosis never seen before: seborrheic keratoses from the fourth arrival on",
}
KINDS = ("with the columns", "the photograph alone")
WRONG_SHARE, WITHDRAWN = 0.15, 10  # of the first arrival's lesions, mislabelled at first; patients
TIMED = {"pad": range(3), "ham": range(3)}  # repetitions of a stream
Called = dict[str, dict[str, str]]  # kind of answer -> lesion -> called class


class Repetition:
    """One stream with one set of test patients, one dealing of folds and one seed."""

    def __init__(self, stream: str, number: int, photographs: Path) -> None:
        self.stream, self.number = stream, number
        self.params: Params = load_params(REPOSITORY / "params.yaml", {"seed": SEEDS[number]})
        self.workspace = Workspace(FOLDER / ("ham" if stream == "ham" else "pad"))
        self.workspace.root.mkdir(parents=True, exist_ok=True)
        self.cases = with_splits(stream_cases(stream, photographs, self.workspace, self.params), number)
        self.arrivals = int(self.cases["arrival"].max())

    @property
    def test(self) -> pd.DataFrame:
        return self.cases[self.cases["split"] == "test"]

    def upto(self, arrival: int) -> pd.DataFrame:
        return self.cases[self.cases["arrival"] <= arrival]

    def made(
        self, cases: pd.DataFrame, parent: ModelPackage | None, workspace: Workspace | None = None
    ) -> ModelPackage:
        """The product's candidate for these cases, from the parent on."""
        from dermai.training.candidate import train_candidate

        trained_with = parent.training["parameters"] if parent else None
        plan = plan_update(cases, parent.manifest if parent else None, self.params, trained_with)
        return ModelPackage.load(train_candidate(workspace or self.workspace, self.params, plan, cases, parent))

    def called(self, package: ModelPackage, cases: pd.DataFrame) -> Called:
        """The class of the largest mean probability of each lesion; features are kept, as a training keeps them."""
        from dermai.models.calibration import apply_temperature
        from dermai.models.package_network import weighed
        from dermai.models.seen_features import package_features

        features = package_features(package, list(cases["image"]), self.workspace.data, self.workspace.cache)
        logits, found = weighed(features, *package.linear_head()), {}
        for kind, clinical in zip(KINDS, (cases, None), strict=True):
            table = apply_temperature(package.scores(logits, clinical), package.temperature)
            means = pd.DataFrame(table, columns=list(package.classes)).groupby(cases["lesion_id"].to_numpy()).mean()
            found[kind] = {str(lesion): str(code) for lesion, code in means.idxmax(axis=1).items()}
        return found


def streamed(repetition: Repetition) -> dict[str, Any]:
    """An update at each arrival, and a training anew at the last."""
    stages, package = [], None
    for arrival in range(1, repetition.arrivals + 1):
        package = repetition.made(repetition.upto(arrival), package)
        stages.append(repetition.called(package, repetition.test))
    anew = repetition.made(repetition.upto(repetition.arrivals), None)
    return {"stages": stages, "anew": [repetition.called(anew, repetition.test)]}


def corrected(repetition: Repetition) -> dict[str, Any]:
    """Some lesions of the first arrival are mislabelled, and re-diagnosed when the second arrives."""
    true = repetition.upto(2)
    first = true[(true["arrival"] == 1) & (true["split"] == "train")]
    lesions = sorted(first["lesion_id"].unique(), key=lambda lesion: hashlib.sha256(lesion.encode()).digest())
    wrong = lesions[: round(WRONG_SHARE * len(lesions))]
    classes = sorted(first["diagnosis"].unique())
    other = {name: classes[(place + 1) % len(classes)] for place, name in enumerate(classes)}
    rows = true["lesion_id"].isin(wrong)
    mislabelled = true.assign(diagnosis=true["diagnosis"].mask(rows, true["diagnosis"].map(other)))
    champion = repetition.made(mislabelled[mislabelled["arrival"] == 1], None)
    concerned = true[rows]
    truth = dict(zip(concerned["lesion_id"], concerned["diagnosis"], strict=True))
    found: dict[str, Any] = {"lesions": len(wrong)}
    for name, cases in (("corrected", true), ("left wrong", mislabelled)):
        called = repetition.called(repetition.made(cases, champion), concerned)[KINDS[0]]
        found[name] = sum(called[lesion] == code for lesion, code in truth.items())
    return found


def withdrawn(repetition: Repetition) -> dict[str, Any]:
    """Ten training patients take back their consent after the second arrival."""
    cases = repetition.upto(2)
    champion = repetition.made(cases, repetition.made(repetition.upto(1), None))
    patients = sorted(cases.loc[cases["split"] == "train", "patient_id"].unique())[:WITHDRAWN]
    left = cases[~cases["patient_id"].isin(patients)]
    gone = set(cases.loc[cases["patient_id"].isin(patients), "image"])
    # A workspace of its own: the other repetitions go on with the photographs.
    root = FOLDER / "withdrawn"
    shutil.rmtree(root, ignore_errors=True)
    own = workspace_with_photographs(root, repetition)
    after = repetition.made(left, champion, own)
    kept = [file.read_text() for file in own.cache.rglob("*.index")]
    shutil.rmtree(root)
    return {
        "photographs": len(gone),
        "in_the_manifest": len(gone & set(after.manifest["image"])),
        "kept_of_them": sum(image in text for text in kept for image in gone),
    }


def cell(stream: str, number: int, photographs: Path) -> dict[str, Any]:
    """What one repetition found, from its file where it is there."""
    from dermai.source_code import source_hash

    code = sha256_json([source_hash("dermai.training.refit"), load_params(REPOSITORY / "params.yaml").model_dump()])
    file = FOLDER / "cells" / code[:8] / f"{stream}-{number}.json"
    if not file.is_file():
        repetition = Repetition(stream, number, photographs)
        lesions = repetition.test.drop_duplicates("lesion_id")[["lesion_id", "patient_id", "diagnosis", "arrival"]]
        found = {"test": lesions.to_dict("records"), **streamed(repetition)}
        if number in TIMED.get(stream, ()):
            found["seconds"] = timed(repetition, FOLDER / "timed")
        if stream == "pad" and number in TIMED["pad"]:
            found |= {"correction": corrected(repetition), "withdrawal": withdrawn(repetition)}
        write_json(file, found)
        print(stream, number, flush=True)
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def answers(cells: Sequence[dict[str, Any]], part: str, kind: str) -> Answers:
    """The test lesions of all repetitions, one under the other."""
    rows = [(found, lesion) for found in cells for lesion in found["test"]]
    right = [
        [found[part][stage][kind][lesion["lesion_id"]] == lesion["diagnosis"] for found, lesion in rows]
        for stage in range(len(cells[0][part]))
    ]
    columns = [np.array([lesion[name] for _, lesion in rows]) for name in ("patient_id", "diagnosis", "arrival")]
    return Answers(*columns, right=np.array(right, dtype=bool))


def section(stream: str, cells: Sequence[dict[str, Any]]) -> list[str]:
    """The tables of one stream."""
    lesions = {lesion["lesion_id"]: lesion for found in cells for lesion in found["test"]}
    codes = [lesion["diagnosis"] for lesion in lesions.values()]
    patients = len({lesion["patient_id"] for lesion in lesions.values()})
    lines = [
        f"## {TITLES[stream]}",
        "",
        f"{len(cells)} {'repetition' if len(cells) == 1 else 'repetitions'}, {len(lesions)} test lesions of "
        f"{patients} patients (MM {codes.count('MM')}, BCC {codes.count('BCC')}).",
        "",
        "| answers | model | balanced accuracy | MM sensitivity | BCC sensitivity | forgetting |",
        "|---|---|---:|---:|---:|---:|",
    ]
    verdicts = []
    for kind in KINDS:
        update, anew = answers(cells, "stages", kind), answers(cells, "anew", kind)
        for name, found in (("updated at each arrival", update), ("anew on everything", anew)):
            whole = (balanced_accuracy(-1), sensitivity(-1, "MM"), sensitivity(-1, "BCC"))
            shares = " | ".join(share(estimate(statistic, found)) for statistic in whole)
            lost = points(estimate(mean_forgetting, found)) if found.stages > 1 else "–"
            lines.append(f"| {kind} | {name} | {shares} | {lost} |")
        change = estimate(balanced_accuracy(-1), update, anew)
        verdicts.append(
            f"- {kind}: the update less anew {points(change)} points; that it ends within 2.5 points: one-sided p "
            f"{p_value(change, -0.025):.4f}, within 1 point: {p_value(change, -0.01):.4f}."
        )
    lines += ["", *verdicts, "", "After each arrival, with the columns: " + by_stage(cells) + "."]
    if seconds := [found["seconds"] for found in cells if "seconds" in found]:
        lines += ["", *costs(seconds)]
    for number, found in enumerate(cells):
        if "correction" in found:
            fixed, removed = found["correction"], found["withdrawal"]
            lines += [
                "",
                f"Repetition {number}: of {fixed['lesions']} lesions that were mislabelled at first the corrected "
                f"update calls {fixed['corrected']} by their true name, one without the corrections "
                f"{fixed['left wrong']}. Of {removed['photographs']} photographs that were withdrawn "
                f"{removed['in_the_manifest']} are in the next manifest, {removed['kept_of_them']} records are kept.",
            ]
    return lines


def by_stage(cells: Sequence[dict[str, Any]]) -> str:
    """Balanced accuracy on all test patients after each arrival."""
    found = answers(cells, "stages", KINDS[0])
    return ", ".join(f"{100 * estimate(balanced_accuracy(stage), found).value:.1f}" for stage in range(found.stages))


def share(found: Interval) -> str:
    return f"{100 * found.value:.1f} ({100 * found.low:.1f}–{100 * found.high:.1f})"


def points(found: Interval) -> str:
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})".replace("-", "−")


def write_costs(streams: Sequence[str], photographs: Path) -> None:
    """What updates cost, without their answers."""
    lines = [
        "# What an update costs",
        "",
        "`python -m benchmarks.updates.shipped_streams FOLDER --costs`, parameters of params.yaml. The streams",
        "are those of [the product as shipped on real streams](shipped_streams.md); of the last arrival the whole, or",
        "its first patients.",
    ]
    for stream in streams:
        seconds = [timed(Repetition(stream, 0, photographs), FOLDER / "timed")]
        lines += ["", f"## {TITLES[stream]}", "", *costs(seconds)]
        write_text(RESULTS / "update_costs.md", "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/ and ham10000/")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--streams", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--costs", action="store_true", help="only what updates cost, of one repetition each")
    arguments = parser.parse_args()
    if arguments.costs:
        write_costs(arguments.streams, arguments.photographs)
        return
    lines = [
        "# The product as shipped on real streams",
        "",
        f"`python -m benchmarks.updates.shipped_streams FOLDER --repetitions {arguments.repetitions}`, with the",
        "parameters of params.yaml. A repetition has test patients of its own (each patient is tested once in five),",
        f"folds and a seed of its own ({', '.join(map(str, SEEDS[: arguments.repetitions]))}).",
        "Lesions are answered by the largest mean probability. 95 % intervals over resampled patients; differences are",
        "paired.",
    ]
    for stream in arguments.streams:
        cells = [cell(stream, number, arguments.photographs) for number in range(arguments.repetitions)]
        lines += ["", *section(stream, cells)]
        write_text(RESULTS / "shipped_streams.md", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
