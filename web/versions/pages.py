"""All versions with their sensitivities, and the version in production on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from dermai.audit import AuditLog
from dermai.errors import InvalidParams
from dermai.evaluation.metrics import Rate
from dermai.gate.findings import OUTCOMES
from dermai.language.current import speaking
from dermai.language.translation import gettext
from dermai.promotion.history import latest_decision
from dermai.promotion.reigns import Reign, moment_of, production_on, reigns, withheld_on
from dermai.promotion.withdrawn_versions import withdrawn_versions
from dermai.records.log import Record, records_of
from dermai.records.update_record import UpdateAttempt
from dermai.report.figures import Row, interval_plot
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.addresses import report_address
from web.frame.admission import permitted
from web.frame.locale import locale_of
from web.frame.page import page
from web.frame.service import service_of

Reader = Annotated[Visitor, Depends(permitted(Permission.READ_MODELS))]
PLOTTED = 12  # the newest versions


@dataclass(frozen=True)
class Version:
    """A version, by its records: when it was made, the newest decision on it, and its times in production."""

    number: str
    made: str
    outcome: str
    decided: str
    report: str
    sensitivities: dict[str, Rate]
    in_production: tuple[Reign, ...]
    withdrawn: str = ""  # that it learnt a patient who took consent back


def router() -> APIRouter:
    """Of the versions."""
    routes = APIRouter()
    routes.get("/models")(versions)
    return routes


def versions(request: Request, visitor: Reader, on: Annotated[str, Query(max_length=40)] = "") -> Response:
    """The newest first; with `on`, a day, also what was in production then. The records are verified first."""
    service = service_of(request)
    audit = AuditLog(service.workspace.audit_log)
    audit.verified_entries()
    gate, problem, asked = service.params.gate, "", None
    if on:
        try:
            asked = _on(audit, moment_of(on, datetime.now(UTC), ZoneInfo(service.params.locale.time_zone)))
        except InvalidParams as error:
            problem = str(error)
    found = _versions(audit, gate.gated_classes)
    with speaking(locale_of(request)):
        plots = {code: _plot(found, code, gate.floors.get(code)) for code in gate.gated_classes}
    return page(
        request,
        "versions/versions.html",
        422 if problem else 200,
        versions=found,
        gated=gate.gated_classes,
        plots=plots,
        on=on,
        asked=asked,
        problem=problem,
    )


@dataclass(frozen=True)
class InProduction:
    """What was in production at a moment; `withheld` says why its answers were not shown, "" where they were."""

    moment: datetime
    reign: Reign | None
    withheld: str


def _on(audit: AuditLog, moment: datetime) -> InProduction:
    found = production_on(audit, moment)
    return InProduction(moment, found, withheld_on(audit, found, moment) if found else "")


def _versions(audit: AuditLog, gated: Sequence[str]) -> list[Version]:
    in_production, withdrawn = reigns(audit), withdrawn_versions(audit)
    newest: dict[str, Record[UpdateAttempt]] = {
        attempt.body.candidate.version: attempt for attempt in records_of(audit, UpdateAttempt)
    }
    found = []
    for number, attempt in reversed(newest.items()):
        decision, evaluated = latest_decision(audit, number) or attempt, attempt.body.evaluation.get("candidate")
        rows = {code: evaluated.lesions.of_class(code) if evaluated else None for code in gated}
        found.append(
            Version(
                number=number,
                made=attempt.time[:10],
                outcome=OUTCOMES[decision.body.outcome],
                decided=decision.time[:10],
                report=report_address(attempt.body.report),
                sensitivities={code: row.sensitivity for code, row in rows.items() if row},
                in_production=tuple(reign for reign in in_production if reign.version == number),
                withdrawn=withdrawn.get(number, ""),
            )
        )
    return found


def _plot(found: Sequence[Version], code: str, floor: float | None) -> Markup | None:
    """The sensitivities of the newest versions, oldest at the top; None where none has one."""
    rows = [
        Row(
            gettext("version %(number)s") % {"number": version.number},
            {"candidate": version.sensitivities[code]},
            floor,
        )
        for version in reversed(found[:PLOTTED])
        if code in version.sensitivities
    ]
    title = gettext("Sensitivity for %(code)s of each version; the table holds the same numbers") % {"code": code}
    return interval_plot(rows, title) if rows else None
