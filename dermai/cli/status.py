"""`dermai status`."""

from __future__ import annotations

import json

import typer

from dermai.cli.named_persons import opened, say
from dermai.cli.options import AsJson, Profile, Settings


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command()(status)


def status(profile: Profile = "", settings: Settings = None, as_json: AsJson = False) -> None:
    """Show champion, challenger, data, pending decision and the next step.

    Example: `dermai status --json`
    """
    from dermai.errors import AuditLogDamaged
    from dermai.promotion import transaction
    from dermai.promotion.status import read_status

    workspace, params = opened(profile, settings)
    try:
        repaired = transaction.repair(workspace, params)
    except AuditLogDamaged:
        repaired = []  # what is wrong with the log is part of the status
    found = read_status(workspace, params)
    if as_json:
        print(json.dumps({**found.model_dump(mode="json"), "repaired": repaired}, indent=2, ensure_ascii=False))
        return
    for name in ("champion", "challenger", "anchor"):
        model = getattr(found, name)
        text = f"version {model.version}, {model.backbone}, data {model.data_version[:12]}" if model else "none"
        if model and model.provisional_until:
            text += f", provisional until {model.provisional_until}"
            text += f"; no answers: {model.withheld}" if model.withheld else ""
        say(f"{name:<11} {text}")
    if found.earlier_champions:
        say(f"{'earlier':<11} versions {', '.join(found.earlier_champions)}")
    say(f"{'data':<11} {found.data_version[:12] or '-'}" + (f" ({found.data_problem})" if found.data_problem else ""))
    say(f"{'policy':<11} {found.policy_sha256[:12]}, {'approved' if found.policy_approved else 'not approved'}")
    for change in found.policy_changes:
        say(f"{'':<11} - {change}")
    say(f"{'records':<11} {found.records}; last: {found.last_record or 'none'}")
    if found.pending:
        summary = found.pending.summary or found.pending.outcome.replace("_", " ")
        say(f"{'pending':<11} version {found.pending.version}: {summary} (decided {found.pending.decided})")
        for reason in found.pending.reasons:
            say(f"{'':<11} {reason}")
    for incident in found.open_incidents:
        say(f"{'incident':<11} {incident}")
    for alarm in found.open_alarms:
        say(f"{'alarm':<11} {alarm}")
    for task in found.not_run:
        say(f"{'schedule':<11} {task}")
    for problem in found.problems:
        say(f"{'problem':<11} {problem}")
    say(f"{'next':<11} {found.next_step}")
