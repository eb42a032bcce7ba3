"""Acknowledged referrals into the prediction log, as a triage of a folder logs its own."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from dermai.config import Params
from dermai.data.pseudonyms import Pseudonyms
from dermai.images.acquisition import ACQUISITION
from dermai.inbox.entries import AnsweredReferral, Inbox, judged_once
from dermai.inbox.sent import Row
from dermai.prediction_log.log import Append, PredictionLog
from dermai.prediction_log.retakes import record_retakes
from dermai.registry.versions import CHAMPION
from dermai.triage.cautions import Cautions
from dermai.triage.run import alone
from dermai.triage.scorers import find_scorers
from dermai.triage.scoring import ANSWER_COLUMNS, ScoringModel, score, unscored
from dermai.triage.second_reading import record_draws
from dermai.triage.unanswered import log_without_answers
from dermai.triage.worklist import worklist_cases
from dermai.workspace import Workspace

logger = logging.getLogger(__name__)
PLACE = "place"  # column: where a photograph's embedding stands among those of its group


@dataclass(frozen=True)
class _Group:
    """Referrals of different cases that one version answered, or none ("")."""

    version: str
    entries: tuple[AnsweredReferral, ...]

    @property
    def received(self) -> datetime:
        return self.entries[0].received

    @cached_property
    def photographs(self) -> pd.DataFrame:
        """Those that can be judged, with what was answered, as a triage admits them."""
        rows: list[Row] = []
        for entry in self.entries:
            rows += judged_rows(entry)
        table = _table(rows)
        return table.assign(**{PLACE: np.arange(len(table))})


def file_waiting(workspace: Workspace, params: Params, pseudonyms: Pseudonyms) -> int:
    """Log what waits in the inbox, and how it was sorted; returns how many referrals that were.

    What the warm model answered is logged as it was answered. A challenger scores the same photographs in shadow, and
    whatever has no answer is scored, or logged without one, as in a triage of a folder. Killed in the middle, it is
    done again, and nothing is logged twice.

    One that cannot be filed though the others can is set aside alone, for a person to see to.

    Raises:
        DermaiError: the records, the registry or the disk are not in order; nothing is lost, the referrals wait on.
    """
    inbox = Inbox.of(workspace)
    with alone(workspace):
        entries = inbox.waiting()
        if not entries:
            return 0
        models = find_scorers(workspace, params).models
        try:
            _file(entries, models, workspace, params, pseudonyms)
            return len(entries)
        except Exception:  # whatever it is: it may be one referral's fault
            if len(entries) == 1:
                raise
            logger.exception("referrals could not be filed together: each is tried by itself")
        failed: list[tuple[AnsweredReferral, Exception]] = []
        filed = 0
        for entry in entries:
            try:
                _file([entry], models, workspace, params, pseudonyms)
            except Exception as error:
                failed.append((entry, error))
                continue
            filed += 1
            for bad, why in failed:  # disk and records are in order, as this one shows: it is the referral's own fault
                reason = f"it could not be filed ({type(why).__name__}: {why})"
                logger.error("%s is set aside: %s", bad.file_name, reason)
                inbox.set_aside(bad, reason)
            failed.clear()
        if failed:
            raise failed[0][1]
        return filed


def _file(
    entries: Sequence[AnsweredReferral],
    models: Sequence[ScoringModel],
    workspace: Workspace,
    params: Params,
    pseudonyms: Pseudonyms,
) -> None:
    log = PredictionLog.of(workspace)
    for entry in entries:
        if retakes := [row for row in _rows(entry) if row["reason"]]:
            record_retakes(log, _table(retakes), entry.received)
    groups = [group for group in _groups(entries) if len(group.photographs)]
    with log.writing() as append:
        for group in groups:
            _log(group, models, log, append, workspace, params)
    for group in groups:
        if group.version:
            _record_sortings(group, log, params, pseudonyms)
    Inbox.of(workspace).file(entries)


def judged_rows(entry: AnsweredReferral) -> list[Row]:
    """The photographs of a referral that can be judged, each once, with what was answered."""
    judged = judged_once(_rows(entry))
    said = entry.scores.rows if entry.scores else [{} for _ in judged]
    return [{**row, **answer} for row, answer in zip(judged, said, strict=True)]


def _rows(entry: AnsweredReferral) -> list[Row]:
    return [{**row, "file": f"{entry.request}[{number}]"} for number, row in enumerate(entry.rows, 1)]


def _table(rows: Sequence[Row]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    return table.astype({name: "float64" for name in ("age", *ACQUISITION) if name in table})


def _groups(entries: Sequence[AnsweredReferral]) -> Iterator[_Group]:
    """In the order in which a case's referrals came: the later one counts where both have the same photograph."""
    rounds: dict[tuple[int, str], list[AnsweredReferral]] = defaultdict(list)
    seen: dict[str, int] = defaultdict(int)
    for entry in entries:
        rounds[seen[entry.case_id], entry.scores.version if entry.scores else ""].append(entry)
        seen[entry.case_id] += 1
    for (_, version), those in sorted(rounds.items()):
        yield _Group(version, tuple(those))


def _log(
    group: _Group,
    models: Sequence[ScoringModel],
    log: PredictionLog,
    append: Append,
    workspace: Workspace,
    params: Params,
) -> None:
    photographs, received = group.photographs, group.received
    images = set(photographs["image"])
    if group.version:
        new = unscored(photographs, log.read(group.version, only=("image", images)).table, received)
        if len(new):
            vectors = np.concatenate([entry.scores.vectors for entry in group.entries if entry.scores])
            append(new.assign(role=CHAMPION), vectors[new[PLACE].to_numpy()], group.version)
    elif not models:
        log_without_answers(photographs, log, append, workspace, params, received)
    answers = [name for name in map(str, photographs) if name.startswith("p_") or name in ANSWER_COLUMNS]
    bare = photographs.drop(columns=answers)
    for model in models:
        if not group.version or model.role != CHAMPION:
            logged = log.read(model.version, only=("image", images)).table
            score(model, bare, logged, append, workspace, params, received)


def _record_sortings(group: _Group, log: PredictionLog, params: Params, pseudonyms: Pseudonyms) -> None:
    """How the cases were sorted when they were answered, and which were drawn for a second reading."""
    photographs = group.photographs
    said = [entry.scores for entry in group.entries if entry.scores]
    of_run = tuple(dict.fromkeys(sentence for scores in said for sentence in scores.of_run))
    of_photograph = {image: words for scores in said for image, words in scores.cautions.items()}
    cases = worklist_cases(photographs, params.triage.largest_set, cautions=Cautions(of_run, of_photograph))
    patients = dict(zip(photographs["case_id"], photographs["patient_id"], strict=True))
    share = params.triage.second_reading
    record_draws(cases, patients, group.version, share, pseudonyms, log, group.received, photographs)
