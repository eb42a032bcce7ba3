"""Tokens, and what phones send with them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageFilter

from tests.triage.referrals import paint
from web.api.tokens import add_token

if TYPE_CHECKING:
    from fastapi import FastAPI

CASE = {"case_id": "A-1", "patient_id": "P-1", "age": "61", "sex": "f"}


def token_for(application: FastAPI, site: str = "Porto", days: int = 30, diagnoses: bool = False) -> dict[str, str]:
    """The header of a practice."""
    with application.state.service.database.writing() as session:
        secret = add_token(session, site, days, diagnoses=diagnoses)[1]
    return {"Authorization": f"Bearer {secret}"}


def jpeg(seed: int = 0, blurred: bool = False, exif: bytes = b"") -> bytes:
    """A painted lesion as a file."""
    picture, buffer = paint(np.random.default_rng(seed)), io.BytesIO()
    (picture.filter(ImageFilter.GaussianBlur(6)) if blurred else picture).save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


def close_up(content: bytes, name: str = "photograph.jpg") -> list[tuple[str, tuple[str, bytes, str]]]:
    """The file part of a form."""
    return [("close_up", (name, content, "image/jpeg"))]
