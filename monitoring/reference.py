"""What the champion knows: photographs that it answered without having learnt them, as windows are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dermai.config import Params
from dermai.data.cases import parse_cases, photograph_path
from dermai.data.sender_numbers import SOURCE
from dermai.errors import DermaiError
from dermai.files import write_bytes
from dermai.images.acquisition import acquisition_properties
from dermai.language.messages import message
from dermai.models.package import ModelPackage
from dermai.triage.scoring import calibrated_validation
from dermai.workspace import Workspace
from monitoring.statistics.photographs import ScoredPhotographs

CLINICAL = ("view", "age", "sex", "body_site", "skin_type", "device")


@dataclass(frozen=True)
class ReferenceSet:
    """`own` are those that the service itself took, which windows are compared with; `known` are all of the same views.

    `note` says where there were too few of the service's own.
    """

    own: ScoredPhotographs
    known: ScoredPhotographs
    note: str = ""


def load_reference(workspace: Workspace, params: Params, package: ModelPackage) -> ReferenceSet:
    """Photographs that the champion's answers were held out for, measured once for each model and kept in the cache.

    Raises:
        DermaiError: the package or the data folder holds none of them.
        InvalidCases: the case table cannot be read.
    """
    table = _validation_table(workspace, package)
    here = [photograph_path(workspace.data, image).is_file() for image in table["image"]]
    gone = len(table) - sum(here)
    table = table[here].reset_index(drop=True)
    if table.empty:
        raise DermaiError("none of the champion's reference photographs is in the data folder: run `dvc pull`")
    everything = _measured(workspace, package, table)
    own = np.flatnonzero(everything.table["source"] == SOURCE)
    note = message("%(count)s reference photographs are no longer in the dataset.", count=gone) + " " if gone else ""
    if everything.table["patient_id"].iloc[own].nunique() < params.monitoring.fewest_patients:
        note += message(
            "The champion was validated on too few photographs of the service itself; all sources stand in for them."
        )
        return ReferenceSet(everything, everything, note.strip())
    views = set(everything.table["view"].iloc[own])
    known = np.flatnonzero(everything.table["view"].isin(views))
    return ReferenceSet(everything.rows(own), everything.rows(known), note.strip())


def _validation_table(workspace: Workspace, package: ModelPackage) -> pd.DataFrame:
    probabilities = calibrated_validation(package)
    scores = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in package.classes])
    scores = scores.assign(image=package.validation["image"].to_numpy(), predicted=package.called(probabilities))
    if "fold" in package.validation:  # every photograph has an answer: one fold of them is as many as ever
        folds = package.validation["fold"].to_numpy()
        scores = scores[folds == folds.min()] if len(folds) else scores
    manifest = package.manifest.drop(columns="split").drop_duplicates("image")
    cases = parse_cases(workspace.cases_file)[["image", *CLINICAL]].drop_duplicates("image")
    table = manifest.merge(scores, on="image").merge(cases, on="image")
    return table.assign(age=pd.to_numeric(table["age"], errors="coerce"))


def _measured(workspace: Workspace, package: ModelPackage, table: pd.DataFrame) -> ScoredPhotographs:
    from PIL import Image

    from dermai.models.reference_backbone import embed

    folder = workspace.cache / "reference" / package.sha256[:32]
    kept = folder / "properties.csv", folder / "embeddings.npy"
    images = list(table["image"])
    if all(path.is_file() for path in kept):
        properties = pd.read_csv(kept[0], dtype={"image": str})
        if list(properties["image"]) == images:
            return ScoredPhotographs(table.merge(properties, on="image"), np.load(kept[1], allow_pickle=False))
    rows = []
    for image in images:
        with Image.open(photograph_path(workspace.data, image)) as photograph:
            rows.append({"image": image, **acquisition_properties(np.asarray(photograph.convert("RGB")))})
    properties = pd.DataFrame(rows)
    embeddings = embed(images, workspace.data, workspace.cache).astype(np.float16).astype(np.float32)
    write_bytes(kept[0], properties.to_csv(index=False).encode("ascii"))
    _write_array(kept[1], embeddings)
    return ScoredPhotographs(table.merge(properties, on="image"), embeddings)


def _write_array(path: Path, values: np.ndarray) -> None:
    import io

    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
