"""From a folder of referrals to rows for the prediction log: the door, the models, the risk."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from dermai.calibration import apply_temperature
from dermai.config import Params
from dermai.inference import embed, predict_probabilities
from dermai.ingest.photographs import UnusablePhotograph, locate, sanitise
from dermai.ingest.store import store_photograph
from dermai.model_package import ModelPackage
from dermai.operating_points import predict
from dermai.triage.acquisition import acquisition_properties
from dermai.triage.conformal import conformal_sets, conformal_threshold
from dermai.triage.door import reasons_to_retake
from dermai.triage.risk import abstains, risk_level
from dermai.workspace import Workspace

Append = Callable[[pd.DataFrame, NDArray[np.float32], str], object]


@dataclass(frozen=True)
class ScoringModel:
    """A registered version that scores referrals; a challenger does so in shadow."""

    version: str
    role: str
    package: ModelPackage


@dataclass(frozen=True)
class Door:
    """Photographs that may be judged, with their stored name, and those to take again, with the reason."""

    accepted: pd.DataFrame
    retakes: pd.DataFrame


def triage_folder(workspace: Workspace) -> Path:
    """Where the photographs of referrals are kept, apart from the training data."""
    return workspace.state / "triage"


def admit(folder: Path, referrals: pd.DataFrame, workspace: Workspace, params: Params, progress: bool = False) -> Door:
    """Sanitise every photograph, measure it, and keep it or ask for another one.

    A photograph that stands under two rows is kept once, in the first.
    """
    from tqdm import tqdm

    store = triage_folder(workspace)

    def one(file: str) -> dict[str, object]:
        try:
            photograph = sanitise(locate(folder, file), params.data.shorter_side, params.data.jpeg_quality)
        except UnusablePhotograph as problem:
            return {"reason": f"{problem.reason}: {problem.fix}"}
        store_photograph(store, photograph)
        with Image.open(store / "images" / photograph.image[:2] / f"{photograph.image}.jpg") as stored:
            pixels = np.asarray(stored.convert("RGB"))
        properties = acquisition_properties(pixels)
        reasons = reasons_to_retake(pixels, properties, params.validation)
        return {"image": photograph.image, "reason": "; ".join(reasons), **properties}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        judged = list(
            tqdm(pool.map(one, referrals["file"]), total=len(referrals), desc="at the door", unit="photograph",
                 disable=not progress)
        )  # fmt: skip
    found = pd.concat([referrals.reset_index(drop=True), pd.DataFrame(judged)], axis=1)
    refused = found["reason"] != ""
    accepted = found[~refused].drop_duplicates("image").drop(columns=["reason", "file"])
    return Door(accepted.reset_index(drop=True), found[refused].reset_index(drop=True))


def score(
    model: ScoringModel,
    accepted: pd.DataFrame,
    already: Collection[str],
    append: Append,
    workspace: Workspace,
    params: Params,
    received: datetime,
    progress: bool = False,
) -> int:
    """Log the photographs that this version has not scored yet, batch by batch; returns how many.

    A run that dies keeps every whole batch, and the next run goes on after it.
    """
    from tqdm import tqdm

    rows = accepted[~accepted["image"].isin(set(already))]
    threshold = validation_threshold(model.package, params.triage.conformal_coverage)
    store, cache = triage_folder(workspace), workspace.cache
    with tqdm(total=len(rows), desc=f"{model.role} {model.version}", unit="photograph", disable=not progress) as bar:
        for start in range(0, len(rows), params.triage.batch):
            batch = rows.iloc[start : start + params.triage.batch]
            images = list(batch["image"])
            probabilities = predict_probabilities(model.package, images, store, cache)
            vectors = embed(images, store, cache).astype(np.float32)
            scored = with_answers(batch, probabilities, model.package, threshold, params.triage.largest_set)
            append(scored.assign(role=model.role, predicted_at=pd.Timestamp(received)), vectors, model.version)
            bar.update(len(batch))
    return len(rows)


def with_answers(
    rows: pd.DataFrame, probabilities: NDArray[np.float64], package: ModelPackage, threshold: float, largest_set: int
) -> pd.DataFrame:
    """The rows with `p_<class>`, `predicted`, the conformal set as `diagnoses`, and `risk`."""
    classes = package.classes
    predicted = [classes[place] for place in predict(probabilities, classes, package.operating_points)]
    sets = conformal_sets(probabilities, classes, threshold)
    risks = [
        risk_level(called, found, abstains(found, largest_set)).value
        for called, found in zip(predicted, sets, strict=True)
    ]
    columns = {f"p_{name}": probabilities[:, place] for place, name in enumerate(classes)}
    return rows.assign(**columns, predicted=predicted, diagnoses=[" ".join(found) for found in sets], risk=risks)


def calibrated_validation(package: ModelPackage) -> NDArray[np.float64]:
    """The package's validation probabilities at its temperature, [N, C] in the order of its classes."""
    raw = package.validation[[f"p_{name}" for name in package.classes]].to_numpy(dtype=float)
    return apply_temperature(np.log(np.clip(raw, 1e-12, 1)), package.temperature)


def validation_threshold(package: ModelPackage, coverage: float) -> float:
    """The conformal threshold from the package's validation photographs; 0 where it has none."""
    known = package.validation["diagnosis"].isin(package.classes).to_numpy()
    if not known.any():
        return 0.0
    labels = [package.classes.index(name) for name in package.validation["diagnosis"][known]]
    return conformal_threshold(calibrated_validation(package)[known], labels, coverage)
