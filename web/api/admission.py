"""Who may use the interface for programs: a practice's token, in the header `Authorization: Bearer ...`."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from dermai.language.messages import message
from web.accounts.roles import Permission
from web.api.tokens import Sender, sender_of
from web.frame.admission import Admission, not_permitted, visitor_from
from web.frame.service import service_of

SCHEME = "bearer"
CHALLENGE = {"WWW-Authenticate": "Bearer"}


class WithToken(Admission):
    """For programs of practices. A cookie admits nobody: a page of another site could send it along."""

    permissions = (Permission.SEND_REFERRALS,)

    async def __call__(self, request: Request) -> Sender:
        """The practice whose token was sent.

        Raises:
            HTTPException: 401, there is none or it is not valid; 403, somebody is signed in who sends no referrals.
        """
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() == SCHEME and secret.strip():
            sender = await run_in_threadpool(sender_of, service_of(request).database, secret.strip())
            if sender is not None:
                return sender
            said = message("The token is unknown, over or revoked: ask the service for a new one.")
            raise HTTPException(401, said, CHALLENGE)
        visitor = await run_in_threadpool(visitor_from, request)
        if visitor is not None and not visitor.may(Permission.SEND_REFERRALS):
            raise HTTPException(403, not_permitted([Permission.SEND_REFERRALS]))
        raise HTTPException(
            401, message("Send a token of your practice in the header Authorization: Bearer ..."), CHALLENGE
        )


with_token = WithToken()
