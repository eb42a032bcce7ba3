"""Few cases: how far frozen features, crops and clinical columns get on 918 photographs of PAD-UFES-20.

    python -m benchmarks.few_cases path/to/pad_ufes_20 --cache /somewhere/features --weights /somewhere/weights

Five folds by patient, repeated with three seeds. Everything that is chosen (ridge penalties, temperature, strength of
the clinical opinion, operating point) is chosen on inner folds of the training patients. Intervals and paired
comparisons resample patients. Writes benchmarks/results/few_cases.md.

`--weights` holds `<timm name>.safetensors` of further networks, whose features join in the last rows
(`python -m benchmarks.lite_weights FOLDER` writes those of EfficientNet-Lite1 and Lite2). `--finetuned` is the folder
of `benchmarks.few_cases_finetuning`, whose network answers alone and with the linear heads (log-probabilities added,
each at its own temperature).

Features and predictions are kept in the cache: a run that was stopped goes on where it was. Use another cache after a
change of the code.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.few_cases_heads import (
    balanced_accuracy,
    balanced_likelihood,
    class_biases,
    clinical_trees,
    hierarchical,
    log_softmax,
    patient_folds,
    ridge,
    similarity,
)
from dermai.calibration import fit_temperature
from dermai.clinical.model import choose_strength, fit_clinical
from dermai.config import ModelParams, Params
from dermai.files import sha256_json, write_text
from dermai.images.lesion import crop_to_lesion
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.operating_points import choose_operating_points, predict
from dermai.taxonomy import load_taxonomy

SEEDS = (20211003, 20211004, 20211005)
OUTER, INNER = 5, 3
PENALTIES = (1.0, 3.0, 10.0)  # of the linear heads, and of the clinical opinion
NETWORK, DRAWS = "tf_efficientnet_lite0", 4000
SIZES = {"tf_efficientnet_lite1": 240, "tf_efficientnet_lite2": 260}  # px, the size they were trained for
SIZE = 300  # of the others
VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "whole": lambda pixels: pixels,
    "centre": lambda pixels: pixels[45:-45, 45:-45],  # the middle 70 % of 300 px
    "lesion": crop_to_lesion,
}
MIRRORED = {f"{name} mirrored": (lambda pixels, view=view: view(pixels)[:, ::-1]) for name, view in VIEWS.items()}
EVERYONE = ("age", "body_site", "itch", "grew", "hurt", "changed", "bleed", "elevation")  # recorded in every row
RESULT = Path(__file__).parent / "results" / "few_cases.md"


def read_cases(folder: Path) -> pd.DataFrame:
    """The case table's columns of every photograph, through the real importer; nothing is quarantined."""
    rows = read_pad_ufes_20(folder).rows.rename(columns={"patient": "patient_id", "lesion": "lesion_id"})
    taxonomy = load_taxonomy()
    return rows.assign(diagnosis=[taxonomy.diagnosis("pad_ufes_20", label) for label in rows["label"]])


def features(folder: Path, files: Sequence[str], name: str, cache: Path, weights: Path | None) -> np.ndarray:
    """Pooled features float32 [N, D] of one view, kept in the cache; bfloat16.

    `name` is a view, or `<network>/<view>` for a network from the folder of weights.
    """
    network, _, view = name.rpartition("/")
    params = ModelParams(backbone=network, weights_folder=str(weights)) if network else ModelParams(backbone=NETWORK)
    size = SIZES.get(network, SIZE)
    kept = cache / f"{params.backbone}-{size}-{view}.npy"
    if kept.is_file() and len(found := np.load(kept)) == len(files):
        return found
    import torch
    from tqdm import tqdm

    from dermai.backbones import build_model, fuse_batch_norm, input_statistics
    from dermai.images.augmentation import normalise

    model = fuse_batch_norm(build_model(params, ("unused",)).eval())
    model.classifier = torch.nn.Identity()
    model = copy.deepcopy(model).to(torch.bfloat16)
    parts = []
    with torch.inference_mode():
        for start in tqdm(range(0, len(files), 16), desc=f"{name}, 16 photographs a step"):
            pixels = []
            for file in files[start : start + 16]:
                with Image.open(folder / file) as photograph:
                    cropped = Image.fromarray((VIEWS | MIRRORED)[view](np.asarray(photograph.convert("RGB"))))
                pixels.append(np.asarray(cropped.resize((size, size), Image.Resampling.BILINEAR)))
            inputs = normalise(torch.from_numpy(np.stack(pixels)), *input_statistics(params.backbone))
            parts.append(model(inputs.bfloat16()).float().numpy())
    cache.mkdir(parents=True, exist_ok=True)
    np.save(kept, np.concatenate(parts))
    return np.load(kept)


