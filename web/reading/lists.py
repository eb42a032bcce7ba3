"""The reading list of a service, and the case that a visitor may see of it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fastapi import HTTPException

from dermai.data.pseudonyms import key_file, load_pseudonyms
from dermai.gate.reference_standard import NAMES
from dermai.language.messages import message
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import read_retakes
from dermai.triage.cases_to_read import CaseToRead
from dermai.triage.practice_cases import PracticeCase, practice_cases
from dermai.triage.reading_list import ReadingList, ReadingLists
from dermai.workspace import Workspace
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.service import Service

RESTS_ON = {**NAMES, "": message("not recorded")}
NO_SUCH_CASE = message("There is no such case, or it is not one of yours.")


def reading_list(service: Service) -> ReadingList:
    """As the log stands now; made anew only when it has changed.

    Raises:
        DermaiError: the pseudonym key is gone, or the audit log does not verify.
    """
    return _lists(service.workspace, key_file()).now(service.params)


@lru_cache(maxsize=4)
def _lists(workspace: Workspace, key: Path) -> ReadingLists:
    return ReadingLists(workspace, load_pseudonyms(workspace, key))


def case_for(visitor: Visitor, listed: ReadingList, case_id: str) -> CaseToRead:
    """A case that this visitor may see: a practice its own alone.

    Raises:
        HTTPException: 404, there is none, or it is another practice's: nobody learns which of the two.
    """
    case = listed.by_id.get(case_id)
    if case is None or not (visitor.may(Permission.READ_CASES) or case.site == visitor.site):
        raise HTTPException(404, NO_SUCH_CASE)
    return case


def own_cases(service: Service, visitor: Visitor) -> tuple[PracticeCase, ...]:
    """What a practice sent, with its state."""
    log = PredictionLog.of(service.workspace)
    return practice_cases(reading_list(service), read_retakes(log)[0], read_retakes(log, "set_aside")[0], visitor.site)
