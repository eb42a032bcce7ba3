"""The whole service as one application: every room's routes behind the door, each with a permission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from dermai.workspace import Workspace
from web.administration import pages as administration
from web.api import routes as api
from web.api import token_pages
from web.api.receiving import Receiver
from web.api.upload import MOST_BYTES as MOST_OF_A_REFERRAL
from web.database import Database, migrate, open_database
from web.decisions import pages as decisions
from web.fhir import routes as fhir
from web.frame import assets
from web.frame.admission import Admission
from web.frame.door import MOST_BYTES, Door
from web.frame.errors import add_error_pages, broken, refused
from web.frame.service import LOOPBACK, Service
from web.overview import evidently, reports
from web.overview import pages as overview
from web.reading import pages as reading
from web.records import pages as records
from web.sign_in import pages as sign_in
from web.sign_in import provider_pages
from web.versions import pages as versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROUTERS = (
    assets.router,
    sign_in.router,
    provider_pages.router,
    reading.router,
    overview.router,
    decisions.router,
    versions.router,
    records.router,
    administration.router,
    token_pages.router,
    reports.router,
    api.router,
    fhir.router,
)
# Path, or the beginning of paths: bytes that a request's body may have there
BODY_LIMITS: Mapping[str, int] = {
    f"{api.ROOT}/referrals": MOST_OF_A_REFERRAL,
    f"{api.ROOT}/quality": MOST_OF_A_REFERRAL,
    fhir.ROOT: MOST_OF_A_REFERRAL,
    f"{fhir.ROOT}/": MOST_BYTES,
}


def create_application(
    workspace: Workspace,
    database: Database | None = None,
    *,
    hosts: frozenset[str] = LOOPBACK,
    secure: bool = False,
) -> FastAPI:
    """The service over a workspace. The database's tables are brought to this release's form.

    Args:
        hosts: names by which browsers may ask for it.
        secure: it is reached by TLS alone.

    Raises:
        ServiceUnavailable: the database does not answer.
        RuntimeError: a route names no permission; such a service does not start.
    """
    database = database or open_database(workspace)
    migrate(database)
    service, receiver = Service(workspace, database, hosts, secure), Receiver(workspace)

    @asynccontextmanager
    async def lifetime(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(receiver.open)
        yield
        await run_in_threadpool(receiver.close)
        database.close()

    application = FastAPI(title="dermai", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifetime)
    application.state.service, application.state.receiver = service, receiver
    for make_router in ROUTERS:
        router = make_router()
        for route in routes_of(router):
            admission_of(route)
        application.include_router(router)
    assets.add_assets(application)
    dashboard = evidently.EvidentlyDashboard(workspace)  # asks for a permission itself: it is no route of ours
    for address in evidently.ADDRESSES:
        application.router.routes += [Route(address, dashboard), Route(f"{address}/{{below:path}}", dashboard)]
    add_error_pages(application)
    application.add_middleware(
        Door, hosts=hosts | LOOPBACK, secure=secure, body_limits=BODY_LIMITS, broken=broken, refused=refused
    )
    return application


def routes_of(router: APIRouter) -> Iterator[APIRoute]:
    """All routes of a router.

    Raises:
        RuntimeError: something in it is no route of FastAPI's own, so that nobody knows who may use it.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise RuntimeError(f"{route} is no plain route: who may use it?")
        yield route


def admission_of(route: APIRoute) -> Admission:
    """Who may use a route.

    Raises:
        RuntimeError: it does not say, or says it twice.
    """
    found = [call for call in _calls(route.dependant) if isinstance(call, Admission)]
    if len(found) != 1:
        raise RuntimeError(
            f"{sorted(route.methods or ())} {route.path} must name who may use it, once: "
            "Depends(permitted(Permission....))"
        )
    return found[0]


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
