"""The page on which a case is read: photographs, earlier visits, what the model said, and a form for each lesion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from dermai.gate.reference_standard import KINDS
from dermai.language.messages import message
from dermai.taxonomy import RiskLevel, load_taxonomy
from dermai.triage.case_evidence import operating_points
from web.accounts.access_log import note_access
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.admission import permitted
from web.frame.locale import locale_of
from web.frame.page import page
from web.frame.refused_diagnoses import open_refusals
from web.frame.service import service_of
from web.reading.drafts import DraftReading, drafts_of, others_reading
from web.reading.filters import Filter, place_of
from web.reading.lists import RESTS_ON, case_for, reading_list
from web.reading.worklist import overdue

MOST_EARLIER = 6  # visits that are shown; a patient with more has them on the worklist
RETAKE_REASONS = (
    message("not in focus"),
    message("too dark"),
    message("overexposed"),
    message("the lesion is cut off"),
    message("too far away"),
    message("hair or clothes cover it"),
    message("please add a dermoscopic photograph"),
    message("please add an overview of the body site"),
)


def router() -> APIRouter:
    """Of the page."""
    routes = APIRouter()
    routes.get("/cases/{case_id}")(case_page)
    return routes


def case_page(
    request: Request,
    case_id: str,
    visitor: Annotated[Visitor, Depends(permitted(Permission.READ_CASES))],
    site: str = "",
    risk: str = "",
    done: str = "",
    without: str = "",
    said: str = "",
) -> Response:
    """A case among those of the filter."""
    return shown_case(request, visitor, case_id, Filter.of(site, risk, done, without), said)


def shown_case(
    request: Request, visitor: Visitor, case_id: str, chosen: Filter, said: str = "", problem: str = "",
    status: int = 200, typed: tuple[str, DraftReading] | None = None,
) -> Response:  # fmt: skip
    """The page; `problem` says why something was not taken, `typed` what had been chosen for which lesion."""
    service = service_of(request)
    now = service.now()
    listed = reading_list(service)
    case = case_for(visitor, listed, case_id)
    note_access(service.database, visitor, case_id, message("case"))
    answer = listed.answer(case)
    points = operating_points(service.workspace, service.params, answer.version) if answer else {}
    drafts = dict(drafts_of(service.database, visitor.account_id, case_id))
    if typed:
        drafts[typed[0]] = typed[1]
    return page(
        request,
        "reading/case.html",
        status,
        case=case,
        state=listed.states[case_id],
        listed=listed,
        answer=answer,
        called=answer.explained(points) if answer else None,
        likely=_likely(answer.probabilities, answer.called) if answer else [],
        late=overdue(case, listed.states[case_id], service.params, now),
        coverage=service.params.triage.conformal_coverage,
        earlier=listed.earlier_visits(case)[:MOST_EARLIER],
        drafts=drafts,
        no_draft=DraftReading(),
        refusals=[one for one in open_refusals(service) if one.case_id == case_id],
        others=others_reading(service.database, visitor.account_id, case_id),
        place=place_of(listed, chosen.apply(listed, now), case_id),
        chosen=chosen,
        now=now,
        said=said if said in SAID else "",
        sayings=SAID,
        problem=problem,
        groups=diagnosis_groups(locale_of(request).language),
        kinds=[kind for kind in ("reading", *KINDS) if kind in RESTS_ON][: len(KINDS)],
        rests_on=RESTS_ON,
        retake_reasons=RETAKE_REASONS,
    )


SAID = {
    "signed": message("Signed and recorded."),
    "again": message("The practice is asked for another photograph."),
    "kept": message("The draft is kept. Nothing is signed yet."),
}


def diagnosis_groups(language: str) -> dict[str, list[tuple[str, str]]]:
    """Code and name of every diagnosis, by how urgent it is, the most urgent first; the names in a language."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    names = {
        RiskLevel.HIGH_PRIORITY: message("Malignant"),
        RiskLevel.PRIORITY: message("To be watched"),
        RiskLevel.NORMAL: message("Benign"),
    }
    taxonomy = load_taxonomy()
    for level, name in names.items():
        of_level = ((code, taxonomy.named(code, language)) for code in taxonomy.codes if taxonomy.risk(code) is level)
        found[name] = sorted(of_level, key=lambda pair: pair[1])
    return dict(found)


def _likely(probabilities: Mapping[str, float], called: str) -> list[tuple[str, float]]:
    """The three most probable classes, and the called one."""
    ordered = sorted(probabilities, key=lambda code: -probabilities[code])
    shown = {*ordered[:3], called}
    return [(code, probabilities[code]) for code in ordered if code in shown]
