"""What a visitor is told when a page is not there, not theirs, or cannot be made: a page, or JSON for a program."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from dermai.errors import DermaiError, InvalidParams, Refused, ServiceUnavailable
from dermai.exchange.outcomes import FHIR_JSON, operation_outcome
from dermai.language.current import speaking
from dermai.language.messages import message
from dermai.language.translation import in_language
from web.frame.addresses import sign_in_address
from web.frame.admission import READING, NotSignedIn
from web.frame.locale import locale_of_program
from web.frame.page import environment, page

logger = logging.getLogger("dermai.web")
FHIR = "/fhir"  # what lies there answers with FHIR's JSON
PROGRAMS = ("/api/", FHIR)  # what lies below answers with JSON
HEADINGS = {
    400: message("This could not be understood"),
    401: message("Nobody is signed in"),
    403: message("This page is not for you"),
    404: message("There is no such page"),
    405: message("This page is only read"),
    409: message("This cannot be done now"),
    413: message("This is too large"),
    422: message("Something is missing or wrong"),
    429: message("Too many attempts"),
    503: message("Something is not running"),
}
NEXT_STEPS = {
    404: message(
        "It may have been moved, or belong to a run whose report was removed. The navigation leads to all pages."
    ),
    403: message("If you need it for your work, ask whoever runs this service for another role."),
}


def add_error_pages(application: FastAPI) -> None:
    """Let the application answer every error by a page of ours."""
    application.add_exception_handler(NotSignedIn, _not_signed_in)
    application.add_exception_handler(HTTPException, _refused)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(DermaiError, _failed)


def broken(request: Request, name: str) -> Response:
    """What is said of an error that nobody foresaw, without looking anything up: even that may be what broke."""
    if request.url.path.startswith(PROGRAMS):
        said = message("An error that nobody foresaw; the log of the service calls it %(name)s.", name=name)
        return told(request, 500, said)
    with speaking(locale_of_program(request)):
        return HTMLResponse(environment().get_template("broken.html").render(name=name), 500)


def refused(request: Request, status: int, said: str) -> Response:
    """What is said of a request that is not looked at any further."""
    if request.url.path.startswith(PROGRAMS):
        return told(request, status, said.strip())
    with speaking(locale_of_program(request)):
        return PlainTextResponse(f"{in_language(said.strip())}\n", status)


def told(request: Request, status: int, detail: str) -> JSONResponse:
    """An error for a program, in the form that its part of the service speaks and in the language that it asks for."""
    if request.url.path.startswith(FHIR):
        return outcome(request, status, detail)
    return problem(request, status, detail)


def problem(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error for a program, in the form of RFC 9457 and in the language that it asks for."""
    with speaking(locale_of_program(request)):
        content = {"title": in_language(HEADINGS.get(status, "Error")), "status": status, "detail": in_language(detail)}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def outcome(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as FHIR's OperationOutcome, in the language that is asked for."""
    with speaking(locale_of_program(request)):
        content = operation_outcome(status, in_language(detail))
    return JSONResponse(content, status, headers, media_type=FHIR_JSON)


def _not_signed_in(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(PROGRAMS):
        return told(request, 401, message("Sign in, or send a token."))
    if request.method not in READING:
        return page(request, "error.html", 401, heading=message("You are not signed in any more"),
                    said=message("What you sent was not taken."),
                    next_step=message("Sign in, and send it again."))  # fmt: skip
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(sign_in_address(wanted), 303)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = "" if error.detail in ("Not Found", "Method Not Allowed") else error.detail
    answer = _answer(request, error.status_code, said)
    answer.headers.update(error.headers or {})
    return answer


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
    return _answer(request, 422, message("What was sent does not fit this page (%(what)s).", what=said))


def _failed(request: Request, error: Exception) -> Response:
    unready = isinstance(error, ServiceUnavailable | InvalidParams)  # no request that is sent can be wrong so
    status = 503 if unready else 409 if isinstance(error, Refused) else 422
    return _answer(request, status, str(error))


def _answer(request: Request, status: int, said: str) -> Response:
    if request.url.path.startswith(PROGRAMS):
        return told(request, status, said or HEADINGS.get(status, ""))
    heading = HEADINGS.get(status, message("This did not work"))
    try:
        return page(request, "error.html", status, heading=heading, said=said, next_step=NEXT_STEPS.get(status, ""))
    except DermaiError as error:  # what a page is made from is what is wrong: settings, records, database
        return _without_a_frame(request, error)


def _without_a_frame(request: Request, error: DermaiError) -> Response:
    """A page that is made from nothing but the message, which names the file and what is wrong with it."""
    said = " ".join(str(error).split())
    logger.error("no page can be made: %s", said)
    what = "settings" if isinstance(error, InvalidParams) else "service"
    with speaking(locale_of_program(request)):
        return HTMLResponse(environment().get_template("not_ready.html").render(said=said, what=what), 503)
