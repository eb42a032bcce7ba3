"""A candidate scores the logged referrals of the last months before it is judged: what would it have sorted otherwise?

No evidence: most of these cases have no diagnosis, the others were chosen by whoever confirmed them, and from some of
the patients the candidate has learnt since. It shows a doctor which cases an update is about.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.config import Params
from dermai.data.cases import photograph_path
from dermai.errors import InvalidCases
from dermai.models.inference import predict_probabilities
from dermai.models.package import ModelPackage
from dermai.models.package_network import model_pixels
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.shadow_evidence import learnt_patients
from dermai.records.referral_replay import ConfirmedCases, ReferralReplay, ReplayedCases
from dermai.taxonomy import RiskLevel
from dermai.triage.logged_referrals import LoggedReferrals, logged_referrals
from dermai.triage.risk import RANK
from dermai.triage.scoring import triage_folder, validation_threshold, with_answers
from dermai.triage.worklist import UNKNOWN_SITE
from dermai.workspace import Workspace

NOT_DECODED = "the photograph cannot be decoded, or is not the one that it was"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """What one version says of a case: by its most urgent photograph."""

    risk: str
    called: str
    probability: float
    version: str = ""  # empty for the candidate

    @property
    def place(self) -> int:
        """0 for the most urgent level."""
        return RANK[self.risk]


@dataclass(frozen=True)
class ReplayedCase:
    """A logged case, as it was answered and as the candidate answers. `cancer` is the confirmed gated class, or ""."""

    case_id: str
    site: str
    referred_at: datetime
    images: tuple[str, ...]
    before: Answered
    after: Answered
    shown: str  # the level under which the worklist had it; cautions raise that of the model
    second_reading: bool
    diagnosis: str
    confirmed_by: str
    cancer: str
    learnt: bool

    @property
    def kind(self) -> str:
        """What became of it, in a name of `KINDS`; empty where nothing is to be shown."""
        normal = RANK[RiskLevel.NORMAL]
        if self.after.place > self.before.place:
            return "newly normal" if self.after.place == normal else "less urgent"
        if self.after.place < self.before.place:
            return "no longer normal" if self.before.place == normal else "more urgent"
        return "missed by both" if self.cancer and self.after.place == normal else ""


# In the order in which a doctor looks at them
KINDS = ("newly normal", "missed by both", "less urgent", "no longer normal", "more urgent")


@dataclass(frozen=True)
class Replayed:
    """The counts, each case, and why the candidate failed on some photographs (by the photograph's name)."""

    counts: ReferralReplay
    cases: tuple[ReplayedCase, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


def replay(workspace: Workspace, params: Params, package: ModelPackage, progress: bool = False) -> Replayed:
    """Score the logged referrals of the last months and compare; says why where there is nothing to score.

    What a network of linear heads sees is kept by photograph, so that a run that was killed goes on where it was.

    Raises:
        AuditLogDamaged: the audit log, which names each part with diagnoses, does not verify.
    """
    asked = params.triage.replay
    if not (asked.months and asked.most_cases):
        return Replayed(ReferralReplay(months=asked.months, none="`triage.replay` switches it off"))
    log = PredictionLog.of(workspace)
    logged = logged_referrals(log, asked.months, asked.most_cases, params.gate.gated_classes)
    counts = ReferralReplay(
        months=asked.months,
        since=logged.since.to_pydatetime() if logged.since is not None else None,
        in_months=logged.in_months,
        hidden=logged.hidden,
        unanswered=logged.unanswered,
    )
    if not logged.in_months:
        return Replayed(counts.model_copy(update={"none": "none is logged"}))
    if logged.photographs.empty:
        return Replayed(counts.model_copy(update={"none": "no champion's answer may be compared yet"}))
    rows, gone = _kept(logged.photographs, triage_folder(workspace))
    counts = counts.model_copy(update={"not_kept": gone})
    if rows.empty:
        return Replayed(counts.model_copy(update={"none": "their photographs are not kept any more"}))
    probabilities, failures = _probabilities(package, rows, workspace, progress)
    failed = set(rows["case_id"][rows["image"].isin(failures)])
    answered = ~rows["case_id"].isin(failed).to_numpy()
    threshold = validation_threshold(package, params.triage.conformal_coverage)
    new = with_answers(
        rows.loc[answered, ["image"]], probabilities[answered], package, threshold, params.triage.largest_set
    )
    cases = _compared(rows[answered], new, logged, learnt_patients([package]))
    counts = counts.model_copy(
        update={
            "failed": len(failed),
            "versions": tuple(sorted(set(rows["model_version"]))),
            "not_learnt": _counted([case for case in cases if not case.learnt]),
            "learnt": _counted([case for case in cases if case.learnt]),
        }
    )
    return Replayed(counts, cases, failures)


def _kept(rows: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, int]:
    """The photographs of cases that still have all of theirs, and how many cases do not."""
    there = {image: photograph_path(folder, image).is_file() for image in set(rows["image"])}
    gone = set(rows["case_id"][~rows["image"].map(there)])
    return rows[~rows["case_id"].isin(gone)].reset_index(drop=True), len(gone)


def _probabilities(
    package: ModelPackage, rows: pd.DataFrame, workspace: Workspace, progress: bool
) -> tuple[NDArray[np.float64], dict[str, str]]:
    """The candidate's probabilities [N, C], and why it failed on some photographs: theirs are not numbers."""
    folder, cache = triage_folder(workspace), workspace.cache
    found = np.full((len(rows), len(package.classes)), np.nan)
    failures: dict[str, str] = {}
    pixels, images = model_pixels(package, cache), list(dict.fromkeys(rows["image"]))
    try:
        pixels.fill(images, folder)
    except InvalidCases:
        for image in images:
            try:
                pixels.fill([image], folder)
            except InvalidCases:
                failures[image] = NOT_DECODED
    good = np.flatnonzero(~rows["image"].isin(failures).to_numpy())

    def predict(places: NDArray[np.int_], bar: bool) -> None:
        few = rows.iloc[places]
        found[places] = predict_probabilities(package, list(few["image"]), folder, cache, bar, few)

    try:
        if len(good):
            predict(good, progress)
    except Exception as error:  # whatever a network does with a photograph, the update goes on
        logger.warning("the candidate failed on a logged referral (%s): each is tried alone", error)
        for place in good:
            try:
                predict(np.array([place]), False)
            except Exception as error:
                failures[rows["image"].iloc[place]] = f"{type(error).__name__}: {error}"
    for place in good:
        if not np.isfinite(found[place]).all():
            failures.setdefault(rows["image"].iloc[place], "its answer is no number")
    return found, failures


def _compared(
    rows: pd.DataFrame, new: pd.DataFrame, logged: LoggedReferrals, learnt: set[str]
) -> tuple[ReplayedCase, ...]:
    """A case each, in the order in which a doctor looks at them."""
    cases = []
    for case_id, photographs in rows.groupby("case_id", sort=False):
        known = logged.cases.loc[case_id]
        first = photographs.iloc[0]
        cases.append(
            ReplayedCase(
                case_id=str(case_id),
                site=str(first["site"]) or UNKNOWN_SITE,
                referred_at=known["referred_at"].to_pydatetime(),
                images=tuple(photographs["image"]),
                before=_most_urgent(photographs),
                after=_most_urgent(new.loc[photographs.index]),
                shown=str(known["shown"]),
                second_reading=bool(known["second_reading"]),
                diagnosis=str(known["diagnosis"]),
                confirmed_by=str(known["confirmed_by"]),
                cancer=str(known["cancer"]),
                learnt=bool(photographs["patient_id"].isin(learnt).any()),
            )
        )
    return tuple(sorted(cases, key=_order))


def _order(case: ReplayedCase) -> tuple[int, bool, bool, int, str]:
    kind = KINDS.index(case.kind) if case.kind else len(KINDS)
    return kind, not case.cancer, case.learnt, case.before.place, case.case_id


def _most_urgent(rows: pd.DataFrame) -> Answered:
    """What is said of the most urgent photograph; of equal ones of that with the surest answer."""
    surest = [float(row[f"p_{row['predicted']}"]) for _, row in rows.iterrows()]
    ordered = rows.assign(_place=rows["risk"].map(RANK), _surest=surest)
    first = ordered.sort_values(["_place", "_surest"], ascending=[True, False], kind="stable").iloc[0]
    version = str(first.get("model_version", ""))
    return Answered(str(first["risk"]), str(first["predicted"]), float(first["_surest"]), version)


def _counted(cases: list[ReplayedCase]) -> ReplayedCases:
    moves: dict[str, dict[str, int]] = {}
    confirmed: dict[str, dict[str, int]] = {}
    for case in cases:
        row = moves.setdefault(case.before.risk, {})
        row[case.after.risk] = row.get(case.after.risk, 0) + 1
        if case.cancer:
            kind = _found(case)
            of_class = confirmed.setdefault(case.cancer, {})
            of_class[kind] = of_class.get(kind, 0) + 1
    return ReplayedCases(
        moves={level: moves[level] for level in RANK if level in moves},
        confirmed={code: ConfirmedCases(**confirmed[code]) for code in sorted(confirmed)},
    )


def _found(case: ReplayedCase) -> str:
    """A field of `ConfirmedCases`: what is sorted to be read is found."""
    before, after = (answer.risk != RiskLevel.NORMAL for answer in (case.before, case.after))
    if before:
        return "found_by_both" if after else "newly_missed"
    return "newly_found" if after else "missed_by_both"
