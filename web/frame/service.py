"""What a request is answered from: the workspace, its parameters, the database, and where the service is reached."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from starlette.requests import Request

from dermai.config import PROFILE_VARIABLE, Params, load_params, read_overrides
from dermai.workspace import Workspace
from web.database import Database

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Service:
    """One running service. `hosts` are the names by which browsers may ask for it; `secure`: it is reached by TLS."""

    workspace: Workspace
    database: Database
    hosts: frozenset[str] = LOOPBACK
    secure: bool = False

    @property
    def params(self) -> Params:
        """As params.yaml and the profile are now; read again only when a file changed."""
        files = (self.workspace.params_file, *sorted((self.workspace.root / "profiles").glob("*.yaml")))
        state = tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files)
        return _read_params(self.workspace, state, os.environ.get(PROFILE_VARIABLE, ""))

    def now(self) -> datetime:
        """This moment, in the time zone of pages: its day is what they call today."""
        return datetime.now(self.params.locale.spoken.zone)

    @property
    def idle(self) -> timedelta:
        """How long a session lasts without a page."""
        return timedelta(minutes=self.params.web.idle_minutes)

    @property
    def longest(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(hours=self.params.web.session_hours)


@lru_cache(maxsize=8)
def _read_params(workspace: Workspace, state: tuple[tuple[int, int], ...], profile: str) -> Params:
    return load_params(workspace.params_file, read_overrides(workspace.root))


def service_of(request: Request) -> Service:
    """The service that answers a request."""
    found: Service = request.app.state.service
    return found
