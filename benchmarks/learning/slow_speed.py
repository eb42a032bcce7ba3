"""The slow speed on few cases: what a fine-tuned network adds to the linear heads, by out-of-fold evidence.

    python -m benchmarks.learning.slow_speed ../shared/data --set model.image_size=160 ...

All patients of PAD-UFES-20 (these public ones are no gate's test patients) are learnt in five folds, at the fast speed
and at the slow one. Each lesion is answered by the sister that never saw its patient, at choices that no answer to its
fold had a part in (`evidence_predictions.csv` of the packages). For the photograph alone the slow package is updated at
the fast speed without the clinical columns, which keeps its networks. Works below benchmarks/workspaces_slow_speed,
and goes on where it was stopped. Writes benchmarks/results/slow_speed.md.

`--networks FOLDER`, the folder `networks` of a slow update that was stopped, measures what its finished sisters add, on
their folds alone: `state/cache/training/<key>/networks`.
"""

from __future__ import annotations

import argparse
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.folders import BENCHMARKS, REPOSITORY, RESULTS
from benchmarks.public_photographs import imported_cases
from dermai.config import Params, load_params, parse_settings
from dermai.continual.networks_learnt import DEPLOYED
from dermai.continual.plan import plan_update
from dermai.data.folds import assign_folds
from dermai.evaluation.predictions import per_lesion, prediction_table
from dermai.evaluation.scores import Scores, score_seeds
from dermai.evaluation.tables import ResultTable, percent
from dermai.evaluation.words import p_words
from dermai.files import write_text
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.models.fine_tuned import FineTunedNetwork, FineTunedNetworks
from dermai.models.package import ModelPackage
from dermai.models.seen_features import network_logits, package_features
from dermai.percentages import points
from dermai.taxonomy import load_taxonomy
from dermai.training.candidate import train_candidate
from dermai.training.out_of_fold import with_chosen
from dermai.workspace import Workspace

ALONE: dict[str, Any] = {"clinical.columns": []}
HEADS, BOTH = "linear heads", "with a fine-tuned network"
METRICS = ("balanced_accuracy", "macro_f1", "sensitivity_MM", "sensitivity_BCC")


class Runs:
    """The packages of one workspace and one seed."""

    def __init__(self, workspace: Workspace, cases: pd.DataFrame, settings: dict[str, Any]) -> None:
        self.workspace, self.cases, self.settings = workspace, cases, settings

    def params(self, when: str, others: dict[str, Any]) -> Params:
        values = {**self.settings, **others, "training.fine_tuning.when": when}
        return load_params(REPOSITORY / "params.yaml", values)

    def made(self, params: Params, champion: ModelPackage | None = None) -> ModelPackage:
        """The package of a first training, or of an update of `champion`."""
        known = (champion.manifest, champion.networks) if champion else (None, None)
        trained_with = champion.training["parameters"] if champion else None
        plan = plan_update(self.cases, known[0], params, trained_with, networks=known[1])
        print(f"{plan.mode}, {plan.speed}: {plan.speed_reason}", flush=True)
        return ModelPackage.load(train_candidate(self.workspace, params, plan, self.cases, champion))

    def lesions(self, package: ModelPackage) -> pd.DataFrame:
        """The evidence, by lesion and by the largest probability."""
        assert package.evidence is not None
        rows = self.cases.set_index("image", drop=False).loc[package.evidence["image"]]
        names = [f"p_{code}" for code in package.classes]
        return per_lesion(prediction_table(rows, package.evidence[names].to_numpy(), package.classes), None)


def with_finished(runs: Runs, heads: ModelPackage, folder: Path, tuned: bool) -> ModelPackage:
    """The heads with the finished networks of a stopped slow update, or without, chosen and answered on their folds."""
    assert heads.linear_parts is not None
    networks = {place.parent.name: _network(ModelPackage.load(place)) for place in sorted(folder.glob("*/trained"))}
    deployed = networks.pop(DEPLOYED)
    folds = {int(name): network for name, network in networks.items()}
    sisters = {fold: heads.linear_parts.sisters[fold] for fold in folds}
    params = runs.params("never", {})
    package = replace(
        heads,
        linear_parts=replace(heads.linear_parts, sisters=sisters),
        fine_tuned=FineTunedNetworks(params.model.network_view, deployed, folds) if tuned else None,
    )
    learnt = runs.cases[runs.cases["split"] == "train"].sort_values("image").reset_index(drop=True)
    about = package, list(learnt["image"]), runs.workspace.data, runs.workspace.cache
    targets = params.gate.target_sensitivities
    return with_chosen(package, learnt, package_features(*about), targets, network_logits(*about))


