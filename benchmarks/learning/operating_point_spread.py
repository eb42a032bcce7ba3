"""How much operating points vary from one set of patients to another, chosen once and over resampled patients.

    python -m benchmarks.learning.operating_point_spread ../shared/data

The out-of-fold answers are those of the models of `benchmarks.learning.few_cases`, which are found where that has run.
Of each model's patients as many are drawn with replacement, and points are chosen by their lesions; the standard
deviations are over these draws, means over the models. What points reach is nested: chosen by the lesions of the other
folds, counted on those of the fold. Writes benchmarks/results/operating_point_spread.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.folders import BENCHMARKS, REPOSITORY, RESULTS
from benchmarks.learning.few_cases import FOLDS, SEEDS
from benchmarks.public_photographs import imported_cases
from dermai.config import load_params
from dermai.continual.plan import plan_update
from dermai.cross_validation.folds import patient_folds, split_for_fold
from dermai.evaluation.tables import ResultTable
from dermai.files import write_text
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.models.operating_points import choose_operating_points, predict, steady_operating_points
from dermai.models.package import ModelPackage
from dermai.models.validation_lesions import validation_lesions, validation_patients
from dermai.training.candidate import train_candidate
from dermai.workspace import Workspace

PAGE = RESULTS / "operating_point_spread.md"
DRAWS, SEED, WATCHED = 30, 7, "MM"
Choosing = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]  # probabilities, labels, patients


class OutOfFold:
    """The lesions that one model's sisters answered: probabilities [N, C], class indices, patients, folds."""

    def __init__(self, package: ModelPackage, targets: dict[str, float]) -> None:
        self.classes, self.targets = package.classes, targets
        self.probabilities, self.labels = validation_lesions(package)
        self.patients = np.array(validation_patients(package), dtype=str)
        lesions = package.validation.merge(package.manifest.drop_duplicates("image")[["image", "lesion_id"]])
        self.folds = lesions.drop_duplicates("lesion_id")["fold"].to_numpy()
        self.watched = package.classes.index(WATCHED)

    def once(self, probabilities: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> dict[str, float]:
        return choose_operating_points(probabilities, labels, self.classes, self.targets)

    def resampled(self, probabilities: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> dict[str, float]:
        return steady_operating_points(probabilities, labels, list(patients), self.classes, self.targets)

    def called(self, rows: np.ndarray, points: dict[str, float]) -> np.ndarray:
        """Whether each lesion is called by the watched class."""
        return predict(self.probabilities[rows], self.classes, points) == self.watched

    def rates(self, choose: Choosing) -> np.ndarray:
        """Hits, cases, spared and other lesions, each fold's points chosen by the other folds."""
        found = np.zeros(4)
        for fold in np.unique(self.folds):
            own, others = np.flatnonzero(self.folds == fold), np.flatnonzero(self.folds != fold)
            points = choose(self.probabilities[others], self.labels[others], self.patients[others])
            called, truth = self.called(own, points), self.labels[own] == self.watched
            found += [(called & truth).sum(), truth.sum(), (~called & ~truth).sum(), (~truth).sum()]
        return found

    def spread(self, choose: Choosing) -> np.ndarray:
        """Standard deviations over resampled patients: logarithm of the point, and the specificity that it gives."""
        generator, everybody = np.random.default_rng(SEED), np.arange(len(self.labels))
        _, owner = np.unique(self.patients, return_inverse=True)
        lesions = [np.flatnonzero(owner == number) for number in range(owner.max() + 1)]
        logarithms, specificities = [], []
        for _ in range(DRAWS):
            people = generator.integers(len(lesions), size=len(lesions))
            rows = np.concatenate([lesions[number] for number in people])
            # Who is drawn twice counts as two patients
            names = np.concatenate([[str(turn)] * len(lesions[number]) for turn, number in enumerate(people)])
            points = choose(self.probabilities[rows], self.labels[rows], names)
            logarithms.append(np.log(points[WATCHED]))
            specificities.append((~self.called(everybody, points))[self.labels != self.watched].mean())
        return np.array([np.std(logarithms), np.std(specificities)])


def models(photographs: Path) -> list[OutOfFold]:
    """The out-of-fold answers of the model of each fold and seed."""
    workspace = Workspace(BENCHMARKS / "workspaces_few_cases" / "pad")
    shipped = load_params(REPOSITORY / "params.yaml")
    cases: pd.DataFrame = imported_cases(workspace, lambda: read_pad_ufes_20(photographs / "pad_ufes_20"), shipped)
    found = []
    for seed in SEEDS:
        params = load_params(REPOSITORY / "params.yaml", {"seed": seed})
        dealt = patient_folds(cases, FOLDS, seed)
        for fold in range(FOLDS):
            rows = split_for_fold(cases, dealt, fold, params.data.folds, seed)
            folder = train_candidate(workspace, params, plan_update(rows, None, params), rows, None)
            found.append(OutOfFold(ModelPackage.load(folder), params.gate.target_sensitivities))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder with pad_ufes_20/")
    found = models(parser.parse_args().photographs)
    rows = []
    for title, name in (("once", "once"), ("over resampled patients, as shipped", "resampled")):
        hits, cases, spared, others = np.sum([one.rates(getattr(one, name)) for one in found], axis=0)
        logarithm, specificity = np.mean([one.spread(getattr(one, name)) for one in found], axis=0)
        reached = f"{100 * hits / cases:.1f}", f"{100 * spared / others:.1f}"
        rows.append((title, f"{logarithm:.2f}", f"{100 * specificity:.1f}", *reached))
    header = ("Chosen", "SD of the point's logarithm", "SD of the specificity, points", "Sensitivity", "Specificity")
    lines = [
        "# How much operating points vary",
        "",
        "`python -m benchmarks.learning.operating_point_spread FOLDER`",
        "",
        f"{WATCHED} in PAD-UFES-20, {len(found)} models of [few cases](few_cases.md), with the clinical columns; a",
        f"sensitivity of {100 * found[0].targets[WATCHED]:.0f} % is asked. Standard deviations over {DRAWS} draws",
        "of a model's patients, means over the models. Sensitivity and specificity in percent, out of fold: chosen by",
        "the lesions of the other folds. The models share patients: their number says little about certainty.",
        "",
        ResultTable(header, tuple(rows)).markdown(),
    ]
    write_text(PAGE, "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
