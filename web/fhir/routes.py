"""FHIR R4: a referral as a transaction, confirmed diagnoses, and what became of both, read by id."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError
from dermai.exchange.codings import Resource
from dermai.exchange.fhir_answers import READ, SENT_ALONE, capability_statement, diagnosis_outcome, transaction_response
from dermai.exchange.fhir_diagnosis import Disagrees, RecordedDiagnosis, read_diagnosis, record_sent
from dermai.exchange.fhir_referral import ReadBundle, read_bundle
from dermai.exchange.fhir_results import ReferralResult
from dermai.exchange.outcomes import FHIR_JSON
from dermai.exchange.strict_reading import UnclearResource, parsed
from dermai.language.current import speaking
from dermai.language.messages import message
from dermai.prediction_log.log import PredictionLog
from web.api.admission import with_token
from web.api.receiving import receiver_of
from web.api.refusals import refusal
from web.api.tokens import Sender
from web.fhir.admission import with_token_for_diagnoses
from web.fhir.results import found_resource
from web.frame.admission import open_to_everyone
from web.frame.errors import FHIR, outcome
from web.frame.locale import locale_of_program
from web.frame.refused_diagnoses import keep_refusal
from web.frame.service import Service, service_of
from web.reading.follow_ups import ask_for_follow_up, follow_up

logger = logging.getLogger("dermai.web")
ROOT = FHIR
BODIES = 4  # transactions that are held in memory at once; the next one waits
NOT_THERE = message("There is no such resource, or it is not one of yours.")
SentBy = Annotated[Sender, Depends(with_token)]
ConfirmedBy = Annotated[Sender, Depends(with_token_for_diagnoses)]


def router() -> APIRouter:
    """Of the interface; none of it is in the description of the other one."""
    routes = APIRouter(include_in_schema=False)
    routes.get(f"{ROOT}/metadata", dependencies=[Depends(open_to_everyone)])(metadata)
    routes.post(ROOT)(transaction)
    for kind in SENT_ALONE:
        routes.post(f"{ROOT}/{kind}")(confirm)
    routes.get(f"{ROOT}/{{kind}}/{{id}}")(read)
    return routes


def metadata() -> JSONResponse:
    """Say what can be done here."""
    return _answer(capability_statement())


async def transaction(request: Request, sender: SentBy) -> JSONResponse:
    """Take in a referral as `POST /api/v1/referrals` does; the same again gets the same answer."""
    receiver = receiver_of(request)
    try:
        service = await run_in_threadpool(receiver.service)
        with service.inbox.arriving() as folder:
            async with _bodies(request):
                content = await request.body()
                bundle = await run_in_threadpool(_read_bundle, content, folder, sender.site)
                del content
            answer = await service.receive(bundle.sent)
        entry = await run_in_threadpool(service.acknowledged, bundle.sent, answer.request_id)
    except (DermaiError, OSError) as error:  # a full disk
        return _refused(request, error)
    with speaking(locale_of_program(request)):
        return _answer(transaction_response(ReferralResult(entry), bundle.entries))


async def confirm(request: Request, sender: ConfirmedBy) -> JSONResponse:
    """Record a confirmed diagnosis as `dermai confirm` does; what follows of it is done afterwards."""
    service = service_of(request)
    try:
        resource = parsed(await request.body())
        if resource.get("resourceType") != request.url.path.rpartition("/")[2]:
            raise UnclearResource(message("the resource is of another type than the address"))
        done = await run_in_threadpool(_record, service, resource, sender)
    except (DermaiError, OSError) as error:
        if isinstance(error, Disagrees):  # perhaps a cancer that a reading missed: no program on the other side calls
            logger.warning("a confirmed diagnosis that came back was not recorded: %s", error)
        refused = _refused(request, error)
        refused.background = BackgroundTask(follow_up, service)  # what was asked for before it was refused
        return refused
    with speaking(locale_of_program(request)):
        answer = _answer(diagnosis_outcome(done.known), 200 if done.known else 201)
    answer.headers["Location"] = f"{ROOT}/Condition/{done.case}-{done.lesion}"
    answer.background = BackgroundTask(follow_up, service)
    return answer


def read(request: Request, kind: str, id: str, sender: SentBy) -> JSONResponse:
    """What a practice may know of a case that it sent, or a model that answered."""
    if kind not in READ:
        return outcome(request, 404, message("Only these are read here: %(kinds)s.", kinds=", ".join(READ)))
    try:
        found = found_resource(service_of(request), sender.site, kind, id)
    except DermaiError as error:
        return _refused(request, error)
    return outcome(request, 404, NOT_THERE) if found is None else _answer(found)


def _read_bundle(content: bytes, folder: Path, site: str) -> ReadBundle:
    return read_bundle(parsed(content), folder, site, datetime.now(UTC).date())


def _record(service: Service, resource: Resource, sender: Sender) -> RecordedDiagnosis:
    sent = read_diagnosis(resource)
    log = PredictionLog.of(service.workspace)
    numbers = SenderNumbers(load_pseudonyms(service.workspace), known=cache(log.pseudonyms))
    ask_for_follow_up(service.database)  # of one who is killed when it is recorded
    try:
        done = record_sent(log, sent, sender.site, numbers, sender.prefix)
    except Disagrees as error:
        keep_refusal(service.database, error.refused, sender.prefix)
        raise
    ask_for_follow_up(service.database)  # the first may have been done before this was recorded
    return done


def _bodies(request: Request) -> asyncio.Semaphore:
    state = request.app.state
    if not hasattr(state, "fhir_bodies"):
        state.fhir_bodies = asyncio.Semaphore(BODIES)
    found: asyncio.Semaphore = state.fhir_bodies
    return found


def _answer(resource: Resource, status: int = 200) -> JSONResponse:
    return JSONResponse(resource, status, media_type=FHIR_JSON)


def _refused(request: Request, error: DermaiError | OSError) -> JSONResponse:
    if isinstance(error, UnclearResource):
        return outcome(request, 409 if isinstance(error, Disagrees) else 422, str(error))
    why = refusal(error)
    return outcome(request, why.status, why.said, why.headers)
