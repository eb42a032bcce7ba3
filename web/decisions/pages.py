"""The page on which a clinical lead decides: what waits, its evidence, what is open, and a form for each way on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dermai.audit import AuditLog
from dermai.errors import AuditLogDamaged, DermaiError, Refused
from dermai.language.messages import message
from dermai.promotion.acknowledgement import in_words, open_incidents
from dermai.promotion.history import latest_attempt, latest_decision
from dermai.promotion.status import Status, read_status
from dermai.promotion.two_persons import first_approval
from dermai.records.moves import FirstApproval
from dermai.records.summary import summarise
from web.accounts.authentication import TooManyAttempts, WrongPassword
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.decisions.actions import Action, Person, carry_out, check_nothing_new, newest_decisive
from web.frame.addresses import report_address
from web.frame.admission import confirm_password, permitted
from web.frame.page import page
from web.frame.refused_diagnoses import OpenRefusal, open_refusals
from web.frame.service import Service, service_of

Reader = Annotated[Visitor, Depends(permitted(Permission.READ_MODELS))]
Decider = Annotated[Visitor, Depends(permitted(Permission.DECIDE))]


def router() -> APIRouter:
    """Of the decisions."""
    routes = APIRouter()
    routes.get("/decisions")(decisions)
    routes.post("/decisions/{action}")(decide)
    return routes


def decisions(request: Request, visitor: Reader, done: int = 0) -> Response:
    """What waits and what is open; `done` is the record of what this visitor just decided."""
    return _shown(request, visitor, done=done)


def decide(
    request: Request,
    visitor: Decider,
    action: Action,
    seen: Annotated[int, Form()],
    about: Annotated[str, Form(max_length=100)] = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Carry a decision out after the password was typed again; `seen` is the newest record that the page rested on."""
    service = service_of(request)
    person = Person(visitor.person, visitor.role.value, " ".join(reason.split()), visitor.name)
    try:
        if not person.reason:
            raise Refused(message("say why in a sentence: it stays in the record"))
        confirm_password(request, visitor, password)
        check_nothing_new(AuditLog(service.workspace.audit_log), seen)
        entry = carry_out(service.workspace, service.params, action, about, person)
    except DermaiError as error:
        status = {WrongPassword: 401, TooManyAttempts: 429, Refused: 409}.get(type(error), 422)
        return _shown(request, visitor, status, problem=str(error), reason=reason, tried=action)
    return RedirectResponse(f"/decisions?done={entry.sequence}", 303)


def _shown(
    request: Request,
    visitor: Visitor,
    status: int = 200,
    *,
    done: int = 0,
    problem: str = "",
    reason: str = "",
    tried: Action | None = None,
) -> Response:
    service = service_of(request)
    audit = AuditLog(service.workspace.audit_log)
    found = read_status(service.workspace, service.params)
    mine = (entry for entry in audit.entries() if entry.body.get("account") == visitor.name)
    record = next((entry for entry in mine if entry.sequence == done), None)
    return page(
        request,
        "decisions/decisions.html",
        status,
        standing=found,
        ways=_ways(found),
        report=_report_of(audit, found),
        incidents=[(record.body, in_words(record)) for record in open_incidents(audit)],
        refusals=_refusals(service),
        first=_first_of_two(audit, found),
        seen=newest_decisive(audit),
        done=record.sequence if record else 0,
        done_words=summarise(record) if record else "",
        problem=problem,
        reason=reason,
        tried=tried.value if tried else "",
    )


def _refusals(service: Service) -> list[OpenRefusal]:
    """None while the log cannot be read: what is wrong with it stands on the page."""
    try:
        return open_refusals(service)
    except AuditLogDamaged:
        return []


def _ways(status: Status) -> frozenset[str]:
    """Which decisions about the models can be asked for now; the rules may still refuse one, and say why."""
    ways: set[Action] = set()
    if status.pending:
        ways |= {Action.REJECT}
        ways |= {Action.PROMOTE} if status.pending.outcome == "promote" else set()
    waits = status.pending is not None and status.pending.outcome == "insufficient_evidence"
    provisional = status.champion is not None and status.champion.provisional_until is not None
    if (waits and status.champion is None) or provisional:
        ways |= {Action.PROVISIONAL}
    if status.earlier_champions:
        ways |= {Action.ROLL_BACK}
    if status.policy_changes:
        ways |= {Action.APPROVE_POLICY}
    return frozenset(way.value for way in ways)


def _report_of(audit: AuditLog, status: Status) -> str:
    """Where the report of the version that waits is, within this service; empty where there is none."""
    attempt = latest_attempt(audit, status.pending.version) if status.pending else None
    return report_address(attempt.body.report) if attempt else ""


def _first_of_two(audit: AuditLog, status: Status) -> FirstApproval | None:
    """The approval that waits for a second person's."""
    if status.pending is None:
        return None
    decision = latest_decision(audit, status.pending.version)
    if decision is None or not decision.body.policy.needs_two_persons:
        return None
    found = first_approval(audit, decision, provisional=status.pending.outcome != "promote")
    return found.body if found else None
