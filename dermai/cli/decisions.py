"""`dermai promote`, `reject`, `rollback`, `settle-alarms`, `acknowledge`: what a named person decides and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.named_persons import Approver, Reason, Role, done, opened, say
from dermai.cli.options import Profile, Settings

if TYPE_CHECKING:
    from dermai.audit import Entry
    from dermai.config import Params
    from dermai.workspace import Workspace

Version = Annotated[str, typer.Argument(help="Number in the registry; the challenger where none is given.")]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command()(promote)
    application.command()(reject)
    application.command()(rollback)
    application.command(name="settle-alarms")(settle_alarms)
    application.command()(acknowledge)


def promote(
    approver: Approver,
    role: Role,
    reason: Reason,
    version: Version = "",
    provisional: Annotated[
        bool,
        typer.Option(
            "--provisional",
            help="Although its floors are not shown yet, for a limited time; once more renews it.",
        ),
    ] = False,
    per_month: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS=NUMBER", help="confirmed patients a month: says how long --provisional will last"),
    ] = None,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Make a candidate that passed the gate the champion, or one that could not pass yet a provisional champion.

    Example: `dermai promote 4 --approver "Ana Silva" --role "head of dermatology" --reason "report reviewed"`
    """
    from dermai.promotion import transaction

    workspace, params = opened(profile, settings)
    version = version or _candidate(workspace, params)
    entry = transaction.promote(
        workspace, params, version, approver=approver, role=role, reason=reason, provisional=provisional
    )
    done(entry)
    if entry.event == "first_approval":
        say(f"a second person has to approve it: `dermai promote {version}{' --provisional' * provisional} ...`")
        return
    for text in _not_shown(entry):
        say(f"not shown: {text}")
    if provisional:
        say(_how_long(workspace, params, per_month or []))


def _how_long(workspace: Workspace, params: Params, per_month: Sequence[str]) -> str:
    """How long a provisional champion is one, at a rate of confirmed cases."""
    from dermai.cli.gate import counts_by_class
    from dermai.promotion.prospects import months_of_a_provisional_champion

    rates = counts_by_class(params.gate, per_month)
    if not any(rates.values()):
        return "how long its floors take: `dermai gate plan --per-month MM=2 ...` with your confirmed patients a month"
    months = months_of_a_provisional_champion(workspace, params, rates)
    if months is None:
        return "at this rate its floors are not shown within ten years: more melanomas and carcinomas are needed"
    return f"at this rate its floors are probably shown in {months} months, by an update on all confirmed lesions"


def reject(
    approver: Approver,
    role: Role,
    reason: Reason,
    version: Version = "",
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Turn a candidate down for good, whatever the gate says of it.

    Example: `dermai reject 4 --approver "Ana Silva" --role "head of dermatology" --reason "worse on dark skin"`
    """
    from dermai.promotion import transaction

    workspace, params = opened(profile, settings)
    version = version or _challenger(workspace, params)
    done(transaction.reject(workspace, params, version, approver=approver, role=role, reason=reason))


def rollback(
    approver: Approver,
    role: Role,
    reason: Reason,
    to: Annotated[str, typer.Option(help="An earlier champion; the one before this where none is given.")] = "",
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Go back to the champion before this one, in seconds.

    Example: `dermai rollback --approver "Ana Silva" --role "head of dermatology" --reason "missed two melanomas"`
    """
    from dermai.promotion import transaction

    workspace, params = opened(profile, settings)
    done(transaction.rollback(workspace, params, approver=approver, role=role, reason=reason, to=to or None))


def settle_alarms(approver: Approver, role: Role, reason: Reason) -> None:
    """Record that somebody looked into the open drift alarms, and what they came from.

    Until then, or until another version is the champion, triage sorts no case as normal.

    Example: `dermai settle-alarms --approver "Ana Silva" --role "head of dermatology" --reason "a new camera at Faro"`
    """
    from dermai.audit import AuditLog
    from dermai.promotion import alarms
    from dermai.workspace import find_workspace

    log = AuditLog(find_workspace().audit_log)
    done(alarms.settle_alarms(log, approver=approver, role=role, reason=reason))


def acknowledge(
    incident: Annotated[str, typer.Argument(help="Which one, as `dermai status` names it.", show_default=False)],
    approver: Approver,
    role: Role,
    reason: Reason,
) -> None:
    """Record that somebody has seen an incident, a cancer that was sorted as normal, and what was done about it.

    Example: `dermai acknowledge 5d41402abc --approver "Ana Silva" --role dermatologist --reason "patient called"`
    """
    from dermai.audit import AuditLog
    from dermai.promotion.acknowledgement import acknowledge as record
    from dermai.workspace import find_workspace

    done(record(AuditLog(find_workspace().audit_log), incident, approver=approver, role=role, reason=reason))


def _challenger(workspace: Workspace, params: Params) -> str:
    from dermai.errors import Refused
    from dermai.registry.registry import Registry
    from dermai.registry.versions import CHALLENGER

    challenger = Registry(workspace, params).by_alias(CHALLENGER)
    if challenger is None:
        raise Refused("there is no challenger: name a version, such as `dermai promote 4 ...`")
    return challenger.version


def _candidate(workspace: Workspace, params: Params) -> str:
    """The challenger; where there is none, the provisional champion, to be renewed or made a regular one."""
    from dermai.audit import AuditLog
    from dermai.errors import Refused
    from dermai.promotion.standing import champion_standing

    try:
        return _challenger(workspace, params)
    except Refused:
        standing = champion_standing(AuditLog(workspace.audit_log))
        if standing is None or standing.provisional is None:
            raise
        return standing.version


def _not_shown(entry: Entry) -> tuple[str, ...]:
    from dermai.records.log import read_record
    from dermai.records.moves import Promotion

    promotion = read_record(entry).body
    terms = promotion.provisional if isinstance(promotion, Promotion) else None
    return terms.not_shown if terms else ()
