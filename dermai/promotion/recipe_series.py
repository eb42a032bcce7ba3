"""The challengers of one recipe that waited one after the other in a champion's reign: their evidence carries over.

Challengers are of one recipe where their records name the same training parameters and the same speed, and where they
were compared with the same champion and anchor under the same policy. A series ends with harm (a candidate that is
rejected by the gate, by daily practice or by name), with another recipe, and with any move of the champion; where
records were lost, each may have ended one.
"""

from __future__ import annotations

from dataclasses import dataclass

from dermai.audit import AuditLog
from dermai.gate.recorded_policy import policy_changes
from dermai.promotion.history import records_lost, reign_begins
from dermai.records.log import Record, records_of
from dermai.records.moves import LaterDecision, Move
from dermai.records.update_record import UpdateAttempt


@dataclass(frozen=True)
class RecipeSeries:
    """The attempts of a series, oldest first, up to one of them; `number` counts the series of a reign, from 1."""

    number: int
    attempts: tuple[Record[UpdateAttempt], ...]

    @property
    def waited(self) -> tuple[tuple[Record[UpdateAttempt], str], ...]:
        """The earlier attempts, each with the time of the next, up to which its candidate waited."""
        pairs = zip(self.attempts, self.attempts[1:], strict=False)
        return tuple((attempt, following.time) for attempt, following in pairs)


def recipe_series(audit: AuditLog, attempt: Record[UpdateAttempt]) -> RecipeSeries:
    """The series of an attempt whose candidate waits for evidence."""
    begun, until = reign_begins(audit, attempt.sequence), attempt.sequence
    ended = {record.sequence for record in records_of(audit, Move)}
    ended |= {record.sequence for record in records_of(audit, LaterDecision) if record.body.outcome == "reject"}
    lost = {sequence: count for sequence, count in records_lost(audit) if begun < sequence < until}
    attempts = {record.sequence: record for record in records_of(audit, UpdateAttempt)}
    number, members = 0, list[Record[UpdateAttempt]]()
    for sequence in sorted(each for each in {*ended, *lost, *attempts} if begun < each <= until):
        number += lost.get(sequence, 0)
        found = attempts.get(sequence)
        if found is None or found.body.outcome == "reject":
            members = []
        elif found.body.outcome == "insufficient_evidence":
            if not members or not _of_one_recipe(members[-1].body, found.body):
                number, members = number + 1, []
            members.append(found)
    return RecipeSeries(max(number, 1), tuple(members))


def _of_one_recipe(one: UpdateAttempt, other: UpdateAttempt) -> bool:
    """Whether two candidates were made alike and compared with the same models; never where nothing is known of it."""
    if one.training is None or other.training is None or not one.training.parameters:
        return False
    made = [(each.training.parameters, each.speed) for each in (one, other) if each.training]
    beside = [(each.champion, each.anchor) for each in (one, other)]
    return made[0] == made[1] and beside[0] == beside[1] and not policy_changes(one.policy, other.policy)
