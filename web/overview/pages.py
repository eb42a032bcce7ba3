"""Where each role begins, and the team's overview."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dermai.language.current import speaking
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.admission import permitted
from web.frame.locale import locale_of
from web.frame.navigation import entries_for
from web.frame.page import page
from web.frame.service import service_of
from web.overview.overview import overview_content


def router() -> APIRouter:
    """Of the first pages."""
    routes = APIRouter()
    routes.get("/")(first_page)
    routes.get("/overview")(overview)
    return routes


def first_page(visitor: Annotated[Visitor, Depends(permitted(Permission.USE_OWN_ACCOUNT))]) -> Response:
    """To the first page that the navigation offers this visitor."""
    return RedirectResponse(entries_for(visitor)[0].address, 303)


def overview(request: Request, visitor: Annotated[Visitor, Depends(permitted(Permission.READ_OVERVIEW))]) -> Response:
    """How the service stands."""
    service = service_of(request)
    with speaking(locale_of(request)):
        content = overview_content(service.workspace, service.params, visitor)
    return page(request, "overview/overview.html", **content)
