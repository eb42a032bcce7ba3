"""`dermai run-scheduled`, `shadow-look` and `tell`: what timers call (deploy/systemd)."""

from __future__ import annotations

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
    """Alert of what nobody has seen to: missed cancers and tasks that did not run; each once a day.

    Example: `dermai tell`, each hour
    """
    from dermai.errors import DermaiError
    from monitoring.notices import clockwork_notices, incident_notices, send_notices

    workspace, params = opened(profile, settings)
    notices = [*incident_notices(workspace), *clockwork_notices(workspace, params.clockwork)]
    for notice in notices:
        say(notice.subject)
    if problems := send_notices(workspace, params.monitoring, notices):
        raise DermaiError("; ".join(problems))
