"""From a folder of referrals to rows for the prediction log: the quality check, the models, the risk."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from dermai.config import Params
from dermai.images.acquisition import acquisition_properties
from dermai.images.photograph_views import PhotographViews
from dermai.images.pixels import PixelCache
from dermai.ingest.file_names import locate
from dermai.ingest.photographs import Photograph, sanitise
from dermai.ingest.store import in_threads, store_photograph
from dermai.ingest.unusable import UnusablePhotograph
from dermai.models.calibration import apply_temperature, log_probabilities
from dermai.models.inference import predict_with
from dermai.models.package import ModelPackage
from dermai.models.package_network import PackageNetwork, model_pixels, ready_to_predict
from dermai.models.reference_backbone import reference_pixels
from dermai.prediction_log.log import Append
from dermai.prediction_log.parts import KEY
from dermai.triage.conformal import conformal_sets, conformal_threshold
from dermai.triage.one_pass import HeatMaps, Looked, embeddings
from dermai.triage.referrals import CLINICAL
from dermai.triage.retake_reasons import reasons_to_retake
from dermai.triage.risk import abstains, risk_level
from dermai.workspace import Workspace

KEPT_AT_ONCE = 64  # decoded photographs that wait to be written to a cache together
ANSWER_COLUMNS = ("predicted", "diagnoses", "risk")


@dataclass(frozen=True)
class ScoringModel:
    """A registered version that scores referrals; a challenger does so in shadow. `cache` is the workspace's."""

    version: str
    role: str
    package: ModelPackage
    cache: Path | None = None

    @cached_property
    def network(self) -> PackageNetwork:
        """The package's network, made ready once for all the batches that this version scores."""
        return ready_to_predict(self.package, self.cache)


@dataclass(frozen=True)
class Admission:
    """Photographs that may be judged, with their stored name, and those to take again, with the reason."""

    accepted: pd.DataFrame
    retakes: pd.DataFrame


def triage_folder(workspace: Workspace) -> Path:
    """Where the photographs of referrals are kept, apart from the training data."""
    return workspace.state / "triage"


def admit(
    folder: Path,
    referrals: pd.DataFrame,
    workspace: Workspace,
    params: Params,
    progress: bool = False,
    caches: Sequence[PixelCache] = (),
) -> Admission:
    """Sanitise every photograph, measure it, and keep it or ask for another one.

    A photograph that stands twice under a lesion of a case is kept once; one that stands under two cases is kept in
    both. What passes is put into the `caches` of those who will look at it next, so that it is decoded once.
    """
    from tqdm import tqdm

    store = triage_folder(workspace)

    def one(file: str) -> tuple[dict[str, object], dict[PixelCache, NDArray[np.uint8]]]:
        try:
            photograph, picture = cleaned(locate(folder, file), params)
        except UnusablePhotograph as problem:
            return unusable(problem), {}
        store_photograph(store, photograph)
        judged = {"image": photograph.image, **quality(picture, params)}
        wanting = [] if judged["reason"] else [cache for cache in caches if photograph.image not in cache.records]
        return judged, {cache: cache.resized(picture) for cache in wanting}

    judged: list[dict[str, object]] = []
    waiting: dict[PixelCache, dict[str, NDArray[np.uint8]]] = {cache: {} for cache in caches}

    def keep(most: int) -> None:
        for cache, pixels in waiting.items():
            if len(pixels) > most:
                cache.add(list(pixels), list(pixels.values()))
                pixels.clear()

    with tqdm(total=len(referrals), desc="quality check", unit="photograph", disable=not progress) as bar:
        for found, decoded in in_threads(one, list(referrals["file"]), os.cpu_count() or 1):
            judged.append(found)
            for cache, pixels in decoded.items():
                waiting[cache][str(found["image"])] = pixels
            keep(KEPT_AT_ONCE)
            bar.update()
    keep(0)
    found_here = pd.DataFrame(judged) if judged else pd.DataFrame(columns=["image", "reason"], dtype=object)
    return admission(pd.concat([referrals.reset_index(drop=True), found_here], axis=1))


def admission(judged: pd.DataFrame) -> Admission:
    """Rows with `file`, `image` and `reason`, divided by whether the photograph must be taken again."""
    refused = judged["reason"] != ""
    accepted = judged[~refused].drop_duplicates(list(KEY)).drop(columns=["reason", "file"])
    return Admission(accepted.reset_index(drop=True), judged[refused].reset_index(drop=True))


def cleaned(file: Path, params: Params) -> tuple[Photograph, Image.Image]:
    """What is stored of a photograph, and its pixels as they are stored, RGB.

    Raises:
        UnusablePhotograph: it cannot be read.
    """
    photograph = sanitise(file, params.data.shorter_side, params.data.jpeg_quality)
    with Image.open(io.BytesIO(photograph.content)) as stored:
        return photograph, stored.convert("RGB")


def quality(picture: Image.Image, params: Params) -> dict[str, Any]:
    """How a photograph was taken, in the numbers of the prediction log, and the `reason` to take it again, or ""."""
    pixels = np.asarray(picture)
    properties = acquisition_properties(pixels)
    return {"reason": "; ".join(reasons_to_retake(pixels, properties, params.validation)), **properties}


def unusable(problem: UnusablePhotograph) -> dict[str, Any]:
    """What is kept of a file that is no photograph: nothing but the reason to send another."""
    return {"image": "", "reason": f"{problem.reason}: {problem.fix}"}


def pixel_caches(workspace: Workspace, models: Sequence[ScoringModel]) -> list[PixelCache]:
    """The photographs as each model, and the reference backbone, take them in."""
    views = [cache for model in models for cache in model_pixels(model.package, workspace.cache).caches]
    caches = [reference_pixels(workspace.cache), *views]
    return list({(cache.size, cache.interpolation, cache.crop): cache for cache in caches}.values())


