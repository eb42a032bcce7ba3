"""One triage of a folder: quality check, champion, challenger and anchor in shadow, prediction log, worklist.

Every case that is handed in is to read, to photograph again, set aside or confirmed already, and is shown as such.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError, InvalidParams
from dermai.files import NO_ROOM, no_room, taking_turns, write_json
from dermai.language.current import speaking
from dermai.models.familiarity import Familiarity
from dermai.models.learnt_photographs import familiarity_features
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import record_retakes
from dermai.prediction_log.sortings import read_sortings
from dermai.promotion.alarms import open_alarms
from dermai.taxonomy import RiskLevel
from dermai.triage.cautions import PROVISIONAL, Cautions
from dermai.triage.heat_maps import heat_maps
from dermai.triage.one_pass import HeatMaps
from dermai.triage.outcomes import confirmed_cases, mixed_up, sort_cases
from dermai.triage.referrals import read_referrals
from dermai.triage.scorers import Scorers, find_scorers
from dermai.triage.scoring import ScoringModel, admit, answered, pixel_caches, score, triage_folder
from dermai.triage.second_reading import no_less_urgent, record_draws
from dermai.triage.unanswered import log_without_answers, without_answers
from dermai.triage.unfamiliar import NOT_KNOWN, UNLIKE, alarm_cautions, cautions_about, known_familiarity
from dermai.triage.worklist import WorklistCase, worklist_cases, write_worklist_csv
from dermai.triage.worklist_page import CaseLists, write_side_lists, write_worklist_page
from dermai.workspace import Workspace

FARTHEST_EAST = timedelta(hours=14)  # of UTC, where a day begins first

logger = logging.getLogger(__name__)


class TriageSummary(BaseModel):
    """What a triage did. `cases` + `retakes` + `set_aside` + `confirmed_before` are the `cases_in`."""

    model_config = ConfigDict(frozen=True)

    folder: str
    received: datetime
    model_version: str  # empty where no model's answers are shown; `withheld` says why
    withheld: str = ""
    provisional_until: date | None = None
    challenger_version: str = ""
    photographs: int
    scored_now: int
    photographs_sent_back: int
    cases_in: int
    cases: int  # on the worklist
    retakes: int  # cases that wait for another photograph
    set_aside: int  # cases that a person must clear up
    confirmed_before: int  # cases whose diagnosis is recorded, so that they are off the worklist
    mixed_up: int  # cases on the worklist that share a photograph or a number with another patient
    high_priority: int
    abstained: int
    cautions: tuple[str, ...] = ()  # what holds for all answers of this run
    unfamiliar: int = 0  # photographs that are unlike those that the model learnt
    second_readings: int = 0  # cases that were sorted as normal and drawn to be read all the same
    with_caution: int = 0  # cases that are read for another reason than the model's answer
    notes: tuple[str, ...]
    worklist: str
    page: str


def received_time(received_on: str) -> datetime:
    """Midnight UTC of a day such as 2026-03-01; now where it is empty.

    Raises:
        InvalidParams: it is no such day, or has not come yet anywhere.
    """
    if not received_on:
        return datetime.now(UTC)
    try:
        received = datetime.strptime(received_on, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidParams(f"received_on is {received_on!r}, not a day such as 2026-03-01") from None
    if received > datetime.now(UTC) + FARTHEST_EAST:
        raise InvalidParams(f"received_on is {received_on}, a day that has not come yet: check it, and the clock")
    return received


def run_triage(
    workspace: Workspace, params: Params, folder: Path, output: Path, received: datetime, progress: bool = False
) -> TriageSummary:
    """Score a folder of referrals, log it, and write worklist.csv and worklist.html below `output`.

    Without a champion that may answer, the same is done without a model's answers: every case is to be read. Run again
    it scores nothing twice and writes the same worklist; killed, it goes on where it was.

    Raises:
        InvalidCases: the folder holds no usable case table.
        PredictionLogError: the log cannot be written.
        DermaiError: the disk is full.
    """
    try:
        with alone(workspace):
            return _run_triage(workspace, params, folder, output, received, progress)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise DermaiError(
            f"{no_room(error, workspace.state)}: make room and triage {folder} again; "
            "every photograph that was logged stays logged"
        ) from error


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """One triage at a time, so that no photograph is scored twice; a second one waits."""
    with taking_turns(workspace.state / "triage.lock", waiting=_waits_for):
        yield


def _waits_for(who: str) -> None:
    logger.warning("another triage runs in this workspace (%s): this one waits and goes on when that has ended", who)


def _run_triage(
    workspace: Workspace, params: Params, folder: Path, output: Path, received: datetime, progress: bool
) -> TriageSummary:
    scorers = find_scorers(workspace, params)
    champion = scorers.champion
    log = PredictionLog.of(workspace)
    pseudonyms = load_pseudonyms(workspace)
    referrals = read_referrals(folder, SenderNumbers(pseudonyms, known=cache(log.pseudonyms)))
    admission = admit(folder, referrals.rows, workspace, params, progress, pixel_caches(workspace, scorers.models))
    record_retakes(log, admission.retakes, received)
    record_retakes(log, referrals.set_aside, received, "set_aside")
    accepted = admission.accepted
    images = set(accepted["image"])
    earlier = log.referred(image=images, case_id=set(accepted["case_id"]))
    heat: HeatMaps = {}
    answers: list[pd.DataFrame] = []
    notes = list(referrals.notes)
    with log.writing() as append:
        for model in scorers.models:
            logged = log.read(model.version, only=("image", images))
            wanted = heat if model is champion and params.triage.heat_maps else None
            scored = score(model, accepted, logged.table, append, workspace, params, received, progress, wanted)
            if model is champion:
                answers = [logged.table, scored]
                if logged.replaced:
                    again = f"{logged.replaced} rows of the prediction log were logged again later"
                    notes.append(f"{again}: the last counts")
        if not scorers.models:
            log_without_answers(accepted, log, append, workspace, params, received, progress)
    rows = without_answers(accepted) if champion is None else answered(accepted, answers)
    confirmations = read_confirmations(log)[0]
    outcomes = sort_cases(
        accepted, admission.retakes, referrals.set_aside, confirmed_cases(accepted, earlier, confirmations)
    )
    warnings, remarks = mixed_up(accepted, earlier)
    for case, said in referrals.remarks.items():
        remarks[case] = [*said, *remarks.get(case, ())]
    rows = rows[rows["case_id"].isin(outcomes.to_read)]
    points = champion.package.operating_points if champion else {}
    cautions = Cautions()
    if champion is not None:
        familiarity = known_familiarity(champion.package, workspace, params.triage.false_flags)
        if familiarity is None:
            notes.append(NOT_KNOWN)
        cautions = _cautions(scorers, accepted, familiarity, workspace, params)
    cases = worklist_cases(rows, params.triage.largest_set, warnings, remarks, points, cautions)
    if champion is not None:
        patients = dict(zip(rows["case_id"], rows["patient_id"], strict=True))
        share = params.triage.second_reading
        cases = record_draws(
            cases, patients, champion.version, share, pseudonyms, log, received, rows, params.triage.hidden
        )
    else:
        cases = no_less_urgent(cases, rows, log, read_sortings(log)[0])
    if champion is not None and params.triage.heat_maps:
        heat = _heat_maps(champion, cases, workspace, heat)
    done = accepted[accepted["case_id"].isin(outcomes.confirmed)].drop_duplicates(["case_id", "lesion_id"])
    lists = CaseLists(
        cases,
        admission.retakes.assign(on_worklist=admission.retakes["case_id"].isin(outcomes.to_read)),
        referrals.set_aside,
        done.merge(confirmations, on=["case_id", "lesion_id"], how="left"),
        outcomes,
    )
    write_worklist_csv(output / "worklist.csv", cases)
    write_side_lists(output, lists)
    with speaking(params.locale.spoken):
        write_worklist_page(
            output / "worklist.html",
            lists,
            heat,
            triage_folder(workspace),
            scorers,
            received,
            params.triage.conformal_coverage,
            notes,
            cautions.of_run,
        )
    summary = TriageSummary(
        folder=_relative(folder, workspace.root),
        received=received,
        model_version=champion.version if champion else "",
        withheld=scorers.withheld,
        provisional_until=scorers.provisional.until if scorers.provisional else None,
        challenger_version=scorers.challenger.version if scorers.challenger else "",
        photographs=len(referrals.rows) + len(referrals.set_aside),
        scored_now=len(answers[1]) if champion else 0,
        photographs_sent_back=len(admission.retakes),
        cases_in=referrals.cases,
        cases=len(cases),
        retakes=len(outcomes.to_photograph_again),
        set_aside=outcomes.set_aside,
        confirmed_before=len(outcomes.confirmed),
        mixed_up=sum(bool(case.warnings) for case in cases),
        high_priority=sum(case.risk == RiskLevel.HIGH_PRIORITY for case in cases),
        abstained=sum(case.abstained for case in cases),
        cautions=cautions.of_run,
        unfamiliar=sum(UNLIKE in cautions.of_photograph.get(image, ()) for image in images),
        second_readings=sum(case.second_reading for case in cases),
        with_caution=sum(bool(case.cautions) for case in cases),
        notes=tuple(notes),
        worklist=_relative(output / "worklist.csv", workspace.root),
        page=_relative(output / "worklist.html", workspace.root),
    )
    write_json(output / "triage.json", summary.model_dump(mode="json"))
    return summary


def _cautions(
    scorers: Scorers, accepted: pd.DataFrame, familiarity: Familiarity | None, workspace: Workspace, params: Params
) -> Cautions:
    """Why answers of this run are not to be trusted, from the champion's standing, open alarms and the photographs."""
    images, folder = list(accepted["image"]), triage_folder(workspace)
    features = familiarity_features(familiarity, images, folder, workspace.cache) if familiarity else None
    found = cautions_about(accepted, features, familiarity, params.triage.batch_level)
    provisional = (PROVISIONAL,) if scorers.provisional else ()
    alarms = alarm_cautions(open_alarms(AuditLog(workspace.audit_log)))
    return Cautions((*provisional, *alarms, *found.of_run), found.of_photograph)


def _relative(path: Path, root: Path) -> str:
    """As seen from the workspace, so that no record tells where on this machine that lies."""
    return os.path.relpath(path, root)


def _heat_maps(champion: ScoringModel, cases: list[WorklistCase], workspace: Workspace, known: HeatMaps) -> HeatMaps:
    """Maps of the photographs and classes that the cases explain; those scored by an earlier run are made here."""
    from dermai.models.package_network import model_pixels

    package = champion.package
    shown = list(dict.fromkeys(case.explained for case in cases if case.explained))
    wanted = [pair for pair in shown if pair not in known]
    if wanted:
        images = [image for image, _ in wanted]
        pixels = model_pixels(package, workspace.cache)
        pixels.fill(images, triage_folder(workspace))
        places = [package.classes.index(called) for _, called in wanted]
        found = heat_maps(package, pixels.read(images), places, champion.network)
        known = known | dict(zip(wanted, found, strict=True))
    return {pair: known[pair] for pair in shown}
