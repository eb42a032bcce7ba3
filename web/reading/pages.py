"""All routes of this room."""

from __future__ import annotations

from fastapi import APIRouter

from web.reading import case_page, own_cases, photographs, signing, worklist


def router() -> APIRouter:
    """Of the worklist, the cases, and a practice's own."""
    routes = APIRouter()
    for module in (worklist, case_page, photographs, signing, own_cases):
        for route in module.router().routes:
            routes.routes.append(route)
    return routes