def score(
    model: ScoringModel,
    accepted: pd.DataFrame,
    logged: pd.DataFrame,
    append: Append,
    workspace: Workspace,
    params: Params,
    received: datetime,
    progress: bool = False,
    heat: HeatMaps | None = None,
) -> pd.DataFrame:
    """Log the photographs that this version has not scored yet, batch by batch; returns their rows.

    `logged` holds what the log knows of these photographs. A run that dies keeps every whole batch, and the next run
    goes on after it. Where `heat` is given, it receives the Grad-CAM of each photograph's called class, from the same
    pass through the network; so are the embeddings of the log where the network is the reference backbone.
    """
    from tqdm import tqdm

    rows = unscored(accepted, logged, received)
    if rows.empty:
        return rows
    package = model.package
    threshold = validation_threshold(package, params.triage.conformal_coverage)
    store, cache = triage_folder(workspace), workspace.cache
    network = model.network
    pixels = model_pixels(package, cache)
    done: list[pd.DataFrame] = []
    with tqdm(total=len(rows), desc=f"{model.role} {model.version}", unit="photograph", disable=not progress) as bar:
        for first in range(0, len(rows), params.triage.batch):
            batch = rows.iloc[first : first + params.triage.batch]
            images = list(batch["image"])
            pixels.fill(images, store)
            read, seen = partial(_read, pixels, images), Looked(network, images, heat)
            look = seen if heat is not None or network.is_the_reference else None
            probabilities = predict_with(network, read, len(images), look=look, clinical=batch)
            vectors = embeddings(seen, images, store, cache)
            scored = with_answers(batch, probabilities, package, threshold, params.triage.largest_set)
            append(scored.assign(role=model.role), vectors, model.version)
            done.append(scored)
            bar.update(len(batch))
    return pd.concat(done)


def unscored(accepted: pd.DataFrame, logged: pd.DataFrame, received: datetime) -> pd.DataFrame:
    """Rows of a folder to which the log holds no answer, with `predicted_at`.

    A row whose patient or clinical columns differ from the logged ones is scored anew, since they may change the
    answer; it keeps the time at which the photograph first came in, so that it is no new arrival.
    """
    known = pd.Series(logged["predicted_at"].to_numpy(), pd.MultiIndex.from_frame(logged[list(KEY)]))
    rows = accepted[~_question(accepted).isin(set(_question(logged)))]
    first = known[~known.index.duplicated()].reindex(pd.MultiIndex.from_frame(rows[list(KEY)]))
    when = pd.to_datetime(pd.Series(first.to_numpy(), rows.index), utc=True).fillna(pd.Timestamp(received))
    return rows.assign(predicted_at=when.astype("datetime64[us, UTC]"))


def answered(accepted: pd.DataFrame, answers: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of a folder, as the folder has them, with what the model said of each; of two answers the later counts."""
    found = pd.concat([table for table in answers if len(table)] or list(answers))
    found = found.drop_duplicates(list(KEY), keep="last").set_index(list(KEY))
    names = [str(name) for name in found.columns if str(name).startswith("p_") or name in ANSWER_COLUMNS]
    return accepted.join(found[names], on=list(KEY))


def _question(rows: pd.DataFrame) -> pd.Series:
    """What a row asks of the model, and of whom: equal for a row of a folder and the row that was logged of it."""
    texts = [name for name in (*KEY, "patient_id", "lesion_in_case", *CLINICAL) if name != "age"]
    ages = rows["age"].astype("float32").map(str) if "age" in rows else pd.Series("nan", rows.index)
    values = rows.reindex(columns=texts).fillna("").astype(str).assign(age=ages)
    return pd.Series(list(values.itertuples(index=False, name=None)), rows.index, dtype=object)


def _read(pixels: PhotographViews, images: Sequence[str], start: int, stop: int) -> NDArray[np.uint8]:
    return pixels.read(images[start:stop])


def with_answers(
    rows: pd.DataFrame, probabilities: NDArray[np.float64], package: ModelPackage, threshold: float, largest_set: int
) -> pd.DataFrame:
    """The rows with `p_<class>`, `predicted`, the conformal set as `diagnoses`, and `risk`."""
    classes = package.classes
    predicted = package.called(probabilities)
    sets = conformal_sets(probabilities, classes, threshold)
    risks = [
        risk_level(called, found, abstains(found, largest_set)).value
        for called, found in zip(predicted, sets, strict=True)
    ]
    # As precise as the log keeps them, so that a page drawn now and one drawn from the log are the same
    columns: dict[str, object] = {
        f"p_{name}": probabilities[:, place].astype(np.float32) for place, name in enumerate(classes)
    }
    columns |= {"predicted": predicted, "diagnoses": [" ".join(found) for found in sets], "risk": risks}
    others = rows.drop(columns=[name for name in rows if name in columns])
    return pd.concat([others, pd.DataFrame(columns, rows.index)], axis=1)  # `assign` adds one column after the other


def calibrated_validation(package: ModelPackage) -> NDArray[np.float64]:
    """The package's validation probabilities at its temperature, [N, C] in the order of its classes."""
    uncalibrated = package.validation[[f"p_{name}" for name in package.classes]]
    return apply_temperature(log_probabilities(uncalibrated), package.temperature)


def validation_threshold(package: ModelPackage, coverage: float) -> float:
    """The conformal threshold from the package's validation photographs; 0 where it has none."""
    known = package.validation["diagnosis"].isin(package.classes).to_numpy()
    if not known.any():
        return 0.0
    labels = [package.classes.index(name) for name in package.validation["diagnosis"][known]]
    return conformal_threshold(calibrated_validation(package)[known], labels, coverage)
