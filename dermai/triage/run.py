"""One triage of a folder: door, champion, challenger and anchor in shadow, prediction log, worklist."""

from __future__ import annotations

import errno
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.errors import DermaiError, InvalidParams
from dermai.files import write_json
from dermai.models.package import ModelPackage
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import record_retakes
from dermai.registry.registry import ANCHOR, CHALLENGER, CHAMPION, Registry
from dermai.taxonomy import RiskLevel
from dermai.triage.heat_maps import heat_maps
from dermai.triage.referrals import read_referrals
from dermai.triage.scoring import ScoringModel, admit, pixel_caches, score, triage_folder
from dermai.triage.worklist import WorklistCase, worklist_cases, write_worklist_csv, write_worklist_page
from dermai.workspace import Workspace


class TriageSummary(BaseModel):
    """What a triage did."""

    model_config = ConfigDict(frozen=True)

    model_version: str
    challenger_version: str = ""
    photographs: int
    scored_now: int
    retakes: int
    cases: int
    high_priority: int
    abstained: int
    worklist: str
    page: str


def scoring_models(workspace: Workspace, params: Params) -> list[ScoringModel]:
    """The champion; where a challenger scores in shadow, that too, and the anchor it must not fall behind.

    Raises:
        DermaiError: there is no champion yet.
    """
    registry = Registry(workspace, params)
    shadow = params.triage.challenger_in_shadow and registry.by_alias(CHALLENGER) is not None
    found: list[ScoringModel] = []
    for alias in (CHAMPION, CHALLENGER, ANCHOR) if shadow else (CHAMPION,):
        version = registry.by_alias(alias)
        if version is not None and version.version not in {model.version for model in found}:
            package = ModelPackage.load(registry.download(version.version))
            found.append(ScoringModel(version.version, alias, package))
    if not found or found[0].role != CHAMPION:
        raise DermaiError("there is no champion to triage with: run `zenml pipeline run incremental_finetune` first")
    return found


def received_time(received_on: str) -> datetime:
    """Midnight UTC of a day such as 2026-03-01; now where it is empty.

    Raises:
        InvalidParams: it is no such day.
    """
    if not received_on:
        return datetime.now(UTC)
    try:
        return datetime.strptime(received_on, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidParams(f"received_on is {received_on!r}, not a day such as 2026-03-01") from None


def run_triage(
    workspace: Workspace, params: Params, folder: Path, output: Path, received: datetime, progress: bool = False
) -> TriageSummary:
    """Score a folder of referrals, log it, and write worklist.csv and worklist.html below `output`.

    Run again it scores nothing twice and writes the same worklist; killed, it goes on where it was.

    Raises:
        InvalidCases: the folder holds no usable case table.
        PredictionLogError: the log cannot be written.
        DermaiError: there is no champion yet, or the disk is full.
    """
    try:
        return _run_triage(workspace, params, folder, output, received, progress)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DermaiError(
            f"the disk is full ({error.filename or workspace.state}): free it and triage {folder} again; "
            "every photograph that was logged stays logged"
        ) from error


def _run_triage(
    workspace: Workspace, params: Params, folder: Path, output: Path, received: datetime, progress: bool
) -> TriageSummary:
    models = scoring_models(workspace, params)
    champion = models[0]
    log = PredictionLog(workspace.prediction_log)
    referrals = read_referrals(folder, load_pseudonyms(workspace))
    door = admit(folder, referrals, workspace, params, progress, pixel_caches(workspace, models))
    record_retakes(log, door.retakes, received)
    accepted = set(door.accepted.get("image", ()))
    heat: dict[str, NDArray[np.float32]] = {}
    scored_now = 0
    for model in models:
        already = log.images(model.version, accepted)
        wanted = heat if model is champion and params.triage.heat_maps else None
        count = score(model, door.accepted, already, log.append, workspace, params, received, progress, wanted)
        scored_now += count if model is champion else 0
    rows = log.read(champion.version, only=("image", accepted)).table
    cases = worklist_cases(rows, params.triage.largest_set)
    if params.triage.heat_maps:
        heat = _heat_maps(champion, cases, rows, workspace, heat)
    write_worklist_csv(output / "worklist.csv", cases)
    write_worklist_page(
        output / "worklist.html",
        cases,
        door.retakes,
        heat,
        triage_folder(workspace),
        champion.version,
        received,
        params.triage.conformal_coverage,
        champion.package.crop,
    )
    summary = TriageSummary(
        model_version=champion.version,
        challenger_version=models[1].version if len(models) > 1 else "",
        photographs=len(referrals),
        scored_now=scored_now,
        retakes=len(door.retakes),
        cases=len(cases),
        high_priority=sum(case.risk == RiskLevel.HIGH_PRIORITY for case in cases),
        abstained=sum(case.abstained for case in cases),
        worklist=str(output / "worklist.csv"),
        page=str(output / "worklist.html"),
    )
    write_json(output / "triage.json", summary.model_dump())
    return summary


def _heat_maps(
    champion: ScoringModel,
    cases: list[WorklistCase],
    rows: pd.DataFrame,
    workspace: Workspace,
    known: dict[str, NDArray[np.float32]],
) -> dict[str, NDArray[np.float32]]:
    """Maps of the first photograph of each case that is not normal; those scored by an earlier run are made here."""
    from dermai.models.inference import model_pixels

    package = champion.package
    shown = [case.images[0] for case in cases if case.risk != RiskLevel.NORMAL]
    images = [image for image in shown if image not in known]
    if images:
        called = rows.set_index("image")["predicted"]
        pixels = model_pixels(package, workspace.cache)
        pixels.fill(images, triage_folder(workspace))
        found = heat_maps(package, pixels.read(images), [package.classes.index(called[image]) for image in images])
        known = known | dict(zip(images, found, strict=True))
    return {image: known[image] for image in shown}
