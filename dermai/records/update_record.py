"""What an attempt to update the model leaves behind, promoted or not: the fields regulators ask for."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from operator import not_
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WrapSerializer

from dermai.audit.event import Event
from dermai.continual.relabelling import Relabelling
from dermai.data.test_labels import LabelChange
from dermai.errors import DermaiError
from dermai.evaluation.comparison import ModelEvaluation
from dermai.files import sha256_file, sha256_json
from dermai.gate.findings import GateDecision, Outcome
from dermai.gate.ledger import AccountStatus, Use
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.records.referral_replay import ReferralReplay
from dermai.registry.champion import ModelReference
from dermai.training.summary import TrainingSummary
from dermai.workspace import Workspace, code_version

if TYPE_CHECKING:
    import pandas as pd

    from dermai.gate.judgement import Judgement

TRIGGER_VARIABLE, EVIDENCE_VARIABLE = "DERMAI_TRIGGER", "DERMAI_TRIGGER_EVIDENCE"
COUNTED = ("diagnosis", "source", "site", "device", "skin_type", "sex")


class RecordPart(BaseModel):
    """A part of a record: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trigger(RecordPart):
    """Why the attempt was made."""

    kind: Literal["manual", "schedule", "new_data", "drift", "withdrawal"] = "manual"
    evidence: str = ""


def trigger() -> Trigger:
    """What `DERMAI_TRIGGER` and `DERMAI_TRIGGER_EVIDENCE` say: a workflow sets them, a person has no need to.

    Raises:
        DermaiError: there is no such kind of trigger.
    """
    kind = os.environ.get(TRIGGER_VARIABLE) or "manual"
    if kind not in get_args(Trigger.model_fields["kind"].annotation):
        raise DermaiError(f"{TRIGGER_VARIABLE} is {kind}: it may be manual, schedule, new_data, drift or withdrawal")
    return Trigger.model_validate({"kind": kind, "evidence": os.environ.get(EVIDENCE_VARIABLE, "")})


class PhotographSet(RecordPart):
    """One set of photographs: a hash of their names, and counts of what they show. Unknown counts under ""."""

    sha256: str
    photographs: int
    lesions: int
    patients: int
    counts: dict[str, dict[str, int]]


class DatasetRecord(RecordPart):
    """The data of an attempt; `sets` by role: train, new, replay, validation, test, removed.

    `relabelled` says from which diagnosis to which cases went since the champion learnt them. `test_labels` is the hash
    of the table of test labels, and `test_changes` what changed in it since the attempt before.
    """

    version: str
    dirty_reason: str = ""
    sets: dict[str, PhotographSet] = Field(default_factory=dict)
    leakage: tuple[str, ...] = ()  # what the leakage check found; nothing found is empty
    relabelled: tuple[Relabelling, ...] = Field((), exclude_if=not_)
    test_labels: str = Field("", exclude_if=not_)
    test_changes: tuple[LabelChange, ...] = Field((), exclude_if=not_)

    @property
    def is_simulated(self) -> bool:
        """Whether photographs are drawn by a program."""
        return any(site.startswith("simulated") for part in self.sets.values() for site in part.counts.get("site", {}))


class CodeRecord(RecordPart):
    """The code, its locked dependencies and the machine."""

    commit: str
    dirty: bool
    lock_sha256: str
    python: str
    hardware: dict[str, str]


class TestSetRecord(RecordPart):
    """What a use of the test patients spent of their error budget, and what is left of each account."""

    __test__ = False  # pytest takes a class of this name for tests

    use: Use
    repeated: bool
    accounts: tuple[AccountStatus, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, judgement: Judgement) -> TestSetRecord:
        """The account of a decision."""
        return cls(use=judgement.use, repeated=judgement.repeated, accounts=judgement.accounts, notes=judgement.notes)


class ChampionJudgedAgain(RecordPart):
    """The champion's floors, and its comparison with the anchor, on test patients whose labels have changed.

    It promotes nothing and moves nothing, so that it spends nothing of the error budget.
    """

    champion: ModelReference
    decision: GateDecision

    @property
    def sentence(self) -> str:
        """What was found, in a sentence."""
        found = {
            "promote": "still shows what the gate asks for",
            "reject": "falls short of what the gate asks for",
            "insufficient_evidence": "no longer shows all that the gate asks for",
        }[self.decision.outcome]
        return f"Champion {self.champion.version}, judged again on the changed test labels, {found}."