@dataclass
class Arm:
    """One way to classify, with its log-probabilities and answers at operating points per seed."""

    name: str
    views: tuple[str, ...] = ()
    finetuned: tuple[str, ...] = ()  # networks of `benchmarks.few_cases_finetuning`
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
        done = cache / f"{sha256_json([arm.name, arm.views, arm.clinical, seed])[:16]}.npz"
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="PAD-UFES-20 as its publisher lays it out")
    parser.add_argument("--cache", type=Path, required=True, help="where features are kept, outside the repository")
    parser.add_argument("--weights", type=Path, help="folder with the weights of further networks")
    parser.add_argument("--finetuned", type=Path, help="folder of `benchmarks.few_cases_finetuning`")
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args()
    cases = read_cases(arguments.folder)
    files = list(cases["file"])
    experiment = Experiment(
        cases,
        cache(lambda name: features(arguments.folder, files, name, arguments.cache, arguments.weights)),
        cache(lambda network: np.load(arguments.finetuned / f"finetuned-{network}.npz")["held"]),
    )
    further = sorted(file.stem for file in arguments.weights.glob("*.safetensors")) if arguments.weights else []
    asked = (" --weights weights" if further else "") + (" --finetuned folder" if arguments.finetuned else "")
    taxonomy = load_taxonomy()
    groups = np.array([["normal", "priority", "high_priority"].index(taxonomy.risk(c)) for c in experiment.classes])
    two = ("whole", "centre")
    whole = Arm("whole photograph", ("whole",))
    columns = Arm("clinical columns alone", clinical=EVERYONE)
    plain = Arm("whole photograph + clinical columns", ("whole",), clinical=EVERYONE)
    photograph = Arm("whole + centre crop", two)
    both = Arm("whole + centre crop + clinical columns", two, clinical=EVERYONE)
    hierarchy = Arm("whole + centre crop, risk level, then class", two, head=hierarchical(groups))
    more = Arm("whole + centre crop + clinical columns, sex, skin type", two, clinical=(*EVERYONE, "sex", "skin_type"))
    # What must not be done: whether the sex was recorded, put where a skin type would stand.
    recorded = cases.assign(skin_type=np.where(cases["sex"] == "", "3", "4"))
    leak = Arm("whole + centre crop + clinical columns, whether sex was recorded (leaks)", two,
               clinical=(*EVERYONE, "skin_type"), cases=recorded)  # fmt: skip
    lesion = Arm("whole + lesion crop", ("whole", "lesion"))
    all_views = Arm("whole + centre crop + lesion crop", tuple(VIEWS))
    everything = Arm("whole + centre crop + lesion crop + clinical columns", tuple(VIEWS), clinical=EVERYONE)
    mirrored = Arm("three views, each mirrored too", (*VIEWS, *MIRRORED))
    columns_trees = Arm("clinical columns alone, by trees", clinical=EVERYONE, trees=True)
    everything_trees = Arm(f"{everything.name}, by trees", tuple(VIEWS), clinical=EVERYONE, trees=True)
    arms = [whole, columns, plain, photograph, both, hierarchy, more, leak, lesion, all_views, everything,
            mirrored, columns_trees, everything_trees]  # fmt: skip
    comparisons = [(photograph, whole), (plain, whole), (plain, columns), (both, photograph), (both, columns),
                   (both, plain), (hierarchy, photograph), (more, both), (leak, both), (lesion, whole),
                   (lesion, photograph), (all_views, photograph), (all_views, whole), (everything, both),
                   (everything, all_views), (mirrored, all_views), (columns_trees, columns),
                   (everything_trees, everything)]  # fmt: skip
    if further:
        joined = (*VIEWS, *(f"{network}/{view}" for network in further for view in VIEWS))
        networks = Arm(f"three views, with {', '.join(further)}", joined)
        networks_everything = Arm(f"{networks.name} + clinical columns", joined, clinical=EVERYONE)
        arms += [networks, networks_everything]
        comparisons += [(networks, all_views), (networks_everything, everything)]
    if arguments.finetuned:
        alone = Arm("fine-tuned", (), (NETWORK,))
        alone_columns = Arm("fine-tuned + clinical columns", (), (NETWORK,), EVERYONE)
        tuned = Arm("fine-tuned and three views", tuple(VIEWS), (NETWORK,))
        tuned_columns = Arm("fine-tuned and three views + clinical columns", tuple(VIEWS), (NETWORK,), EVERYONE)
        arms += [alone, alone_columns, tuned, tuned_columns]
        comparisons += [(alone, all_views), (tuned, all_views), (tuned, alone), (alone_columns, everything),
                        (tuned_columns, everything), (tuned_columns, alone_columns)]  # fmt: skip
        tuned_biased = Arm(f"{tuned.name}, classes moved", tuple(VIEWS), (NETWORK,), biased=True)
        columns_biased = Arm(f"{tuned_columns.name}, classes moved", tuple(VIEWS), (NETWORK,), EVERYONE, biased=True)
        arms += [tuned_biased, columns_biased]
        comparisons += [(tuned_biased, tuned), (columns_biased, tuned_columns)]
        if further:
            both_kinds = Arm(f"fine-tuned and {networks.name}", joined, (NETWORK,))
            all_columns = Arm(f"{both_kinds.name} + clinical columns", joined, (NETWORK,), EVERYONE)
            arms += [both_kinds, all_columns]
            comparisons += [(both_kinds, networks), (both_kinds, tuned), (all_columns, networks_everything),
                            (all_columns, tuned_columns)]  # fmt: skip
    for arm in arms:
        for seed in SEEDS:
            experiment.run(arm, seed, arguments.cache)
        print(experiment.row(arm), flush=True)
    counts = ", ".join(f"{code} {(experiment.labels == place).sum()}" for place, code in enumerate(experiment.classes))
    lines = [
        "# Few cases: PAD-UFES-20, 918 photographs",
        "",
        f"`python -m benchmarks.few_cases path/to/pad_ufes_20 --cache features{asked}` "
        f"({cases['patient_id'].nunique()} patients; {counts}).",
        "",
        f"{OUTER} folds by patient, seeds {', '.join(map(str, SEEDS))}. A linear head on frozen ImageNet features of "
        f"EfficientNet-Lite0 at {SIZE} px, or (fine-tuned) the whole network; penalties, temperature, strength of the "
        "clinical opinion, classes' biases (classes moved) and operating points "
        f"come from {INNER} inner folds of the training patients. 95 % intervals resample patients. Balanced accuracy "
        "is by the largest probability, per photograph; MM at the operating point "
        f"(target {Params().gate.target_sensitivities['MM']:.0%} on the inner folds, per photograph).",
        "",
        f"| arm | balanced accuracy | per seed | per lesion | MM sensitivity | MM specificity | "
        f"recall {' '.join(experiment.classes)} |",
        "|---|---|---|---:|---|---:|---|",
        *(experiment.row(arm) for arm in arms),
        "",
        "Paired on the same patients:",
        "",
        "| difference | balanced accuracy | p |",
        "|---|---|---:|",
        *(experiment.versus(better, worse) for better, worse in comparisons),
        "",
    ]
    write_text(arguments.output, "\n".join(lines))


if __name__ == "__main__":
    main()
