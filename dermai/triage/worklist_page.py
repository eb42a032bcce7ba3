"""The page a dermatologist works from, and the lists beside the worklist: to photograph again, set aside, confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.data.cases import photograph_path
from dermai.data.tables import csv_text
from dermai.files import write_text
from dermai.report.overlay import heat_overlay
from dermai.report.pages import render_page
from dermai.report.thumbnails import thumbnail
from dermai.triage.outcomes import Outcomes
from dermai.triage.risk import ORDER
from dermai.triage.scorers import Scorers
from dermai.triage.worklist import WorklistCase

RETAKE_COLUMNS = ("case_id", "site", "device", "reason", "on_worklist")
SET_ASIDE_COLUMNS = ("case_id", "line", "site", "reason")
CONFIRMED_COLUMNS = ("case_id", "lesion_id", "site", "diagnosis", "confirmed_by", "recorded_at")


@dataclass(frozen=True)
class CaseLists:
    """Everything that was handed in, by what becomes of it.

    `retakes` has a row a photograph to take again, with `on_worklist` where another one of its case is good
    enough; `set_aside` a row a line of the table; `confirmed` a row a lesion of a case with a recorded diagnosis.
    """

    worklist: Sequence[WorklistCase]
    retakes: pd.DataFrame
    set_aside: pd.DataFrame
    confirmed: pd.DataFrame
    outcomes: Outcomes


def write_side_lists(folder: Path, lists: CaseLists) -> None:
    """`retakes.csv`, `set_aside.csv` and `confirmed.csv`, in pseudonyms; a header alone where nothing is on them."""
    retakes = lists.retakes.assign(on_worklist=lists.retakes["on_worklist"].map({True: "yes", False: "no"}))
    for name, table, columns in (
        ("retakes", retakes, RETAKE_COLUMNS),
        ("set_aside", lists.set_aside, SET_ASIDE_COLUMNS),
        ("confirmed", lists.confirmed, CONFIRMED_COLUMNS),
    ):
        write_text(folder / f"{name}.csv", csv_text(table.reindex(columns=list(columns))))


def write_worklist_page(
    path: Path,
    lists: CaseLists,
    heat: Mapping[tuple[str, str], NDArray[np.float32]],
    photographs: Path,
    scorers: Scorers,
    when: datetime,
    coverage: float,
    notes: Sequence[str] = (),
    cautions: Sequence[str] = (),
) -> None:
    """The page, in the language that is spoken; `cautions` are those that hold for all of its answers.

    `heat` holds the maps of what the cases explain (`WorklistCase.explained`), where there are any.
    """
    cases = lists.worklist
    plain = {image: thumbnail(photograph_path(photographs, image)) for case in cases for image in case.images[:4]}
    crop = scorers.champion.package.crop if scorers.champion else "none"
    shown = {case.explained for case in cases if case.explained}
    maps = {pair: heat_overlay(photograph_path(photographs, pair[0]), heat[pair], crop) for pair in shown & heat.keys()}
    page = render_page(
        "worklist.html",
        cases=cases,
        counts={level.value: sum(case.risk == level.value for case in cases) for level in ORDER},
        abstained=sum(case.abstained for case in cases),
        without_answer=sum(case.without_answer for case in cases),
        mixed_up=sum(bool(case.warnings) for case in cases),
        outcomes=lists.outcomes,
        retakes=lists.retakes[["case_id", "site", "reason", "on_worklist"]].to_dict("records"),
        set_aside=lists.set_aside[["case_id", "line", "site", "reason"]].to_dict("records"),
        confirmed=lists.confirmed[["case_id", "lesion_id", "site", "diagnosis"]].to_dict("records"),
        plain=plain,
        maps=maps,
        notes=notes,
        cautions=cautions,
        model_version=scorers.champion.version if scorers.champion else "",
        withheld=scorers.withheld,
        provisional=scorers.provisional,
        when=when,
        coverage=coverage,
        simulated=any(case.site.startswith("simulated") for case in cases),
    )
    write_text(path, page)
