"""What a reader sends: a draft, a reading to sign, or the wish for another photograph."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Form, HTTPException
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dermai.language.messages import message
from dermai.prediction_log.confirmations import known_diagnoses
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import ask_for_photograph
from dermai.prediction_log.signing import NotSigned, Reading, sign
from dermai.triage.worklist import UNKNOWN_SITE
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.admission import permitted
from web.frame.page import page
from web.frame.service import service_of
from web.reading.case_page import shown_case
from web.reading.drafts import DraftReading, drop_draft, keep_draft
from web.reading.filters import Filter, place_of
from web.reading.follow_ups import ask_for_follow_up, follow_up
from web.reading.lists import RESTS_ON, case_for, reading_list

Reader = Annotated[Visitor, Depends(permitted(Permission.SIGN_READINGS))]
Text = Annotated[str, Form()]


def router() -> APIRouter:
    """Of the forms."""
    routes = APIRouter()
    routes.post("/cases/{case_id}/draft")(draft)
    routes.post("/cases/{case_id}/sign")(sign_reading)
    routes.post("/cases/{case_id}/photograph-again")(photograph_again)
    return routes


def draft(
    request: Request, case_id: str, visitor: Reader, lesion_id: Text, diagnosis: Text = "", confirmed_by: Text = "",
    note: Text = "", list_query: Text = "",
) -> Response:  # fmt: skip
    """Keep what is chosen so far; a script that saves by itself gets no page."""
    service = service_of(request)
    _check_lesion(request, visitor, case_id, lesion_id)
    keep_draft(service.database, visitor.account_id, case_id, lesion_id, DraftReading(diagnosis, confirmed_by, note))
    if request.headers.get("X-CSRF-Token"):
        return Response(status_code=204)
    return RedirectResponse(_address(case_id, list_query, "kept"), 303)


def sign_reading(
    request: Request, case_id: str, visitor: Reader, lesion_id: Text, diagnosis: Text = "", confirmed_by: Text = "",
    note: Text = "", known_until: Annotated[int, Form(ge=0)] = 0, confirmed: Text = "", list_query: Text = "",
) -> Response:  # fmt: skip
    """Ask once whether that is meant, then sign. What follows of it is done when the reader has their answer."""
    service = service_of(request)
    _check_lesion(request, visitor, case_id, lesion_id)
    typed = DraftReading(known_diagnoses().get(diagnosis.strip().casefold(), ""), confirmed_by, note)
    chosen = _filter(list_query)
    if not typed.diagnosis:
        problem = message("Choose a diagnosis first.")
        return shown_case(request, visitor, case_id, chosen, problem=problem, status=422, typed=(lesion_id, typed))
    if confirmed != "yes":
        keep_draft(service.database, visitor.account_id, case_id, lesion_id, typed)  # who goes back finds it there
        return page(
            request, "reading/confirm.html", case_id=case_id, lesion_id=lesion_id, typed=typed,
            rests_on=RESTS_ON, known_until=known_until, chosen=chosen,
        )  # fmt: skip
    reading = Reading(
        case_id, lesion_id, typed.diagnosis, confirmed_by, visitor.name, note=note, known_until=known_until
    )
    ask_for_follow_up(service.database)  # of one who is killed when it is signed
    try:
        sign(PredictionLog.of(service.workspace), reading)
    except NotSigned as why:
        answer = shown_case(
            request, visitor, case_id, chosen, problem=str(why), status=409,
            typed=(lesion_id, typed),
        )  # fmt: skip
        answer.background = BackgroundTask(follow_up, service)
        return answer
    ask_for_follow_up(service.database)  # the first may have been done before this was signed
    drop_draft(service.database, visitor.account_id, case_id, lesion_id)
    listed = reading_list(service)
    case = listed.by_id[case_id]
    onward = place_of(listed, chosen.apply(listed, service.now()), case_id).next_open
    stay = listed.states[case_id] != "read" or case.without_answer or not onward
    return RedirectResponse(
        _address(case_id if stay else onward, list_query, "signed"), 303, background=BackgroundTask(follow_up, service)
    )


def photograph_again(
    request: Request, case_id: str, visitor: Reader, reason: Text = "", other: Text = "", list_query: Text = ""
) -> Response:
    """Ask the practice for another photograph, and go on with the next case."""
    service = service_of(request)
    case = case_for(visitor, reading_list(service), case_id)
    said = "; ".join(text.strip() for text in (reason, other) if text.strip())
    if not said:
        problem = message("Say why the photograph is to be taken again: the practice reads it.")
        return shown_case(request, visitor, case_id, _filter(list_query), problem=problem, status=422)
    log = PredictionLog.of(service.workspace)
    site = "" if case.site == UNKNOWN_SITE else case.site
    ask_for_photograph(log, case_id, site, said, visitor.name, datetime.now(UTC))
    listed = reading_list(service)
    onward = place_of(listed, _filter(list_query).apply(listed, service.now()), case_id).next_open
    return RedirectResponse(_address(onward or case_id, list_query, "again"), 303)


def _check_lesion(request: Request, visitor: Visitor, case_id: str, lesion_id: str) -> None:
    case = case_for(visitor, reading_list(service_of(request)), case_id)
    if lesion_id not in case.lesions:
        raise HTTPException(404, message("The case has no such lesion."))


def _filter(list_query: str) -> Filter:
    """The filter that a form carries along, so that the next case is the next of the same list."""
    given = {name: values[0] for name, values in parse_qs(list_query.lstrip("?")).items()}
    return Filter.of(*(given.get(name, "") for name in ("site", "risk", "done", "without")))


def _address(case_id: str, list_query: str, said: str) -> str:
    query = _filter(list_query).query
    return f"/cases/{case_id}{query}{'&' if query else '?'}said={said}"
