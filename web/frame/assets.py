"""Style sheets and scripts: each room's `static/` below `/assets/<room>/`, and the style that the reports have, too."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

import web
from web.frame.admission import open_to_everyone


class Assets(StaticFiles):
    """Files of this package: asked for again each time, sent only when they changed."""

    def file_response(self, *arguments: object, **more: object) -> Response:
        """A file, or that it is unchanged."""
        response = super().file_response(*arguments, **more)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response


def add_assets(application: FastAPI) -> None:
    """Serve them to everyone: the page to sign in needs them."""
    for folder in sorted(Path(web.__file__).parent.glob("*/static")):
        application.mount(f"/assets/{folder.parent.name}", Assets(directory=folder))


def router() -> APIRouter:
    """Of the reports' style."""
    routes = APIRouter()
    routes.get("/assets/report.css", dependencies=[Depends(open_to_everyone)])(report_style)
    return routes


def report_style() -> Response:
    """The style of all reports."""
    style = files("dermai.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    return Response(style, media_type="text/css", headers={"Cache-Control": "no-cache"})
