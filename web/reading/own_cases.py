"""A practice's own cases: which were read, which are to be photographed again and why, found by its own number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.inbox.own_numbers import own_numbers
from dermai.language.messages import message
from dermai.prediction_log.log import PredictionLog
from dermai.triage.practice_cases import ORDER, PracticeCase, in_each_state, with_number
from web.accounts.access_log import note_access
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.admission import permitted
from web.frame.page import page
from web.frame.service import Service, service_of
from web.reading.lists import NO_SUCH_CASE, RESTS_ON, own_cases

Practice = Annotated[Visitor, Depends(permitted(Permission.READ_OWN_CASES))]
ON_A_PAGE = 100
STATES = {
    "photograph again": (message("Please photograph again"), "bad"),
    "set aside": (message("Please clear up"), "bad"),
    "received": (message("Received, waits to be read"), "open"),
    "read": (message("Read"), "good"),
}


def router() -> APIRouter:
    """Of the practice's pages."""
    routes = APIRouter()
    routes.get("/my-cases")(list_own_cases)
    routes.post("/my-cases")(find_own_case)
    routes.get("/my-cases/{case_id}")(own_case)
    return routes


def list_own_cases(request: Request, visitor: Practice, state: str = "") -> Response:
    """What the practice has to do first, then the newest."""
    return _listed(request, visitor, state=state if state in ORDER else "")


def find_own_case(request: Request, visitor: Practice, number: Annotated[str, Form()] = "") -> Response:
    """By the practice's own number, which stands in no address and in no log."""
    return _listed(request, visitor, number=number)


def _listed(request: Request, visitor: Visitor, state: str = "", number: str = "") -> Response:
    service = service_of(request)
    cases = own_cases(service, visitor)
    shown = [case for case in cases if not state or case.state == state]
    if number.strip():
        log = PredictionLog.of(service.workspace)
        numbers = SenderNumbers(load_pseudonyms(service.workspace), known=cache(log.pseudonyms))
        shown = list(with_number(cases, numbers, number))
    here = shown[:ON_A_PAGE]
    return page(
        request, "reading/own_cases.html", cases=here, numbers=_numbers(service, visitor, here),
        more=len(shown) - ON_A_PAGE, states=STATES,
        counts=in_each_state(cases), state=state, number=number.strip(), rests_on=RESTS_ON,
    )  # fmt: skip


def own_case(request: Request, case_id: str, visitor: Practice) -> Response:
    """One case with its photographs."""
    service = service_of(request)
    case = next((one for one in own_cases(service, visitor) if one.case_id == case_id), None)
    if case is None:
        raise HTTPException(404, NO_SUCH_CASE)
    note_access(service.database, visitor, case_id, message("case"))
    number = _numbers(service, visitor, [case]).get(case_id, "")
    return page(request, "reading/own_case.html", case=case, number=number, states=STATES, rests_on=RESTS_ON)


def _numbers(service: Service, visitor: Visitor, cases: Sequence[PracticeCase]) -> Mapping[str, str]:
    pseudonyms = load_pseudonyms(service.workspace)
    return own_numbers(service.workspace, pseudonyms, visitor.site, [case.case_id for case in cases])