def _none_where_empty(value: Any) -> Any:
    return None if value == {} else value


def _empty_where_none(value: Any, write: Callable[[Any], Any]) -> Any:
    return {} if value is None else write(value)


# A part that an attempt does not have is {} in its line.
_READ, _WRITE = BeforeValidator(_none_where_empty), WrapSerializer(_empty_where_none)


class UpdateRecord(Event):
    """One attempt. `champion` is the model the candidate was compared with, the target of a later rollback too.

    `decision` is the gate's own account: the paired table of each class, estimates, bounds, p-values, subgroups.
    `evaluation` is by role: candidate, champion, anchor. `taken_back` is by role, too: how many photographs a compared
    model learnt from, or was chosen by, that it may not any more. It only judges: nothing is trained on from it.
    """

    attempt: str
    trigger: Trigger = Trigger()
    champion: ModelReference | None = None
    anchor: ModelReference | None = None
    candidate: ModelReference | None = None
    taken_back: dict[str, int] = Field({}, exclude_if=not_)
    dataset: DatasetRecord
    code: CodeRecord
    seed: int
    params_sha256: str
    profile: str = Field("", exclude_if=not_)
    overrides: dict[str, JsonValue] = Field({}, exclude_if=not_)  # laid over params.yaml, the profile's values too
    policy: RecordedPolicy
    policy_sha256: str
    outcome: Outcome | None = None
    reasons: tuple[str, ...] = ()
    decision: Annotated[GateDecision | None, _READ, _WRITE] = None
    test_set: Annotated[TestSetRecord | None, _READ, _WRITE] = None
    champion_again: ChampionJudgedAgain | None = Field(None, exclude_if=not_)
    referral_replay: ReferralReplay | None = Field(None, exclude_if=not_)
    evaluation: dict[str, ModelEvaluation] = Field(default_factory=dict)
    training: Annotated[TrainingSummary | None, _READ, _WRITE] = None
    speed: str = Field("", exclude_if=not_)  # of an update with linear heads, as planned: fast or slow
    speed_reason: str = Field("", exclude_if=not_)
    change_note: str = ""
    runs: dict[str, str] = Field(default_factory=dict)
    report: str = ""


class UpdateAttempt(UpdateRecord):
    """An attempt that made a candidate, and what the gate decided on it."""

    event: Literal["update_attempt"] = "update_attempt"
    candidate: ModelReference
    outcome: Outcome
    served_sha256: str = Field("", exclude_if=not_)  # of what `mlflow models serve` runs; older releases kept none

    @property
    def waits(self) -> bool:
        """Whether the candidate waits for more evidence, or for a person's approval."""
        return self.outcome == "insufficient_evidence" or (self.outcome == "promote" and self.policy.needs_a_person)


class NothingNew(UpdateRecord):
    """An attempt that found nothing to learn."""

    event: Literal["nothing_new"] = "nothing_new"


def describe_photographs(cases: pd.DataFrame) -> PhotographSet:
    """Count the rows of a case table by diagnosis, source, site, device, skin type and sex.

    The hash covers the image names in sorted order, so it does not depend on the table's order.
    """
    columns = [name for name in COUNTED if name in cases.columns]
    return PhotographSet(
        sha256=sha256_json(sorted(cases["image"])),
        photographs=len(cases),
        lesions=int(cases["lesion_id"].nunique()),
        patients=int(cases["patient_id"].nunique()),
        counts={name: {str(key): int(n) for key, n in cases[name].value_counts().items()} for name in columns},
    )


def describe_code(workspace: Workspace) -> CodeRecord:
    """Commit, lock file and machine of this process."""
    version = code_version(workspace)
    lock = workspace.root / "requirements.txt"
    return CodeRecord(
        commit=version.commit,
        dirty=version.dirty,
        lock_sha256=sha256_file(lock) if lock.is_file() else "",
        python=platform.python_version(),
        hardware={"system": platform.platform(), "cores": str(os.cpu_count()), "accelerator": _accelerator()},
    )


def _accelerator() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
