"""The photographs that a package learnt, in the reference backbone's features: each measured once and kept."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.data.cases import photograph_path
from dermai.images.record_file import RecordFile
from dermai.models.backbones import BUNDLED_BACKBONE
from dermai.models.familiarity import FEWEST, Familiarity, fit_familiarity
from dermai.models.inference import embed

MOST_OF_A_GROUP = 1000  # photographs: more make a group's directions no truer, and take minutes
FEATURES = 1280
SUMMARIES = "familiarity"  # folder in the cache: of packages that have none of their own
AT_ONCE = 256  # measured and kept together: a run that is killed goes on after them


def familiarity_of(
    manifest: pd.DataFrame, cases: pd.DataFrame, data_folder: Path, cache: Path, false_flags: float
) -> Familiarity | None:
    """Summarise the photographs of a package's manifest that are in the dataset; None where they are too few.

    No test patient's photograph is among them. `cases` holds the `view` of each. Of a large group `MOST_OF_A_GROUP`
    stand for the whole, drawn by their content.

    Raises:
        InvalidCases: a photograph is damaged.
    """
    views = cases.drop_duplicates("image").set_index("image")["view"]
    known = manifest[manifest["split"].isin(["train", "validation"]) & manifest["image"].isin(views.index)]
    known = known.drop_duplicates("image").sort_values("image")
    known = known.assign(view=known["image"].map(views).astype(str))
    known = known.assign(group=known["source"] + " " + known["view"])
    drawn = known.groupby("group").head(MOST_OF_A_GROUP)
    here = [photograph_path(data_folder, image).is_file() for image in drawn["image"]]
    drawn = drawn[here]
    if len(drawn) < FEWEST:
        return None
    return fit_familiarity(
        reference_features(list(drawn["image"]), data_folder, cache),
        list(drawn["group"]),
        list(drawn["patient_id"]),
        false_flags,
        list(known["view"]),
        list(known["site"]),
    )


def reference_features(images: list[str], data_folder: Path, cache: Path) -> NDArray[np.float32]:
    """What `embed` says of photographs of the dataset, float32 [N, 1280]."""
    kept = _kept_features(cache)
    missing = kept.missing(images)
    for start in range(0, len(missing), AT_ONCE):
        some = missing[start : start + AT_ONCE]
        kept.append(some, embed(some, data_folder, cache).astype(np.float32))
    return np.asarray(kept.read(images))


def forget_features(cache: Path, images: Sequence[str]) -> None:
    """Remove photographs from the kept features, and summaries that were made with them: consent was withdrawn."""
    if images and (cache / "features").is_dir():
        _kept_features(cache).forget(images)
        shutil.rmtree(cache / SUMMARIES, ignore_errors=True)


def _kept_features(cache: Path) -> RecordFile:
    folder = cache / "features"
    folder.mkdir(parents=True, exist_ok=True)
    return RecordFile(folder / BUNDLED_BACKBONE, (FEATURES,), "float32")
