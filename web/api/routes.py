"""The routes for programs, and one that says whether the service runs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dermai.errors import DermaiError
from dermai.inbox.answer import ReferralAnswer, Verdict, verdicts
from dermai.inbox.label import Label, current_label
from web.api.admission import with_token
from web.api.description import PHOTOGRAPHS, PROBLEMS, REFERRAL, description
from web.api.receiving import receiver_of
from web.api.refusals import refusal
from web.api.tokens import Sender, count_checks
from web.api.upload import read_photographs, read_referral
from web.api.wording import answer_for, label_for, verdicts_for
from web.frame.admission import open_to_everyone
from web.frame.errors import problem
from web.frame.service import service_of

ROOT = "/api/v1"
SentBy = Annotated[Sender, Depends(with_token)]


class Checked(BaseModel):
    """What a quality check found."""

    photographs: tuple[Verdict, ...]


def router() -> APIRouter:
    """Of the interface for programs."""
    routes = APIRouter()
    given: dict[str, Any] = {"responses": PROBLEMS}
    routes.post(f"{ROOT}/referrals", response_model=ReferralAnswer, openapi_extra=REFERRAL, **given)(send_referral)
    routes.post(f"{ROOT}/quality", response_model=Checked, openapi_extra=PHOTOGRAPHS, **given)(check_quality)
    routes.get(f"{ROOT}/label", response_model=Label, **given)(label)
    routes.get(f"{ROOT}/openapi.json", include_in_schema=False)(openapi)
    routes.get("/health", include_in_schema=False, dependencies=[Depends(open_to_everyone)])(health)
    return routes


async def send_referral(request: Request, sender: SentBy) -> Response:
    """Take in the photographs of one lesion of one case. An answer means that they are on disk.

    The same referral again gets the same answer, so a sender who heard nothing sends it again.
    """
    receiver = receiver_of(request)
    try:
        service = await run_in_threadpool(receiver.service)
        with service.inbox.arriving() as folder:
            sent = await read_referral(request, folder, sender.site)
            answer = await service.receive(sent)
    except (DermaiError, OSError) as error:  # a full disk
        return _refused(request, error)
    return Response(answer_for(request, answer).model_dump_json(), media_type="application/json")


async def check_quality(request: Request, sender: SentBy) -> Response:
    """Say whether photographs can be judged, before they are sent. Nothing of them is kept but their number."""
    receiver = receiver_of(request)
    try:
        service = await run_in_threadpool(receiver.service)
        with service.inbox.arriving() as folder:
            photographs = await read_photographs(request, folder)
            reasons = await service.check(photographs)
    except (DermaiError, OSError) as error:  # a full disk
        return _refused(request, error)
    await run_in_threadpool(count_checks, service_of(request).database, sender, len(photographs))
    found = Checked(photographs=verdicts_for(request, verdicts(photographs, reasons)))
    return Response(found.model_dump_json(), media_type="application/json")


def label(request: Request, sender: SentBy) -> Response:
    """Say what the software is for, what it is not, which model answers, and what is known of its limits."""
    service = service_of(request)
    try:
        found = current_label(service.workspace, service.params)
    except DermaiError as error:
        return _refused(request, error)
    return Response(label_for(request, found).model_dump_json(), media_type="application/json")


def openapi(request: Request, sender: SentBy) -> JSONResponse:
    """Describe these routes as OpenAPI does."""
    return JSONResponse(description(router().routes))


def health(request: Request) -> JSONResponse:
    """Say whether the service runs: 503 where acknowledged referrals cannot be brought into the prediction log."""
    if receiver_of(request).problem:
        return JSONResponse({"status": "acknowledged referrals wait"}, 503)
    return JSONResponse({"status": "ok"})


def _refused(request: Request, error: DermaiError | OSError) -> Response:
    why = refusal(error)
    return problem(request, why.status, why.said, why.headers)
