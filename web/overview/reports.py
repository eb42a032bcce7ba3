"""The reports that pipelines and commands write, as they are.

Who may not see cases gets them without photographs and pseudonyms, Great Expectations' Data Docs too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from dermai.ci.report_files import without_photographs, without_pseudonyms
from dermai.language.messages import message
from dermai.records.referral_replay import PAGE as REPLAY
from web.accounts.access_log import note_access
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.admission import not_permitted, permitted
from web.frame.service import service_of

SERVED = {".html", ".css", ".svg", ".ico", ".woff", ".woff2", ".ttf", ".json"}
WORDS = {".html": "text/html", ".json": "application/json", ".svg": "image/svg+xml"}  # may name cases
PICTURES = {".png", ".jpg", ".jpeg"}
OF_CASES = ("triage_cases", "incidents")  # folders whose every page is about single cases and shows photographs
# The reports hold their style in themselves, and no script
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def router() -> APIRouter:
    """Of the reports."""
    routes = APIRouter()
    routes.get("/reports/{place:path}")(report)
    return routes


def report(
    request: Request, place: str, visitor: Annotated[Visitor, Depends(permitted(Permission.READ_REPORTS))]
) -> Response:
    """A page, picture or table of figures below the reports; `latest` leads to the newest run's own address."""
    service = service_of(request)
    path = served_file(service.workspace.reports, place)
    if path is None:
        raise HTTPException(404, message("A report may have been removed with its run, or was never made."))
    found = path.relative_to(service.workspace.reports.resolve()).as_posix()
    if found != place:
        return RedirectResponse(f"/reports/{found}", 303)
    sees_photographs = visitor.may(Permission.READ_CASES)
    if needs_photographs(found):
        if not sees_photographs:
            raise HTTPException(403, not_permitted([Permission.READ_CASES]))
        note_access(service.database, visitor, "", f"/reports/{found}")
    headers = {"Content-Security-Policy": POLICY}
    if path.suffix in WORDS and not sees_photographs:
        shown = without_pseudonyms(without_photographs(path.read_text(encoding="utf-8")))
        return Response(shown, media_type=f"{WORDS[path.suffix]}; charset=utf-8", headers=headers)
    return FileResponse(path, headers=headers)


def served_file(folder: Path, place: str) -> Path | None:
    """The file at a place below the reports; None for anything else, tables of predictions included."""
    try:
        path = (folder / place).resolve()
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError):
        return None
    return path if inside and path.suffix in SERVED | PICTURES and path.name != "monitoring.json" else None


def needs_photographs(place: str) -> bool:
    """Whether a place below the reports is for those alone who may see photographs of all cases."""
    return place.partition("/")[0] in OF_CASES or Path(place).suffix in PICTURES or Path(place).name == REPLAY
