"""The worklist: what is to be read, in clinical order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from dermai.config import Params
from dermai.inbox.set_aside import referrals_set_aside
from dermai.triage.cases_to_read import CaseToRead
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.admission import permitted
from web.frame.page import page
from web.frame.refused_diagnoses import open_refusals
from web.frame.service import service_of
from web.reading.filters import DONE, Filter
from web.reading.follow_ups import follow_up, owed_follow_up
from web.reading.lists import RESTS_ON, reading_list

ON_A_PAGE = 100


def router() -> APIRouter:
    """Of the list."""
    routes = APIRouter()
    routes.get("/worklist")(worklist)
    return routes


def worklist(
    request: Request,
    visitor: Annotated[Visitor, Depends(permitted(Permission.READ_CASES))],
    site: str = "",
    risk: str = "",
    done: str = "",
    without: str = "",
    part: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """The cases that fit the filter, a hundred on a page."""
    service = service_of(request)
    now = service.now()
    listed, chosen, params = reading_list(service), Filter.of(site, risk, done, without), service.params
    shown = chosen.apply(listed, now)
    parts = max(1, -(-len(shown) // ON_A_PAGE))
    part = min(part, parts)
    here = shown[(part - 1) * ON_A_PAGE : part * ON_A_PAGE]
    problem = owed_follow_up(service.database)
    answer = page(
        request,
        "reading/worklist.html",
        chosen=chosen,
        cases=here,
        listed=listed,
        late={case.case_id: overdue(case, listed.states[case.case_id], params, now) for case in here},
        now=now,
        total=len(shown),
        read=sum(listed.states[case.case_id] == "read" for case in shown),
        sites=sorted({case.site for case in listed.cases}),
        ways=DONE,
        part=part,
        parts=parts,
        first=(part - 1) * ON_A_PAGE + 1,
        problem=problem,
        set_aside=referrals_set_aside(service.workspace),
        rests_on=RESTS_ON,
        refusals=open_refusals(service),
    )
    if problem is not None:
        answer.background = BackgroundTask(follow_up, service)
    return answer


def overdue(case: CaseToRead, state: str, params: Params, now: datetime) -> bool:
    """Whether an unread case waits longer than the target of its level."""
    target = {str(level): days for level, days in params.triage.waiting_days.items()}.get(case.risk, 0)
    return state != "read" and 0 < target < case.days(now)
