"""What senders must know before they rely on an answer: intended use, warning, the model in use and its limits."""

from __future__ import annotations

from importlib.metadata import version

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.inbox.answer import WARNING, WITHHELD, NamedModel, Part
from dermai.promotion.history import latest_attempt
from dermai.report.intended_use import INTENDED_USE, NOT_FOR
from dermai.report.model_card import known_limits
from dermai.taxonomy import RiskLevel, load_taxonomy
from dermai.triage.scorers import find_scorers
from dermai.workspace import Workspace


class LesionClass(Part):
    """A class that the model may call, and how urgent it is."""

    code: str
    name: str
    risk: RiskLevel


class Label(Part):
    """The label of the service as it answers now."""

    software: str
    intended_use: str
    not_for: tuple[str, ...]
    warning: str
    model: NamedModel | None
    no_answer: str = ""  # why no model's answers are shown
    classes: tuple[LesionClass, ...] = ()
    limits: tuple[str, ...] = ()  # what the test patients of the model cannot show


def current_label(workspace: Workspace, params: Params) -> Label:
    """The label, with the champion as the signed records name it.

    Raises:
        Refused: the registry's models are not those that the records name.
        AuditLogDamaged: the records do not verify.
    """
    scorers = find_scorers(workspace, params)
    champion = scorers.champion
    about = {"software": f"dermai {version('dermai')}", "intended_use": INTENDED_USE, "warning": WARNING}
    if champion is None:
        return Label(**about, not_for=NOT_FOR, model=None, no_answer=WITHHELD)
    taxonomy = load_taxonomy()
    attempt = latest_attempt(AuditLog(workspace.audit_log), champion.version)
    evaluation = attempt.body.evaluation.get("candidate") if attempt else None
    until = scorers.provisional.until if scorers.provisional else None
    model = NamedModel(version=champion.version, package_sha256=champion.package.sha256, provisional_until=until)
    return Label(
        **about,
        not_for=NOT_FOR,
        model=model,
        classes=tuple(
            LesionClass(code=code, name=taxonomy.classes[code].name, risk=taxonomy.risk(code))
            for code in champion.package.classes
        ),
        limits=tuple(known_limits(attempt.body if attempt else None, evaluation)),
    )
