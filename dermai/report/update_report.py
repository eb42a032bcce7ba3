"""The page of one update run: what changed, what was trained, how it compares, what was decided and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from dermai.evaluation.metrics import Evaluation, Rate
from dermai.files import write_text
from dermai.gate.findings import GateDecision
from dermai.report.figures import Difference, Row
from dermai.validation.result import ValidationResult

Status = Literal["promote", "reject", "insufficient_evidence", "nothing_new", "validation_failed", "failed"]
Role = Literal["candidate", "champion", "anchor"]
MistakeKind = Literal["newly missed", "missed by both", "missed", "newly found"]  # in the order of the page
COUNTS = ("new", "relabelled", "removed", "replayed", "train", "validation", "test")


class Part(BaseModel):
    """A part of the page's content: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataRow(Part):
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


class DataSummary(Part):
    """The dataset before and after. `no_place` counts photographs whose label has no place in the taxonomy."""

    version_before: str = ""
    version: str
    dirty_reason: str = ""
    rows: tuple[DataRow, ...] = ()
    patients: dict[str, int] = {}  # by split
    no_place: int = 0

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


class EvaluatedModel(Part):
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


class Answer(Part):
    """What one model said of one lesion."""

    role: Role
    code: str
    probability: float
    right: bool


class Mistake(Part):
    """A lesion of a gated class that the candidate or the champion got wrong. `picture` is a data URI."""

    kind: MistakeKind
    picture: str
    photograph: str
    truth: str
    answers: tuple[Answer, ...]


class TestSetUse(Part):
    """What the ledger says of the test patients: what is left of their error budget, in words."""

    notes: tuple[str, ...]
    worn_out: bool = False


class Provenance(Part):
    """What somebody needs to repeat the run and to find its record."""

    git_commit: str
    code_dirty: bool = False
    data_version: str
    params_sha256: str
    policy_sha256: str = ""
    package_sha256: str = ""
    lock_sha256: str = ""
    seed: int
    python: str = ""
    hardware: dict[str, str] = {}
    record_sha256: str = ""  # of the line in the audit log


class UpdateReport(Part):
    """Everything the page shows."""

    run: str
    started: datetime
    finished: datetime
    status: Status
    approval: Literal["auto", "manual"] = "auto"
    simulated: bool = False
    failure: str = ""
    gated_classes: tuple[str, ...] = ("MM", "BCC")
    data: DataSummary | None = None
    training: TrainingRun | None = None
    models: tuple[EvaluatedModel, ...] = ()
    decision: GateDecision | None = None
    test_set: TestSetUse | None = None
    mistakes: tuple[Mistake, ...] = ()
    mistakes_left_out: int = 0
    validation: ValidationResult | None = None
    data_docs: str = ""  # address of the Data Docs, relative to the page
    provenance: Provenance

    def model(self, role: Role) -> EvaluatedModel | None:
        """The model in a role; None where it was not evaluated."""
        return next((model for model in self.models if model.role == role), None)


def update_report(folder: Path, report: UpdateReport) -> Path:
    """Write `report.html` into the folder: one page that needs nothing from elsewhere. Returns its path."""
    from dermai.report.headline import facts, headline, objections
    from dermai.report.pages import render_page

    names = [
        (model.role, f"{model.role}, version {model.version}" if model.version else model.role)
        for model in report.models
    ]
    page = render_page(
        "update.html",
        report=report,
        top=headline(report),
        facts=facts(report),
        objections=objections(report),
        model_names=names,
        sensitivity_rows=sensitivity_rows(report),
        differences=differences(report),
        kinds=get_args(MistakeKind),
        calibration_models=[(m.role, m.lesions.calibration) for m in report.models if m.role != "anchor"],
    )
    path = folder / "report.html"
    write_text(path, page)
    return path


def sensitivity_rows(report: UpdateReport) -> list[Row]:
    """One line of the interval plot for each class that the test patients have, gated classes first."""
    floors = {found.code: found.floor.floor for found in report.decision.classes} if report.decision else {}
    order = {code: place for place, code in enumerate(report.gated_classes)}
    codes = dict.fromkeys(row.code for model in report.models for row in model.lesions.per_class if row.cases)
    rows = []
    for code in sorted(codes, key=lambda code: order.get(code, len(order))):
        found = {model.role: model.lesions.of_class(code) for model in report.models}
        rates: dict[str, Rate] = {role: row.sensitivity for role, row in found.items() if row}
        rows.append(Row(code, rates, floors.get(code)))
    return rows


def differences(report: UpdateReport) -> list[Difference]:
    """One line of the difference plot for each paired comparison of the gate."""
    if report.decision is None:
        return []
    pools = [(found.code, found.comparisons) for found in report.decision.classes]
    if report.decision.specificity:
        pools.append(("benign", report.decision.specificity.comparisons))
    return [
        Difference(f"{name} vs {found.reference}", found.difference, *found.interval, found.margin)
        for name, comparisons in pools
        for found in comparisons
    ]
