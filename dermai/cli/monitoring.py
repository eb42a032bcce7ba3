"""Diagnoses that come back, and a production that is only simulated."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from dermai.cli.options import AsJson, Profile, Settings, read_parameters


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command()(confirm)
    application.command(name="simulate-production")(simulate_production)


def confirm(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with case_id, diagnosis; optionally lesion_id, patient_id, confirmed_by, confirmed_on."
        ),
    ],
    correct: Annotated[bool, typer.Option(help="Let a diagnosis replace the one recorded before.")] = False,
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Record the confirmed diagnoses of triaged cases; the same file again changes nothing.

    Cases and lesions are named as on the worklist or by the sender's own numbers, diagnoses by code or name. Rows that
    cannot be taken are set aside with the reason, the others are recorded; the exit code is 1 when any was set aside.
    A challenger in shadow mode is judged anew, and promoted or rejected where that decides it. A cancer that was sorted
    as normal is an incident: recorded, alerted, and to be acknowledged by name.

    Example: `dermai confirm histology-2026-03.csv`
    """
    from dermai.data.pseudonyms import load_pseudonyms
    from dermai.data.sender_numbers import SenderNumbers
    from dermai.data.tables import read_text_table
    from dermai.errors import DermaiError
    from dermai.evaluation.words import count_words
    from dermai.prediction_log.confirmations import REQUIRED
    from dermai.prediction_log.confirmations import confirm as record
    from dermai.prediction_log.log import PredictionLog
    from dermai.promotion.acknowledgement import page_of
    from dermai.workspace import find_workspace
    from monitoring.diagnosis_follow_ups import follow_up_diagnoses

    workspace = find_workspace()
    params = read_parameters(workspace, profile, settings)
    read_text_table(file, REQUIRED)  # before anything is made: a mistyped name leaves no key behind
    log = PredictionLog.of(workspace)
    done = record(log, file, correct, SenderNumbers(load_pseudonyms(workspace), known=cache(log.pseudonyms)))
    refused = done.refused[["case_id", "reason"]].to_dict("records")
    after = follow_up_diagnoses(workspace, params)
    if as_json:
        result = {"accepted": done.accepted, "known": done.known, "refused": refused,
                  "challenger": after.challenger, "incidents": [incident.incident for incident in after.incidents],
                  "undelivered": after.undelivered}  # fmt: skip
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        print(f"{done.accepted} diagnoses recorded, {done.known} were known already")
        for row in refused[: 20 if done.refused_file else None]:
            print(f"set aside: {row['case_id']}: {row['reason']}")
        for incident in after.incidents:
            print(f"INCIDENT {incident.incident}: a {incident.lesion_class} was sorted as normal by version "
                  f"{incident.version}; read {page_of(incident.incident)}, then `dermai acknowledge`")  # fmt: skip
        for problem in after.undelivered:
            print(f"not alerted: {problem}")
        if after.challenger:
            print(after.challenger)
    if refused:
        where = f" in {done.refused_file}" if done.refused_file else ""
        raise DermaiError(f"{count_words(len(refused), 'row')} set aside{where}: fix them and run again")


def simulate_production(
    folder: Annotated[Path, typer.Argument(help="New folder that receives the referrals of five weeks.")],
    size: Annotated[int, typer.Option(help="Side of the square photographs, pixels.")] = 128,
    seed: Annotated[int, typer.Option(help="The same seed gives the same patients.")] = 1,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day before which the last week ends; today if none.")
    ] = None,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Triage five SIMULATED weeks: nothing new, a new phone, a new site, a new diagnosis, more melanoma.

    Example: `dermai simulate-production production`, then `zenml pipeline run monitor_drift` and `dermai serve`
    """
    from dermai.errors import DermaiError
    from dermai.simulate.production import simulate_production as simulate
    from dermai.workspace import find_workspace

    if folder.exists() and any(folder.iterdir()):
        raise DermaiError(f"{folder} is not empty: name a new folder")
    workspace = find_workspace()
    simulate(
        workspace,
        read_parameters(workspace, profile, settings),
        folder,
        size,
        seed,
        until=until.date() if until else None,
    )
