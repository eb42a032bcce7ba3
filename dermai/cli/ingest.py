"""`dermai import` and `dermai ingest`: photographs into the dataset."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.options import Profile, Settings, read_parameters
from dermai.ingest.importers import Dataset, importers

if TYPE_CHECKING:
    from dermai.ingest.delivery import Importer
    from dermai.ingest.intake_report import IntakeReport
    from dermai.workspace import Workspace


def register(application: typer.Typer) -> None:
    """Add `import` and `ingest`."""
    application.command("import", no_args_is_help=True)(import_dataset)
    application.command("ingest", no_args_is_help=True)(ingest_cases)


Folder = Annotated[Path, typer.Argument(help="The folder with the table and the photographs.", show_default=False)]
Patients = Annotated[
    Path | None, typer.Option(help="Take only these patients: a file with one patient id a line.", show_default=False)
]
Share = Annotated[str, typer.Option(help="Take this part of the patients in a fixed random order: 0:0.6, then 0.6:1.")]
Batch = Annotated[str, typer.Option(help="The batch's name; from the delivery's content where none is given.")]
Workers = Annotated[int, typer.Option(min=0, help="Photographs decoded at a time; 0: one a core.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")]
CorrectLabels = Annotated[
    bool,
    typer.Option(
        "--correct-labels", help="Apply diagnoses, and what confirms them, where they differ from the dataset's."
    ),
]
Track = Annotated[bool, typer.Option("--track", help="Run `dvc add data` afterwards.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
PublishedSplit = Annotated[
    bool,
    typer.Option(
        "--published-split", help="Keep the publisher's train and test cases; validation is a fold (derm7pt)."
    ),
]


def import_dataset(
    dataset: Annotated[Dataset, typer.Argument(help="Which publisher's layout the folder has.", show_default=False)],
    folder: Folder,
    patients: Patients = None,
    share: Share = "",
    batch: Batch = "",
    workers: Workers = 0,
    dry_run: DryRun = False,
    correct_labels: CorrectLabels = False,
    published_split: PublishedSplit = False,
    track: Track = False,
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Import a published dataset as its publisher lays it out.

    Example: `dermai import pad_ufes_20 ~/Downloads/pad_ufes_20 --share 0:0.6`
    """
    if published_split and dataset is not Dataset.DERM7PT:
        raise typer.BadParameter("only derm7pt publishes one", param_hint="--published-split")
    importer = importers(published_split)[dataset.source]
    _run(importer, folder, patients, share, batch, workers, dry_run, correct_labels, track, profile, settings, as_json)


def ingest_cases(
    folder: Folder,
    patients: Patients = None,
    share: Share = "",
    batch: Batch = "",
    workers: Workers = 0,
    dry_run: DryRun = False,
    correct_labels: CorrectLabels = False,
    track: Track = False,
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Take in new cases: a folder with `cases.csv` (image, case_id, patient_id, diagnosis, ...) and photographs.

    Example: `dermai ingest deliveries/2026-03`
    """
    _run(
        importers()["dermai"],
        folder,
        patients,
        share,
        batch,
        workers,
        dry_run,
        correct_labels,
        track,
        profile,
        settings,
        as_json,
    )


def _run(
    importer: Importer,
    folder: Path,
    patients: Path | None,
    share: str,
    batch: str,
    workers: int,
    dry_run: bool,
    correct_labels: bool,
    track: bool,
    profile: str,
    settings: list[str] | None,
    as_json: bool,
) -> None:
    from dermai.cli.progress import progress_bar
    from dermai.ingest.intake import IntakeOptions, take_in
    from dermai.ingest.selection import parse_share, read_patients
    from dermai.workspace import find_workspace

    try:
        part = parse_share(share) if share else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--share") from None
    workspace = find_workspace()
    options = IntakeOptions(
        batch=batch,
        patients=read_patients(patients) if patients else None,
        share=part,
        workers=workers,
        dry_run=dry_run,
        correct_labels=correct_labels,
    )
    with progress_bar("photograph") as show:
        report = take_in(
            importer(folder),
            workspace,
            read_parameters(workspace, profile, settings),
            options,
            show,
        )
    tracked = track and report.changed and not dry_run
    if tracked:
        _track(workspace)
    if as_json:
        print(json.dumps(report.as_record(), indent=2, ensure_ascii=False))
    else:
        _print(report, tracked)


def _track(workspace: Workspace) -> None:
    from dermai.errors import DermaiError

    command = [sys.executable, "-m", "dvc", "add", "data"]
    result = subprocess.run(command, cwd=workspace.root, capture_output=True, text=True, check=False)
    if result.returncode:
        errors = " ".join(result.stderr.split())
        raise DermaiError(f"the photographs are in, but `dvc add data` failed: {errors}")


def _print(report: IntakeReport, tracked: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from dermai.taxonomy import load_taxonomy

    console = Console()
    table = Table(title=f"{report.source}, batch {report.batch}{' (dry run)' if report.dry_run else ''}")
    table.add_column("class")
    counts = {"new": report.new, "known": report.known, "quarantined": report.quarantined}
    for name in counts:
        table.add_column(name, justify="right")
    found = set().union(*counts.values())
    codes = load_taxonomy().codes
    for code in [*(code for code in codes if code in found), *sorted(found - set(codes))]:
        table.add_row(code, *(str(count[code]) for count in counts.values()))
    table.add_section()
    table.add_row("all", *(str(count.total()) for count in counts.values()))
    console.print(table)

    def say(text: str) -> None:
        console.print(escape(text), soft_wrap=True, highlight=False)

    if report.splits:
        say("new photographs: " + ", ".join(f"{report.splits[name]} {name}" for name in sorted(report.splits)))
    for note in report.notes:
        say(f"note: {note}")
    for line in report.corrected:
        say(f"otherwise than recorded: {line}")
    if report.corrected and not report.corrections_applied:
        say("what is recorded stands; to take what the delivery says, add --correct-labels")
    for rejection in report.rejections[:10]:
        say(f"quarantined: {rejection.file}: {rejection.reason}")
    if len(report.rejections) > 10:
        say(f"... and {len(report.rejections) - 10} more")
    if report.rejections and not report.dry_run:
        say(f"all reasons, and how to fix them: {report.quarantine_folder}/reasons.csv")
    if report.dry_run:
        say("dry run: nothing was written")
    elif not report.changed:
        say("nothing new: the dataset is as it was")
    elif tracked:
        say("next: git commit -m 'New cases' data.dvc")
    else:
        say("next: dvc add data && git commit -m 'New cases' data.dvc")