def _network(package: ModelPackage) -> FineTunedNetwork:
    learnt = dict(zip(package.manifest["image"], package.manifest["diagnosis"], strict=True))
    return FineTunedNetwork(package.weights, package.classes, learnt)


def section(title: str, heads: Scores, both: Scores) -> list[str]:
    """The table of one kind of answer, with the paired difference."""
    rows = []
    for metric in METRICS:
        change = both.difference(heads, metric)
        words = f"{points(change.value)} ({points(change.low)} to {points(change.high)}, p {p_words(change.p_value)})"
        rows.append((metric.replace("_", " "), percent(heads.estimate(metric)), percent(both.estimate(metric)), words))
    table = ResultTable(("", HEADS, BOTH, "difference, points"), tuple(rows))
    return [f"## {title}", "", table.markdown()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/")
    parser.add_argument("--output", type=Path, default=RESULTS / "slow_speed.md")
    parser.add_argument("--networks", type=Path, help="of a slow update that was stopped: measure what is finished")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="the recipe")
    arguments = parser.parse_args()
    workspace = Workspace(BENCHMARKS / "workspaces_slow_speed" / "pad")
    shipped = load_params(REPOSITORY / "params.yaml")
    cases = imported_cases(workspace, lambda: read_pad_ufes_20(arguments.photographs / "pad_ufes_20"), shipped)
    rows = cases.assign(split="train", fold="")
    dealt = assign_folds(rows, rows.iloc[:0], shipped.data.folds, shipped.seed)
    runs = Runs(workspace, rows.assign(fold=rows["patient_id"].map(dealt)), parse_settings(arguments.set))

    heads = {name: runs.made(runs.params("never", others)) for name, others in (("", {}), ("alone", ALONE))}
    if arguments.networks:
        sisters = len(list(arguments.networks.glob("*/trained"))) - 1
        both = {name: with_finished(runs, package, arguments.networks, True) for name, package in heads.items()}
        heads = {name: with_finished(runs, package, arguments.networks, False) for name, package in heads.items()}
        cost = (
            f"A training that was stopped when {sisters} of {shipped.data.folds} sisters were finished: the folds of "
            "the others are left out, on both sides."
        )
    else:
        before = resource.getrusage(resource.RUSAGE_SELF)
        slow = runs.made(runs.params("now", {}))
        after = resource.getrusage(resource.RUSAGE_SELF)
        both = {"": slow, "alone": runs.made(runs.params("never", ALONE), slow)}
        minutes = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 60
        cost = f"The whole slow update took {minutes:.0f} minutes of processor time."

    present = set(rows["diagnosis"])
    classes = [code for code in load_taxonomy().codes if code in present]

    def scores(package: ModelPackage) -> Scores:
        return score_seeds([runs.lesions(package)], classes)

    count = len(runs.lesions(both[""]))
    lines = [
        "# The slow speed, on few cases: PAD-UFES-20",
        "",
        f"`python -m benchmarks.learning.slow_speed ../shared/data{' --networks FOLDER' if arguments.networks else ''} "
        f"--set {' '.join(arguments.set)}`",
        "",
        f"{len(rows)} photographs of {rows['patient_id'].nunique()} patients, {count} lesions, each answered once by "
        "the sister that never saw its patient and at choices that its fold had no part in; by the largest "
        "probability; one seed. Percent per lesion, 95 % intervals over resampled patients, paired differences. "
        + cost,
        "",
        *section("The photograph alone", scores(heads["alone"]), scores(both["alone"])),
        *section("With the clinical columns", scores(heads[""]), scores(both[""])),
        f"Weights in the fusion with the columns (heads, columns, network): {_weights(both[''])}.",
    ]
    print("\n".join(lines), flush=True)
    write_text(arguments.output, "\n".join(lines) + "\n")


def _weights(package: ModelPackage) -> str:
    assert package.fusions is not None
    fusion = package.fusions.together
    return ", ".join(f"{value:.2f}" for value in (fusion.photograph, fusion.clinical, fusion.fine_tuned or 0.0))


if __name__ == "__main__":
    main()
