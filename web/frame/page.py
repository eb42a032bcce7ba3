"""Pages: a template of a room, within the frame that all pages share."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

import web
from dermai.language.current import speaking
from dermai.report.pages import environment_with
from web.accounts.sessions import csrf_token, new_secret
from web.frame.admission import CSRF_FIELD, FORM_COOKIE, form_secret, visitor_from
from web.frame.locale import locale_of
from web.frame.navigation import entries_for
from web.frame.service import service_of
from web.frame.situation import situation_of

ROOMS = Path(web.__file__).parent


def page(request: Request, template: str, status: int = 200, **content: Any) -> HTMLResponse:
    """A template as `room/name.html`, from `web/room/templates/`; it extends `frame.html` and fills its blocks.

    Every value is escaped, and an unknown name is an error. Templates know, beside what they are given: `visitor`
    (None before signing in), `may` (the permissions), `csrf_field()` for each form that changes something, `situation`.
    The page speaks the visitor's language: what a template says stands in `{% trans %}` or `_()`, what Python says goes
    through the filters of `dermai.report.wording`.
    """
    service, visitor, secret = service_of(request), visitor_from(request), form_secret(request)
    fresh = "" if secret else new_secret()
    token = csrf_token(secret or fresh)
    params = service.params
    situation = situation_of(service) if visitor else None
    with speaking(locale_of(request)):
        text = (
            environment()
            .get_template(template)
            .render(
                visitor=visitor,
                entries=entries_for(visitor),
                here=request.url.path,
                csrf=token,
                csrf_field=lambda: Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token),
                as_of=datetime.now(UTC),
                situation=situation,
                old_days=situation.old_days(params.web.data_old_days) if situation else 0,
                **content,
            )
        )
    response = HTMLResponse(text, status)
    if fresh:
        response.set_cookie(FORM_COOKIE, fresh, httponly=True, samesite="strict", secure=service.secure)
    return response


@cache
def environment() -> Environment:
    """The rooms' templates, with the macros, words and figures of the reports."""
    from web.accounts.roles import Permission

    rooms = {folder.parent.name: PackageLoader(f"web.{folder.parent.name}") for folder in ROOMS.glob("*/templates")}
    found = environment_with(
        ChoiceLoader([PrefixLoader(rooms), PackageLoader("web.frame"), PackageLoader("dermai.report")])
    )
    found.globals["Permission"] = Permission
    return found
