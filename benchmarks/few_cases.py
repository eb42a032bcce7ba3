"""Few cases: how far frozen features, crops and clinical columns get on 918 photographs of PAD-UFES-20.

    python -m benchmarks.few_cases path/to/pad_ufes_20 --cache /somewhere/features --weights /somewhere/weights

Five folds by patient, repeated with three seeds. Everything that is chosen (ridge penalties, temperature, strength of
the clinical opinion, operating point) is chosen on inner folds of the training patients. Intervals and paired
comparisons resample patients. Writes benchmarks/results/few_cases.md.

`--weights` holds `<timm name>.safetensors` of further networks, whose features join in the last rows
(`python -m benchmarks.lite_weights FOLDER` writes those of EfficientNet-Lite1 and Lite2). `--finetuned` is the folder
of `benchmarks.few_cases_finetuning`, whose networks answer alone and with the linear heads (log-probabilities added,
each at its own temperature); it holds the trainings from ImageNet's weights and those with `--source`.

Features and predictions are kept in the cache: a run that was stopped goes on where it was. Use another cache after a
change of the code.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.few_cases_arms import CONSTANT, CROPS, MIRRORED, arms
from benchmarks.few_cases_experiment import INNER, OUTER, SEEDS, Experiment
from dermai.config import ModelParams, Params
from dermai.files import write_text
from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
from dermai.taxonomy import load_taxonomy

NETWORK = "tf_efficientnet_lite0"
SIZES = {"tf_efficientnet_lite1": 240, "tf_efficientnet_lite2": 260}  # px, the size they were trained for
SIZE = 300  # of the others
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

    from dermai.images.augmentation import normalise
    from dermai.models.backbones import build_model, fuse_batch_norm, input_statistics

    model = fuse_batch_norm(build_model(params, ("unused",)).eval())
    model.classifier = torch.nn.Identity()
    model = copy.deepcopy(model).to(torch.bfloat16)
    parts = []
    with torch.inference_mode():
        for start in tqdm(range(0, len(files), 16), desc=f"{name}, 16 photographs a step"):
            pixels = []
            for file in files[start : start + 16]:
                with Image.open(folder / file) as photograph:
                    cropped = Image.fromarray(
                        (CROPS | MIRRORED | CONSTANT)[view](np.asarray(photograph.convert("RGB")))
                    )
                pixels.append(np.asarray(cropped.resize((size, size), Image.Resampling.BILINEAR)))
            inputs = normalise(torch.from_numpy(np.stack(pixels)), *input_statistics(params.backbone))
            parts.append(model(inputs.bfloat16()).float().numpy())
    cache.mkdir(parents=True, exist_ok=True)
    np.save(kept, np.concatenate(parts))
    return np.load(kept)


def finetuned(folder: Path, name: str) -> np.ndarray:
    """Log-probabilities [seeds, folds, N, C] of fine-tuned networks; `name`: `<network>/held` or `<network>/joined`."""
    network, _, kind = name.partition("/")
    return np.asarray(np.load(folder / f"finetuned-{network}.npz")[kind])


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
        cache(lambda name: finetuned(arguments.finetuned, name)),
    )
    further = sorted(file.stem for file in arguments.weights.glob("*.safetensors")) if arguments.weights else []
    asked = (" --weights weights" if further else "") + (" --finetuned folder" if arguments.finetuned else "")
    chosen, comparisons = arms(cases, further, NETWORK if arguments.finetuned else "")
    for arm in chosen:
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
        *(experiment.row(arm) for arm in chosen),
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
