"""In which language a request is answered: what its visitor chose, else the browser's before signing in."""

from __future__ import annotations

from starlette.requests import Request

from dermai.language.current import ENGLISH, Language, Locale, accepted_language, known_language
from web.frame.admission import visitor_from
from web.frame.service import service_of

PARAMETER = "language"  # of an address, and the field of a form before signing in


def locale_of(request: Request) -> Locale:
    """The visitor's own language, else the service's; before signing in what was asked for, else the browser's."""
    params = service_of(request).params.locale
    visitor = visitor_from(request)
    if visitor is not None:
        return Locale(visitor.language or params.language, params.time_zone)
    asked = asked_language(request) or accepted_language(request.headers.get("accept-language", ""))
    return Locale(asked or params.language, params.time_zone)


def asked_language(request: Request) -> Language | None:
    """What somebody who is not signed in chose on the page to sign in."""
    found: str = getattr(request.state, PARAMETER, "") or request.query_params.get(PARAMETER, "")
    return known_language(found)


def locale_of_program(request: Request) -> Locale:
    """Of what answers with JSON, or looks nothing up to answer: as the header asks, else English."""
    return Locale(accepted_language(request.headers.get("accept-language", "")) or ENGLISH)
