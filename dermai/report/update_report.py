"""What the page of one update run says: what changed, what was trained, how it compares, what was decided and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from dermai.continual.relabelling import Relabelling
from dermai.data.test_labels import LabelChange
from dermai.evaluation.metrics import Evaluation
from dermai.gate.findings import GateDecision
from dermai.records.referral_replay import ReferralReplay
from dermai.records.update_record import ChampionJudgedAgain
from dermai.validation.result import ValidationResult

Status = Literal["promote", "reject", "insufficient_evidence", "nothing_new", "validation_failed", "failed"]
Role = Literal["candidate", "champion", "anchor"]
MistakeKind = Literal["newly missed", "missed by both", "missed", "newly found"]  # in the order of the page
COUNTS = ("new", "relabelled", "removed", "replayed", "train", "validation", "test")


class ReportPart(BaseModel):
    """A part of the page's content: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataRow(ReportPart):
    """Photographs of one class at one site: what changed since the champion, and what there is now."""

    diagnosis: str
    site: str
    new: int = 0
    relabelled: int = 0
    removed: int = 0
    replayed: int = 0
    train: int = 0
    validation: int = 0
    test: int = 0


class DataSummary(ReportPart):
    """The dataset before and after. `no_place` counts photographs whose label has no place in the taxonomy."""

    version_before: str = ""
    version: str
    dirty_reason: str = ""
    rows: tuple[DataRow, ...] = ()
    patients: dict[str, int] = {}  # by split
    no_place: int = 0
    changed_parameters: tuple[str, ...] = ()
    relabellings: tuple[Relabelling, ...] = ()
    test_changes: tuple[LabelChange, ...] = ()

    @property
    def by_class(self) -> dict[str, DataRow]:
        """Sums over the sites, in the order of the rows."""
        return self._sums("diagnosis", "site")

    @property
    def by_site(self) -> dict[str, DataRow]:
        """Sums over the classes, in the order of the rows."""
        return self._sums("site", "diagnosis")

    @property
    def total(self) -> DataRow:
        """Sums over everything."""
        return _sum([row.model_copy(update={"diagnosis": "", "site": ""}) for row in self.rows])

    def _sums(self, kept: str, dropped: str) -> dict[str, DataRow]:
        groups: dict[str, list[DataRow]] = {}
        for row in self.rows:
            groups.setdefault(getattr(row, kept), []).append(row.model_copy(update={dropped: ""}))
        return {name: _sum(group) for name, group in groups.items()}


def _sum(rows: Sequence[DataRow]) -> DataRow:
    names = {"diagnosis": rows[0].diagnosis, "site": rows[0].site} if rows else {"diagnosis": "", "site": ""}
    return DataRow(**names, **{name: sum(getattr(row, name) for row in rows) for name in COUNTS})


class Epoch(BaseModel):
    """One epoch, as the training summary of a model package keeps it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    phase: str
    epoch: int
    loss: float | None = None
    validation_loss: float | None = None
    validation_balanced_accuracy: float | None = None
    seconds: float = 0.0


class Mix(BaseModel):
    """One interpolation of champion and candidate weights, scored on validation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    share: float
    balanced_accuracy: float | None = None
    loss: float | None = None
    gated_sensitivity: dict[str, float] = {}


class FineTuning(BaseModel):
    """How the networks beside the linear heads were trained last, as far as the page shows it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    started_from: str
    photographs: int


class TrainingRun(BaseModel):
    """The training summary of a model package, as far as the page shows it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: str
    strategy: str = ""
    started_from: str = ""
    seconds: float = 0.0
    images_per_second: float | None = None
    peak_memory_mb: dict[str, int] = {}  # process, and gpu where there is one
    device: str = ""
    validation_photographs: int = 0
    best_epoch: int | None = None
    history: tuple[Epoch, ...] = ()
    interpolation: tuple[Mix, ...] = ()
    interpolation_chosen: float | None = None
    recipe: dict[str, Any] = {}  # the parameters of the training, name to value
    speed: str = ""
    speed_reason: str = ""
    fine_tuning: FineTuning | None = None

    @property
    def kept_champion(self) -> bool:
        """Whether the training left the champion's weights as they were: nothing was better on validation."""
        if self.mode != "update" or not self.started_from.startswith("package"):
            return False
        if self.interpolation_chosen is not None:
            return self.interpolation_chosen == 0
        return self.best_epoch == 0 and all(epoch.phase != "head" for epoch in self.history)


class EvaluatedModel(ReportPart):
    """One model on the test patients. `version` is its number in the registry, where it has one."""

    role: Role
    version: str = ""
    sha256: str
    backbone: str = ""
    temperature: float = 1.0
    operating_points: dict[str, float] = {}
    operating_point_notes: dict[str, str] = {}
    lesions: Evaluation
    photographs: Evaluation | None = None


class Answer(ReportPart):
    """What one model said of one lesion."""

    role: Role
    code: str
    probability: float
    right: bool


class Mistake(ReportPart):
    """A lesion of a gated class that the candidate or the champion got wrong. `picture` is a data URI."""

    kind: MistakeKind
    picture: str
    photograph: str
    truth: str
    answers: tuple[Answer, ...]


class TestSetUse(ReportPart):
    """What the ledger says of the test patients: what is left of their error budget, in words."""

    notes: tuple[str, ...]
    worn_out: bool = False


class Provenance(ReportPart):
    """What somebody needs to repeat the run and to find its record."""

    git_commit: str
    code_dirty: bool = False
    data_version: str
    params_sha256: str
    profile: str = ""
    overrides: dict[str, JsonValue] = {}  # laid over params.yaml
    policy_sha256: str = ""
    package_sha256: str = ""
    lock_sha256: str = ""
    seed: int
    python: str = ""
    hardware: dict[str, str] = {}
    record_sha256: str = ""  # of the line in the audit log


class UpdateReport(ReportPart):
    """Everything the page shows."""

    run: str
    started: datetime
    finished: datetime
    status: Status
    approval: Literal["auto", "manual", "two_persons"] = "auto"
    simulated: bool = False
    failure: str = ""
    gated_classes: tuple[str, ...] = ("MM", "BCC")
    data: DataSummary | None = None
    training: TrainingRun | None = None
    models: tuple[EvaluatedModel, ...] = ()
    decision: GateDecision | None = None
    test_set: TestSetUse | None = None
    champion_again: ChampionJudgedAgain | None = None
    referral_replay: ReferralReplay | None = None
    taken_back: dict[str, int] = {}  # role of a compared model: photographs that it holds and may not any more
    mistakes: tuple[Mistake, ...] = ()
    mistakes_left_out: int = 0
    validation: ValidationResult | None = None
    data_docs: str = ""  # address of the Data Docs, relative to the page
    provenance: Provenance

    def model(self, role: Role) -> EvaluatedModel | None:
        """The model in a role; None where it was not evaluated."""
        return next((model for model in self.models if model.role == role), None)
