"""The registry's aliases as the records ask for them."""

from __future__ import annotations

import logging
from contextlib import suppress

from dermai.audit import AuditLog
from dermai.errors import UnknownVersion
from dermai.promotion.history import champion_history, champion_moves, recorded_anchor, waiting_version
from dermai.promotion.standing import mark_standing
from dermai.records.log import records_of
from dermai.records.moves import ChampionMove, Confirmation, Move
from dermai.registry.champion import ModelReference, reference_to
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHALLENGER, CHAMPION, PREVIOUS

log = logging.getLogger(__name__)


def set_aliases(audit: AuditLog, registry: Registry, move: Move) -> None:
    """Set the aliases that a recorded move asks for; doing it twice is doing it once.

    A challenger that no longer waits is none: it was settled, or compared with a champion that is gone.
    """
    challenger = registry.by_alias(CHALLENGER)
    if isinstance(move, ChampionMove):
        known = {version.version for version in registry.versions()}
        if move.rollback_target in known:  # one that learnt a withdrawn patient is deleted
            registry.set_alias(PREVIOUS, str(move.rollback_target))
        else:
            registry.delete_alias(PREVIOUS)
        anchor = recorded_anchor(audit)
        if anchor is not None:
            registry.set_alias(ANCHOR, anchor.version)
        registry.set_alias(CHAMPION, move.version)
    elif not champion_history(audit):
        for alias in (CHAMPION, ANCHOR):
            registry.delete_alias(alias)  # set by hand: the records know of no champion
    mark_standing(audit, registry)
    if challenger and challenger.version != waiting_version(audit):
        registry.delete_alias(CHALLENGER)


def finish_moves(audit: AuditLog, registry: Registry) -> list[str]:
    """Carry out the moves that were recorded and not confirmed; says in a sentence each what was done."""
    confirmed = {record.body.of for record in records_of(audit, Confirmation)}
    done = []
    for record in records_of(audit, Move):
        if record.sequence in confirmed:
            continue
        move, what = record.body, f"the {record.event} of version {record.body.version}"
        confirmation = Confirmation(of=record.sequence, move=move.event, version=move.version, repaired=True)
        try:
            set_aliases(audit, registry, move)
        except UnknownVersion as error:
            audit.append(confirmation.model_copy(update={"void": True, "why": str(error)}))
            done.append(f"{what} was recorded but is void: {error}")
        else:
            audit.append(confirmation)
            done.append(f"{what} was recorded (record {record.sequence}) but not finished: finished now")
    if champion_moves(audit):
        done += _put_anchor_back(recorded_anchor(audit), registry)
    waiting = waiting_version(audit)
    if waiting and not any(CHALLENGER in known.aliases for known in registry.versions() if known.version == waiting):
        with suppress(UnknownVersion):
            registry.set_alias(CHALLENGER, waiting)
            done.append(f"version {waiting} waits for a decision but was not the challenger: it is now")
    for repaired in done:
        log.warning("repaired: %s", repaired)
    return done


def _put_anchor_back(recorded: ModelReference | None, registry: Registry) -> list[str]:
    """The anchor is what the records say, whatever its alias was moved to."""
    found = registry.by_alias(ANCHOR)
    if reference_to(found) == recorded:
        return []
    if recorded is None:
        registry.delete_alias(ANCHOR)
        return ["the anchor's alias was set outside dermai: the records name no anchor yet"]
    if found and found.version == recorded.version:
        return []  # another package under its number: the registry has to be put back
    try:
        registry.set_alias(ANCHOR, recorded.version)
    except UnknownVersion:
        return []
    return [f"the anchor is version {recorded.version} again, as recorded: its alias was moved outside dermai"]
