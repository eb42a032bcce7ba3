"""`dermai doctor`, `dermai backup` and `dermai restore`: keeping a deployment alive."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dermai.cli.options import AsJson, Profile, Settings, read_parameters


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command()(doctor)
    application.command(no_args_is_help=True)(backup)
    application.command(no_args_is_help=True)(restore)


def doctor(profile: Profile = "", settings: Settings = None, as_json: AsJson = False) -> None:
    """Check this deployment: versions, services, permissions, clock, disk, telemetry; say what is wrong.

    The exit code is 1 where something has to be fixed. Nothing is changed.

    Example: `dermai doctor --json`
    """
    from dermai.doctor import examine
    from dermai.errors import DermaiError
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    found = []
    for finding in examine(workspace, read_parameters(workspace, profile, settings)):
        found.append(finding)
        if not as_json:
            mark = "" if finding.state == "ok" else f"{finding.state}: "
            print(f"{finding.check:<13} {mark}{finding.what}", flush=True)
            if finding.fix:
                print(f"{'':<13} -> {finding.fix}")
    problems = [finding for finding in found if finding.state == "problem"]
    if as_json:
        result = {"ok": not problems, "findings": [asdict(finding) for finding in found]}
        print(json.dumps(result, indent=2, ensure_ascii=False))
    if problems:
        raise DermaiError(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'} to fix")


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, outside the workspace.", show_default=False)],
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Save registry, audit records, prediction log, reports and settings, with the hash of each file.

    The keys are not in it: keep them in a safe of their own. Photographs are saved by `dvc push`.

    Example: `dermai backup /mnt/backup/dermai-2026-03-01`
    """
    from dermai.audit import key_file
    from dermai.backup import back_up
    from dermai.cli.progress import progress_bar
    from dermai.data.pseudonyms import key_file as pseudonym_key_file
    from dermai.workspace import DATABASE_VARIABLE, find_workspace

    workspace = find_workspace()
    with progress_bar("file") as show:
        saved = back_up(
            workspace,
            read_parameters(workspace, profile, settings),
            folder,
            show,
        )
    manifest = saved.manifest
    champion = manifest.with_alias("champion")
    if as_json:
        summary = {
            "folder": str(saved.folder),
            "files": len(manifest.files),
            "bytes": saved.bytes,
            "records": manifest.records,
            "champion": champion.version if champion else None,
            "registry": manifest.registry,
            "gone_meanwhile": list(saved.gone),
        }
        print(json.dumps(summary, indent=2, ensure_ascii=False))
        return
    print(f"{len(manifest.files)} files, {saved.bytes / 1e6:.1f} MB: {saved.folder}")
    for name in saved.gone:
        print(f"not in it: {name}, which went while the backup was made")
    print(f"{manifest.records} records; champion: {f'version {champion.version}' if champion else 'none'}")
    if manifest.registry != "local":
        print(f"not in it: the registry, save {manifest.registry}'s database (pg_dump) and bucket (docs/operations.md)")
    if os.environ.get(DATABASE_VARIABLE):
        print(f"not in it: the service's database, save the one of {DATABASE_VARIABLE} (pg_dump, docs/operations.md)")
    print("not in it: the photographs, run `dvc push`")
    print(f"not in it: the keys, keep {key_file()} and {pseudonym_key_file()} in a safe, apart from this backup")


def restore(
    folder: Annotated[Path, typer.Argument(help="What `dermai backup` made.", show_default=False)],
    lose_records: Annotated[
        bool, typer.Option("--lose-records", help="Go back although the audit key knows of newer records.")
    ] = False,
) -> None:
    """Put a backup into an empty workspace, such as a fresh clone on a new machine; check every file and the champion.

    Example: `git clone ... && cd dermai && make setup && dermai restore /mnt/backup/dermai-2026-03-01`
    """
    from dermai.backup import restore as put_back
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    restored = put_back(workspace, folder.absolute(), lose_records)
    manifest = restored.manifest
    champion = manifest.with_alias("champion")
    print(f"{len(manifest.files)} files as they were at {manifest.taken}; {manifest.records} records")
    print(f"champion: {f'version {champion.version}, the same to the byte' if champion else 'none'}")
    for step in restored.next_steps:
        print(f"next: {step}")
