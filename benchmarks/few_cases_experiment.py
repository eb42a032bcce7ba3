"""Nested cross-validation by patient of ways to classify few photographs, for `benchmarks.few_cases`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.few_cases_heads import (
    balanced_accuracy,
    balanced_likelihood,
    class_biases,
    clinical_trees,
    log_softmax,
    patient_folds,
    ridge,
    similarity,
)
from dermai.config import Params
from dermai.files import sha256_json
from dermai.models.calibration import fit_temperature
from dermai.models.clinical_model import choose_strength, fit_clinical
from dermai.models.operating_points import choose_operating_points, predict
from dermai.taxonomy import load_taxonomy

SEEDS = (20211003, 20211004, 20211005)
OUTER, INNER = 5, 3
PENALTIES = (1.0, 3.0, 10.0)  # of the linear heads, and of the clinical opinion
DRAWS = 4000


@dataclass
class Arm:
    """One way to classify, with its log-probabilities and answers at operating points per seed."""

    name: str
    views: tuple[str, ...] = ()
    finetuned: tuple[str, ...] = ()  # `<network>/<kind>` of `benchmarks.few_cases_finetuning`
    clinical: tuple[str, ...] = ()
    trees: bool = False  # on the clinical columns, in place of the linear opinion
    biased: bool = False  # each class's score moved by what makes the inner folds' diagnoses likeliest
    head: Callable[..., np.ndarray] = ridge
    cases: pd.DataFrame | None = None
    logits: list[np.ndarray] = field(default_factory=list)
    answers: list[np.ndarray] = field(default_factory=list)


class Experiment:
    """Nested cross-validation of arms over one table of photographs."""

    def __init__(
        self,
        cases: pd.DataFrame,
        view: Callable[[str], np.ndarray],
        finetuned: Callable[[str], np.ndarray] = lambda network: np.empty(0),
    ) -> None:
        self.cases, self.view, self.finetuned = cases, view, finetuned
        found = set(cases["diagnosis"])
        self.classes = [code for code in load_taxonomy().codes if code in found]
        self.labels = cases["diagnosis"].map({code: place for place, code in enumerate(self.classes)}).to_numpy()
        self.patients = cases["patient_id"].to_numpy()

    def run(self, arm: Arm, seed: int, cache: Path) -> None:
        """Predict every photograph from the other patients' folds, or find it done."""
        done = cache / f"{sha256_json([arm.name, arm.views, arm.finetuned, arm.clinical, seed])[:16]}.npz"
        if not done.is_file():
            logits, answers = self._predict(arm, seed)
            np.savez(done, logits=logits, answers=answers)
        found = np.load(done)
        arm.logits.append(found["logits"])
        arm.answers.append(found["answers"])

    def _predict(self, arm: Arm, seed: int) -> tuple[np.ndarray, np.ndarray]:
        outer = patient_folds(self.patients, self.labels, OUTER, seed)
        logits = np.zeros((len(self.labels), len(self.classes)))
        answers = np.zeros(len(self.labels), dtype=int)
        for fold in range(OUTER):
            train, test = np.flatnonzero(outer != fold), np.flatnonzero(outer == fold)
            inner = patient_folds(self.patients[train], self.labels[train], INNER, seed + fold + 1)
            parts = [(train[inner != part], train[inner == part]) for part in range(INNER)]
            opinions = [self.finetuned(network)[SEEDS.index(seed), fold] for network in arm.finetuned]
            if arm.views:
                opinions.append(self._linear(arm, train, test, parts))
            held = np.zeros_like(logits)
            if opinions:
                held = self._tempered(sum(self._tempered(opinion, train) for opinion in opinions), train)
                logits[test] = held[test]
            if arm.clinical:
                table = self.cases if arm.cases is None else arm.cases
                columns = self._opinion(arm, table, train, test, parts)
                strength = 1.0
                if opinions:
                    strength = choose_strength(held[train], columns[train], self.labels[train])
                held = log_softmax(held + strength * columns)
                logits[test] = log_softmax(logits[test] + strength * columns[test])
            if arm.biased:
                biases = class_biases(held[train], self.labels[train])
                held, logits[test] = log_softmax(held + biases), log_softmax(logits[test] + biases)
            targets = Params().gate.target_sensitivities
            points = choose_operating_points(np.exp(held[train]), self.labels[train], self.classes, targets)
            answers[test] = predict(np.exp(logits[test]), self.classes, points)
        return logits, answers

    def _linear(
        self, arm: Arm, train: np.ndarray, test: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        """Scores [N, C] of a linear head: of training photographs by inner folds, of test ones by all."""
        kernel = similarity([self.view(view) for view in arm.views], train)
        tried = {}
        for penalty in PENALTIES:
            tried[penalty] = np.zeros((len(self.labels), len(self.classes)))
            for learn, check in parts:
                tried[penalty][check] = arm.head(kernel, self.labels, learn, check, penalty)
        best = max(PENALTIES, key=lambda p: balanced_accuracy(tried[p][train].argmax(axis=1), self.labels[train]))
        found = tried[best]
        found[test] = arm.head(kernel, self.labels, train, test, best)
        return found

    def _tempered(self, scores: np.ndarray, train: np.ndarray) -> np.ndarray:
        """Log-probabilities [N, C] at the temperature that fits the training photographs best."""
        return log_softmax(scores / fit_temperature(scores[train], self.labels[train]))

    def _opinion(
        self,
        arm: Arm,
        table: pd.DataFrame,
        train: np.ndarray,
        test: np.ndarray,
        parts: list[tuple[np.ndarray, np.ndarray]],
    ) -> np.ndarray:
        """What the clinical columns add to each class's score [N, C]: of training rows by inner folds, of test by all.

        The penalty is the one that makes the training patients' diagnoses likeliest, each class having the same say.
        """
        tried = {}
        for penalty in PENALTIES[:1] if arm.trees else PENALTIES:
            tried[penalty] = np.zeros((len(self.labels), len(self.classes)))
            for learn, check in (*parts, (train, test)):
                learnt, asked = table.iloc[learn], table.iloc[check]
                if arm.trees:
                    tried[penalty][check] = clinical_trees(learnt, asked, arm.clinical, self.classes)
                else:
                    model = fit_clinical(learnt, arm.clinical, self.classes, penalty)
                    tried[penalty][check] = model.scores(asked)
        return tried[max(tried, key=lambda penalty: balanced_likelihood(tried[penalty][train], self.labels[train]))]

    def resampled(self, hits: np.ndarray, cases: np.ndarray) -> np.ndarray:
        """Mean over classes of hits / cases, each [N, C], in bootstrap samples of patients; [draws]."""
        by_patient = [pd.DataFrame(part).groupby(self.patients).sum().to_numpy() for part in (hits, cases)]
        drawn = np.random.default_rng(SEEDS[0]).multinomial(
            len(by_patient[0]), np.full(len(by_patient[0]), 1 / len(by_patient[0])), DRAWS
        )
        return ((drawn @ by_patient[0]) / np.maximum(drawn @ by_patient[1], 1e-9)).mean(axis=1)

    def accuracy_draws(self, arm: Arm) -> np.ndarray:
        """Bootstrap draws of the balanced accuracy by the largest probability, averaged over seeds."""
        hit = np.mean([logits.argmax(axis=1) == self.labels for logits in arm.logits], axis=0)
        truth = np.eye(len(self.classes))[self.labels]
        return self.resampled(truth * hit[:, None], truth)

    def row(self, arm: Arm) -> str:
        """One line of the table."""
        accuracies = [balanced_accuracy(logits.argmax(axis=1), self.labels) for logits in arm.logits]
        lesions = [self._lesions(logits) for logits in arm.logits]
        melanoma = self.classes.index("MM")
        called = np.mean([answers == melanoma for answers in arm.answers], axis=0)
        is_melanoma = self.labels == melanoma
        sensitivity = self.resampled((called * is_melanoma)[:, None], is_melanoma.astype(float)[:, None])
        recalls = [np.mean([(p.argmax(axis=1) == self.labels)[self.labels == c].mean() for p in arm.logits])
                   for c in range(len(self.classes))]  # fmt: skip
        return (
            f"| {arm.name} | **{np.mean(accuracies):.3f}** {interval(self.accuracy_draws(arm))} "
            f"| {' '.join(f'{value:.3f}' for value in accuracies)} | {np.mean(lesions):.3f} "
            f"| {called[is_melanoma].mean():.2f} {interval(sensitivity)} | {1 - called[~is_melanoma].mean():.2f} "
            f"| {' '.join(f'{value:.2f}' for value in recalls)} |"
        )

    def versus(self, better: Arm, worse: Arm) -> str:
        """One line of a paired comparison on the same patients."""
        draws = self.accuracy_draws(better) - self.accuracy_draws(worse)
        p = min(1.0, 2 * (1 + min((draws <= 0).sum(), (draws >= 0).sum())) / (DRAWS + 1))
        shown = "< 0.001" if p < 0.001 else f"{p:.3f}"
        means = [np.mean([balanced_accuracy(p.argmax(axis=1), self.labels) for p in arm.logits])
                 for arm in (better, worse)]  # fmt: skip
        return f"| {better.name} − {worse.name} | {means[0] - means[1]:+.3f} {interval(draws, '+.3f')} | {shown} |"

    def _lesions(self, logits: np.ndarray) -> float:
        lesions = pd.DataFrame(np.exp(logits)).groupby(self.cases["lesion_id"].to_numpy()).mean()
        truth = pd.Series(self.labels).groupby(self.cases["lesion_id"].to_numpy()).first()
        return balanced_accuracy(lesions.to_numpy().argmax(axis=1), truth.to_numpy())


def interval(draws: np.ndarray, form: str = ".2f") -> str:
    """The middle 95 % of bootstrap draws."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"({low:{form}} to {high:{form}})"
