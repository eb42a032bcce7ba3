"""What senders are told when something is not taken in, whatever the form of the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from dermai.errors import DermaiError
from dermai.inbox.sent import UnclearReferral
from dermai.inbox.service import Busy, KnownCase
from dermai.language.messages import message

SOON, LATER = "2", "300"  # seconds after which a sender tries again
logger = logging.getLogger("dermai.web")


@dataclass(frozen=True)
class Refusal:
    """A status of HTTP, what the sender is told, and headers such as Retry-After."""

    status: int
    said: str
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(error: DermaiError | OSError) -> Refusal:
    """Why nothing was taken in; what is wrong with the service itself stands in its log alone."""
    if isinstance(error, UnclearReferral):
        return Refusal(422, str(error))
    if isinstance(error, KnownCase):
        return Refusal(409, str(error))
    if isinstance(error, Busy):
        return Refusal(503, str(error), {"Retry-After": SOON})
    logger.error("nothing is taken in: %s", error)
    said = message("Nothing can be taken in at present: send it again later. The service's log says why.")
    return Refusal(503, said, {"Retry-After": LATER})
