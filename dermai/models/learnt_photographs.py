"""The photographs that a package learnt, summarised by how they look."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.data.cases import photograph_path
from dermai.models.backbones import BUNDLED_BACKBONE
from dermai.models.familiarity import FEWEST, Familiarity, fit_familiarity
from dermai.models.reference_backbone import APPEARANCE, appearance, embed, kept_appearance

MOST_OF_A_GROUP = 1000  # photographs: more make a group's directions no truer, and take minutes
POOLED_FEATURES = 1280  # in summaries of earlier releases
SUMMARIES = "appearance"  # folder in the cache: of packages that have none of their own


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
        appearance(list(drawn["image"]), data_folder, cache),
        list(drawn["group"]),
        list(drawn["patient_id"]),
        false_flags,
        list(known["view"]),
        list(known["site"]),
        APPEARANCE,
    )


def familiarity_features(
    familiarity: Familiarity, images: Sequence[str], data_folder: Path, cache: Path
) -> NDArray[np.float32]:
    """What a summary asks of photographs, [N, `familiarity.width`]: their appearance, of an earlier release `embed`."""
    if familiarity.width == POOLED_FEATURES:
        return embed(images, data_folder, cache).astype(np.float32)
    return appearance(images, data_folder, cache)


def forget_features(cache: Path, images: Sequence[str]) -> None:
    """Remove photographs from what is kept of them, and summaries that were made with them: consent was withdrawn."""
    if images and (cache / "features").is_dir():
        kept_appearance(cache).forget(images)
        shutil.rmtree(cache / SUMMARIES, ignore_errors=True)
        for file in (cache / "features").glob(f"{BUNDLED_BACKBONE}.*"):  # of earlier releases
            file.unlink()
