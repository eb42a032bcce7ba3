"""The referral service of this process: started with the first request that needs it, closed with the application."""

from __future__ import annotations

import threading

from starlette.requests import Request

from dermai.config import load_params, read_overrides
from dermai.inbox.entries import Inbox
from dermai.inbox.service import ReferralService
from dermai.workspace import Workspace


class Receiver:
    """Holds the one `ReferralService` of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._lock = threading.Lock()
        self._service: ReferralService | None = None

    def open(self) -> None:
        """Go on with what an earlier process acknowledged and could not file any more."""
        if Inbox.of(self.workspace).count():
            self.service()

    def service(self) -> ReferralService:
        """The service, ready for referrals.

        Raises:
            DermaiError: another process takes referrals in for this workspace, or its parameters or keys are no good.
        """
        with self._lock:
            if self._service is None:
                workspace = self.workspace
                made = ReferralService(workspace, load_params(workspace.params_file, read_overrides(workspace.root)))
                made.start()
                self._service = made
            return self._service

    @property
    def problem(self) -> str:
        """Why acknowledged referrals wait for the prediction log; empty where they do not."""
        return self._service.filing_problem if self._service else ""

    def close(self) -> None:
        """File what waits, and stop."""
        with self._lock:
            if self._service is not None:
                self._service.close()
            self._service = None


def receiver_of(request: Request) -> Receiver:
    """The receiver of the application that answers a request."""
    found: Receiver = request.app.state.receiver
    return found
