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
from web.frame.addresses import sign_in_address
from web.frame.admission import READING, NotSignedIn
from web.frame.page import environment, page

logger = logging.getLogger("dermai.web")
FHIR = "/fhir"  # what lies there answers with FHIR's JSON
PROGRAMS = ("/api/", FHIR)  # what lies below answers with JSON
HEADINGS = {
    400: "This could not be understood",
    401: "Nobody is signed in",
    403: "This page is not for you",
    404: "There is no such page",
    405: "This page is only read",
    409: "This cannot be done now",
    413: "This is too large",
    422: "Something is missing or wrong",
    429: "Too many attempts",
    503: "Something is not running",
}
NEXT_STEPS = {
    404: "It may have been moved, or belong to a run whose report was removed. The navigation leads to all pages.",
    403: "If you need it for your work, ask whoever runs this service for another role.",
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
        return told(request, 500, f"An error that nobody foresaw; the log of the service calls it {name}.")
    return HTMLResponse(environment().get_template("broken.html").render(name=name), 500)


def refused(request: Request, status: int, said: str) -> Response:
    """What is said of a request that is not looked at any further."""
    if request.url.path.startswith(PROGRAMS):
        return told(request, status, said.strip())
    return PlainTextResponse(said, status)


def told(request: Request, status: int, detail: str) -> JSONResponse:
    """An error for a program, in the form that its part of the service speaks."""
    return (outcome if request.url.path.startswith(FHIR) else problem)(status, detail)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error for a program, in the form of RFC 9457."""
    content = {"title": HEADINGS.get(status, "Error"), "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def outcome(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as FHIR's OperationOutcome."""
    return JSONResponse(operation_outcome(status, detail), status, headers, media_type=FHIR_JSON)


def _not_signed_in(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(PROGRAMS):
        return told(request, 401, "Sign in, or send a token.")
    if request.method not in READING:
        return page(request, "error.html", 401, heading="You are not signed in any more",
                    said="What you sent was not taken.", next_step="Sign in, and send it again.")  # fmt: skip
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
    return _answer(request, 422, said)


def _failed(request: Request, error: Exception) -> Response:
    unready = isinstance(error, ServiceUnavailable | InvalidParams)  # no request that is sent can be wrong so
    status = 503 if unready else 409 if isinstance(error, Refused) else 422
    return _answer(request, status, str(error))


def _answer(request: Request, status: int, said: str) -> Response:
    if request.url.path.startswith(PROGRAMS):
        return told(request, status, said or HEADINGS.get(status, ""))
    heading = HEADINGS.get(status, "This did not work")
    try:
        return page(request, "error.html", status, heading=heading, said=said, next_step=NEXT_STEPS.get(status, ""))
    except DermaiError as error:  # what a page is made from is what is wrong: settings, records, database
        return _without_a_frame(error)


def _without_a_frame(error: DermaiError) -> Response:
    """A page that is made from nothing but the message, which names the file and what is wrong with it."""
    said = " ".join(str(error).split())
    logger.error("no page can be made: %s", said)
    what = "settings" if isinstance(error, InvalidParams) else "service"
    return HTMLResponse(environment().get_template("not_ready.html").render(said=said, what=what), 503)
