"""`dermai run-scheduled`, `shadow-look`, `tell` and `overdue`: what timers call, and what waits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from dermai.cli.named_persons import opened, say
from dermai.cli.options import Profile, Settings

Task = Literal["triage", "shadow_look", "drift", "backup"]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command(name="run-scheduled", no_args_is_help=True)(run_scheduled)
    application.command(name="shadow-look")(shadow_look)
    application.command()(tell)
    application.command()(overdue)
    application.command(name="confirm-first")(confirm_first)


def run_scheduled(
    task: Annotated[Task, typer.Argument(help="What to run.", show_default=False)],
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Run a task of the schedule and record how it ended; its exit code is the task's.

    Example: `dermai run-scheduled drift`
    """
    import os

    from dermai.config import PROFILE_VARIABLE
    from dermai.records.scheduled_run import run_scheduled as run

    workspace, params = opened(profile, settings)
    if profile:
        os.environ[PROFILE_VARIABLE] = profile  # for the command that is run
    raise typer.Exit(run(workspace, params.clockwork, task))


def shadow_look(profile: Profile = "", settings: Settings = None) -> None:
    """Look at what the diagnoses that came back say of the waiting challenger: follow-up times end without a new one.

    Example: `dermai shadow-look`
    """
    from dermai.promotion.shadow_mode import settle_challenger

    workspace, params = opened(profile, settings)
    say(settle_challenger(workspace, params) or "no version waits for evidence")


def tell(profile: Profile = "", settings: Settings = None) -> None:
    """Alert of what nobody has seen to: missed cancers, tasks that did not run, referrals set aside, overdue cases.

    Each once a day.

    Example: `dermai tell`, each hour
    """
    from dermai.errors import DermaiError
    from monitoring.notices import clockwork_notices, inbox_notices, incident_notices, send_notices, waiting_notices
    from monitoring.waiting_list import keep_waiting_list

    workspace, params = opened(profile, settings)
    notices = [
        *incident_notices(workspace),
        *clockwork_notices(workspace, params.clockwork),
        *inbox_notices(workspace),
        *waiting_notices(keep_waiting_list(workspace, params)),
    ]
    for notice in notices:
        say(notice.subject)
    if problems := send_notices(workspace, params.monitoring, notices):
        raise DermaiError("; ".join(problems))


def overdue(
    output: Annotated[Path | None, typer.Option(help="Also write them as CSV; pseudonyms are in it.")] = None,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """List the cases that wait longer for a diagnosis than `triage.waiting_days`, the longest first.

    Example: `dermai overdue`, then `dermai find CASE` says whose it is
    """
    from datetime import UTC, datetime

    from dermai.data.tables import csv_text
    from dermai.files import write_text
    from dermai.prediction_log.log import PredictionLog
    from dermai.prediction_log.waiting_cases import referred_cases
    from monitoring.waiting_list import keep_waiting_list, overdue_cases

    workspace, params = opened(profile, settings)
    late = overdue_cases(referred_cases(PredictionLog.of(workspace)), params, datetime.now(UTC))
    for sentence in keep_waiting_list(workspace, params).sentences or ("nothing is overdue",):
        say(sentence)
    for _, case in late.head(20).iterrows():
        say(f"{case['case_id']}: {case['risk'].replace('_', ' ')}, {case['days']} days")
    if len(late) > 20:
        say(f"and {len(late) - 20} more" + ("" if output else ": --output FILE writes all"))
    if output:
        write_text(output, csv_text(late[["case_id", "risk", "days", "referred_at"]]))


def confirm_first(
    number: Annotated[int, typer.Option(min=1, help="About so many cases.")] = 20,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """List open cases whose diagnoses would decide soonest on the challenger that waits, drawn at random.

    Please see to all of them: who picks among them chooses what the challenger is judged by.

    Example: `dermai confirm-first --number 30`
    """
    from dermai.data.pseudonyms import load_pseudonyms
    from dermai.promotion.confirm_first import draw_confirm_first

    workspace, params = opened(profile, settings)
    found = draw_confirm_first(workspace, params, load_pseudonyms(workspace), number)
    say(f"{len(found.cases)} of {len(found.table)} open cases, for version {found.version}:")
    for case in found.cases:
        say(case)
