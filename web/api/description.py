"""The interface as OpenAPI describes it, with examples."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from dermai.inbox.sent import FIELDS, ROLES
from web.api.upload import FOLLOWS, JSON_PART

PHOTOGRAPH = {"type": "string", "format": "binary"}
MEANING = {
    "close_up": "the lesion from near by; may come several times, as may the others",
    "locating": "where on the body it is",
    "dermoscopic": "through a dermatoscope",
    "photograph": "what it shows is not known",
}
_PHOTOGRAPHS = {role: {"type": "array", "items": PHOTOGRAPH, "description": MEANING[role]} for role in ROLES}
_FIELDS = {name: {"type": "string"} for name in (*FIELDS, FOLLOWS)}
_EXAMPLE = {"case_id": "2026-0117", "patient_id": "P-4711", "age": "61", "sex": "f", "body_site": "back", "itch": "no"}


def _form(properties: dict[str, Any], required: Sequence[str] = (), example: Any = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    content = {"schema": schema} | ({"example": example} if example else {})
    return {"requestBody": {"required": True, "content": {"multipart/form-data": content}}}


REFERRAL = _form(
    {
        **_PHOTOGRAPHS,
        **_FIELDS,
        JSON_PART: {"type": "string", "contentMediaType": "application/json", "description": "the fields as an object"},
    },
    example=_EXAMPLE,
)
PHOTOGRAPHS = _form(_PHOTOGRAPHS)


def _problem(status: int, said: str, detail: str) -> dict[str, Any]:
    example = {"title": said, "status": status, "detail": detail}
    properties = {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}}
    schema = {"type": "object", "properties": properties}
    return {"description": said, "content": {"application/problem+json": {"schema": schema, "example": example}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _problem(401, "No valid token", "The token is unknown, over or revoked: ask the service for a new one."),
    409: _problem(409, "The case is known with other content", "this case number came in under another patient: ..."),
    413: _problem(413, "Too large", "This is more than the 100 MB that can be taken here."),
    422: _problem(422, "Not clear", "the patient number is missing: fill it in and hand the row in again"),
    503: _problem(503, "Not now; the header Retry-After says when", "the service is busy: send it again in a moment"),
}


def description(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Of these routes."""
    found = get_openapi(
        title="dermai",
        version=version("dermai"),
        description="Referrals of skin lesions, sorted by risk. The software does not diagnose.",
        routes=routes,
    )
    found.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    return found
