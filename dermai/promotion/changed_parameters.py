"""Whether the last attempt, made again, would train with other parameters."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.config import Overrides, Params, changed_parameters, lay_over
from dermai.errors import InvalidParams
from dermai.promotion.history import latest_attempt
from dermai.records.log import records_of
from dermai.records.update_record import UpdateAttempt, UpdateRecord


def changed_since_last_attempt(audit: AuditLog, params: Params) -> tuple[str, ...]:
    """Parameters that change the model and differ from the last attempt's, a sentence each.

    An attempt that found nothing new had those of its champion. What an attempt laid over params.yaml is laid over
    `params` too: run as it was, it would be the same again. Nothing is known of attempts of older releases.
    """
    attempts = records_of(audit, UpdateRecord)
    if not attempts:
        return ()
    last = attempts[-1].body
    made = last if isinstance(last, UpdateAttempt) else None
    if made is None and last.champion and (of_champion := latest_attempt(audit, last.champion.version)):
        made = of_champion.body
    if made is None or made.training is None:
        return ()
    try:
        again = lay_over(params, Overrides(profile=last.profile, values=last.overrides))
    except InvalidParams:  # an override of another release: what that attempt would do now is not known
        return ()
    return changed_parameters(made.training.parameters, again)
