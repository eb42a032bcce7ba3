"""Stored photographs and evidence maps, to those who may see the case; each look is written down first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from dermai.data.cases import photograph_path
from dermai.language.messages import message
from dermai.report.overlay import heat_layer
from dermai.triage.case_evidence import evidence_map, operating_points
from dermai.triage.scoring import triage_folder
from web.accounts.access_log import note_access
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.admission import permitted
from web.frame.service import service_of
from web.reading.lists import case_for, reading_list

ToWhoMaySee = Depends(permitted(Permission.READ_CASES, Permission.READ_OWN_CASES))


def router() -> APIRouter:
    """Of the pictures."""
    routes = APIRouter()
    routes.get("/cases/{case_id}/photographs/{image}.jpg")(photograph)
    routes.get("/cases/{case_id}/evidence.png")(evidence)
    return routes


def photograph(request: Request, case_id: str, image: str, visitor: Annotated[Visitor, ToWhoMaySee]) -> Response:
    """The whole stored photograph, which no browser or proxy keeps."""
    service = service_of(request)
    case = case_for(visitor, reading_list(service), case_id)
    if image not in {photograph.image for photograph in case.photographs}:
        raise HTTPException(404, message("The case has no such photograph."))
    path = photograph_path(triage_folder(service.workspace), image)
    if not path.is_file():
        raise HTTPException(404, message("The photograph is not on this machine any more: restore it from a backup."))
    note_access(service.database, visitor, case_id, message("photograph"))
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def evidence(
    request: Request, case_id: str, visitor: Annotated[Visitor, Depends(permitted(Permission.READ_CASES))]
) -> Response:
    """Where the model saw the evidence for the class that it called, to be laid over the photograph."""
    service = service_of(request)
    listed = reading_list(service)
    case = case_for(visitor, listed, case_id)
    answer = listed.answer(case)
    points = operating_points(service.workspace, service.params, answer.version) if answer else {}
    called = answer.explained(points) if answer else None
    if answer is None or called is None:
        raise HTTPException(404, message("No answer of a model is shown for this case."))
    note_access(service.database, visitor, case_id, message("evidence map"))
    heat, crop = evidence_map(service.workspace, service.params, answer.version, answer.image, called.code)
    layer = heat_layer(photograph_path(triage_folder(service.workspace), answer.image), heat, crop)
    return Response(layer, media_type="image/png", headers={"Cache-Control": "no-store"})
