"""Referrals for tests, as phones send them, and a service that takes them in."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ImageFilter

from dermai.config import Params
from dermai.inbox.answer import ReferralAnswer
from dermai.inbox.sent import SentPhotograph, SentReferral
from dermai.inbox.service import ReferralService
from dermai.workspace import Workspace
from tests.triage.referrals import paint


def photograph(folder: Path, seed: int = 0, role: str = "close_up", blurred: bool = False) -> SentPhotograph:
    """A painted lesion in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{seed}-{role}-{blurred}.jpg"
    picture = paint(np.random.default_rng(seed))
    (picture.filter(ImageFilter.GaussianBlur(6)) if blurred else picture).save(file, quality=95)
    return SentPhotograph(file, hashlib.sha256(file.read_bytes()).hexdigest(), role)


def referral(*photographs: SentPhotograph, case: str = "A-1", patient: str = "P-1", **more: str) -> SentReferral:
    """Of one case."""
    follows, site = more.pop("follows", ""), more.pop("site", "Porto")
    fields = {"case_id": case, "patient_id": patient, "age": "61", "sex": "f", **more}
    return SentReferral(site, fields, photographs, follows)


@contextmanager
def receiving(workspace: Workspace, params: Params) -> Iterator[ReferralService]:
    """A service that is started, and closed at the end, when everything is filed."""
    service = ReferralService(workspace, params)
    service.start()
    try:
        yield service
    finally:
        service.close()


def send(service: ReferralService, *referrals: SentReferral) -> list[ReferralAnswer]:
    """All at once; the answers in their order."""

    async def together() -> list[ReferralAnswer]:
        return list(await asyncio.gather(*(service.receive(one) for one in referrals)))

    return asyncio.run(together())
