"""Who may send confirmed diagnoses: a practice's token that was made for it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

from dermai.language.messages import message
from web.api.admission import WithToken
from web.api.tokens import Sender


class WithTokenForDiagnoses(WithToken):
    """As `WithToken`, and models learn from what comes with it: a phone's token is not enough."""

    async def __call__(self, request: Request) -> Sender:
        """The practice whose token was sent.

        Raises:
            HTTPException: as `WithToken`, and 403 where the token is for referrals alone.
        """
        sender = await super().__call__(request)
        if not sender.diagnoses:
            raise HTTPException(
                403, message("This token sends referrals alone: ask the service for one that sends diagnoses.")
            )
        return sender


with_token_for_diagnoses = WithTokenForDiagnoses()
