"""`dermai withdraw`, `verify-withdrawn` and `retention`: what leaves, and how it is shown."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.named_persons import Approver, Reason, Role, done, opened, say
from dermai.cli.options import AsJson, Profile, Settings

if TYPE_CHECKING:
    from dermai.withdrawal.removals import Step
    from dermai.workspace import Workspace

Patient = Annotated[str, typer.Argument(help="The hospital's own number, or the pseudonym.", show_default=False)]
Source = Annotated[str, typer.Option(help="Of which source the number is: `dermai`, or a published dataset.")]
Backups = Annotated[
    list[Path] | None,
    typer.Option("--backup", help="A backup, or a folder of backups, beside `clockwork.backup_folder`."),
]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command(no_args_is_help=True)(withdraw)
    application.command(name="verify-withdrawn", no_args_is_help=True)(verify_withdrawn)
    application.command()(retention)


def withdraw(
    patient: Patient,
    approver: Approver = "",
    role: Role = "",
    reason: Reason = "consent withdrawn",
    source: Source = "dermai",
    backup: Backups = None,
    drop_backups: Annotated[
        bool, typer.Option("--drop-backups", help="Delete backups with the patient, where a newer one is without.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would go, and why; change nothing.")] = False,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Erase a patient who took consent back, everywhere, in one recorded run; killed, run it again.

    Dataset, photographs, DVC's cache and remotes, referrals, prediction log, inbox, pages, caches, stores of runs. What
    must stay is printed with the reason. The versions that learnt the patient are marked, and the next update starts
    without them.

    Example: `dermai withdraw 10234 --approver "Ana Silva" --role "data protection officer"`
    """
    from dermai.withdrawal.collecting import Asked
    from dermai.withdrawal.run import Withdrawal

    workspace, params = opened(profile, settings)
    first, further = _steps(workspace)
    asked = Asked(patient, approver, role, reason, source)
    run = Withdrawal(workspace, params, asked, first, further, backup or (), drop_backups)
    if dry_run:
        traces, found, learnt = run.rehearse()
        for removal in found:
            say(f"{removal.place}: {removal.why}")
        versions = ", ".join(reference.version for reference in learnt) or "none"
        say(
            f"{len(found)} places, {len(traces.images)} photographs, learnt by versions {versions}; nothing was changed"
        )
        return
    ended = run.run(lambda place: say(f"- {place}"))
    say(f"withdrawal {ended.withdrawal}: {ended.removed} removed, and a search of every file finds nothing else of it")
    for place, why in sorted(ended.kept.items()):
        say(f"kept: {place}: {why}")
    if ended.learnt_by:
        versions = ", ".join(reference.version for reference in ended.learnt_by)
        say(f"versions {versions} learnt the patient: run `zenml pipeline run incremental_finetune`")
    if (workspace.root / "data.dvc").is_file():
        say("next: `git commit data.dvc` and `dvc push`")
    if ended.backups:
        say("next: `dermai backup FOLDER`, then this again with --drop-backups")


def verify_withdrawn(
    patient: Patient,
    source: Source = "dermai",
    backup: Backups = None,
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Search every file, archives and databases too, for a withdrawn patient; the exit code is 1 where one is found.

    Names, photographs and small pictures of them, by content. Records that stay are named with the reason.

    Example: `dermai verify-withdrawn 10234 --backup /mnt/backup`
    """
    from dermai.data.pseudonyms import load_pseudonyms
    from dermai.errors import DermaiError
    from dermai.withdrawal.collecting import Asked
    from dermai.withdrawal.verification import verify_withdrawn as verify

    workspace, params = opened(profile, settings)
    keys = load_pseudonyms(workspace, record=False)
    named = [Path(params.clockwork.backup_folder)] if params.clockwork.backup_folder else []
    found = verify(workspace, params, keys, Asked(patient, source=source), [*named, *(backup or ())])
    if as_json:
        result = {"files": found.files, "found": [str(find) for find in found.finds], "kept": found.kept}
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        for find in found.finds:
            say(f"found: {find}")
        for place, why in sorted(found.kept.items()):
            say(f"kept: {place}: {why}")
        say(f"{found.files} files searched")
    if found.finds:
        raise DermaiError(f"{len(found.finds)} traces of the patient are left: run `dermai withdraw` again")


def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Delete what is due; recorded.")] = False,
    approver: Approver = "",
    role: Role = "",
    reason: Reason = "kept as long as the rules say",
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Say what was kept as long as `retention:` in params.yaml asks, and when the rest may go.

    Example: `dermai retention --apply --approver "Ana Silva" --role "data protection officer"`
    """
    from datetime import UTC, datetime

    from dermai.withdrawal.retention import Retention

    workspace, params = opened(profile, settings)
    rules, now = Retention(workspace, params, approver, role, reason), datetime.now(UTC)
    if apply:
        entry = rules.apply(now)
        done(entry) if entry else say("nothing is due")
        return
    everything = rules.everything()
    due = [kept for kept in everything if kept.due(now)]
    if as_json:
        rows = [
            {"rule": kept.rule, "place": kept.place, "since": kept.since.isoformat(), "until": kept.until.isoformat(),
             "files": kept.files, "bytes": kept.bytes, "due": kept in due}
            for kept in everything
        ]  # fmt: skip
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for kept in due:
        say(f"{kept.rule:<21} {kept.until:%Y-%m-%d} {kept.bytes / 1e6:8.1f} MB  {kept.place}")
    for rule in dict.fromkeys(kept.rule for kept in everything):
        later = next((kept for kept in everything if kept.rule == rule and kept not in due), None)
        if later:
            say(f"{rule:<21} next on {later.until:%Y-%m-%d}: {later.place}")
    say(f"{len(due)} due, {sum(kept.bytes for kept in due) / 1e6:.1f} MB" + (": --apply deletes them" if due else ""))


def _steps(workspace: Workspace) -> tuple[list[Step], list[Step]]:
    """Those of the rooms above the domain: before the prediction log, and after it."""
    from monitoring.withdrawn import judged_rows
    from web.reading.withdrawn import drafts

    return [partial(judged_rows, workspace)], [partial(drafts, workspace)]
