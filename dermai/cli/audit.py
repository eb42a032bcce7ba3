"""`dermai audit`: the records are verified, read, exported, and put right on a named person's word."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dermai.cli.named_persons import Approver, Reason, Role, done, opened, plain, say
from dermai.cli.options import AsJson, Profile, Settings
from dermai.errors import DermaiError

audit = typer.Typer(help="Verify, read and export the records.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(audit, name="audit")


@audit.command("verify")
def verify(
    public_key: Annotated[
        Path | None, typer.Option(help="An auditor's own copy of the public key (`updates.pub`).", show_default=False)
    ] = None,
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Find any edit, deletion, reordering or truncation of records and diagnoses; exit with 1 where there is one.

    Example: `dermai audit verify --public-key ~/keys/updates.pub`
    """
    from dermai.audit import load_public_key
    from dermai.promotion.recorded_evidence import verify_evidence

    workspace, params = opened(profile, settings)
    found = verify_evidence(workspace, params, load_public_key(public_key) if public_key else None)
    if as_json:
        result = {"ok": found.ok, "records": len(found.entries), "problems": found.problems, "notes": found.notes}
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        for text in [
            *(f"problem: {problem}" for problem in found.problems),
            *(f"note: {note}" for note in found.notes),
        ]:
            say(text)
    if not found.ok:
        count = len(found.problems)
        raise DermaiError(f"{count} {'problem' if count == 1 else 'problems'} in {workspace.audit_log}")
    if not as_json:
        say(f"{len(found.entries)} records, all as they were written")


@audit.command("show")
def show(
    sequence: Annotated[int | None, typer.Argument(help="Show this record in full.", show_default=False)] = None,
    event: Annotated[str, typer.Option(help="Only this kind of record, such as promotion.")] = "",
    last: Annotated[int, typer.Option(min=1, help="At most this many, the newest.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List the records, newest last, or show one.

    Example: `dermai audit show --event promotion`
    """
    from rich.console import Console
    from rich.table import Table

    from dermai.audit import EVENTS, AuditLog
    from dermai.records.summary import summarise, version_of
    from dermai.workspace import find_workspace

    if event and event not in EVENTS:
        raise typer.BadParameter(f"unknown kind; known: {', '.join(EVENTS)}", param_hint="--event")
    workspace = find_workspace()
    entries = AuditLog(workspace.audit_log).entries(*([event] if event else []))
    if sequence is not None:
        entries = [entry for entry in entries if entry.sequence == sequence]
        if not entries:
            raise DermaiError(f"there is no record {sequence}: `dermai audit show` lists them")
    shown = entries[-last:]
    if as_json or sequence is not None:
        print(json.dumps([asdict(entry) for entry in shown], indent=2, ensure_ascii=False))
        return
    table = Table("record", "time (UTC)", "event", "version", "what")
    for entry in shown:
        row = (str(entry.sequence), entry.time[:16], entry.event, version_of(entry), plain(summarise(entry)))
        table.add_row(*row)
    Console().print(table)


@audit.command("export")
def export(
    version: Annotated[
        str | None, typer.Argument(help="One version's documents in a signed archive.", show_default=False)
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A folder; reports/audit where none is given.")] = None,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Write the technical documentation, the champion's model card and a copy of the signed log.

    With a version: one signed archive with its CHAI Applied Model Card, CycloneDX bills of software and model, CLEAR
    Derm and TRIPOD+AI checklists and change plan. It names no person. `dermai audit verify-export` checks it.

    Example: `dermai audit export 4 --output ~/audit-2026`
    """
    from dermai.documents.signed_export import export_version
    from dermai.report.technical_documentation import export_records

    workspace, params = opened(profile, settings)
    folder = output or workspace.reports / "audit"
    if version is not None:
        say(str(export_version(workspace, params, version, folder)))
        return
    for file in export_records(workspace, params, folder):
        say(str(file))


@audit.command("verify-export")
def verify_archive(
    archive: Annotated[Path, typer.Argument(help="The archive that `dermai audit export VERSION` wrote.")],
    public_key: Annotated[
        Path | None, typer.Option(help="An auditor's own copy of the public key (`updates.pub`).", show_default=False)
    ] = None,
) -> None:
    """Find any change of an archive of documents; exit with 1 where there is one. Nothing is unpacked.

    Without a key it is checked with those that have signed this workspace's log.

    Example: `dermai audit verify-export dermai-4.zip --public-key ~/keys/updates.pub`
    """
    from dermai.audit import AuditLog, load_public_key
    from dermai.documents.export_verification import log_keys, verify_export
    from dermai.workspace import find_workspace

    keys = [load_public_key(public_key)] if public_key else log_keys(AuditLog(find_workspace().audit_log))
    manifest = verify_export(archive, keys)
    say(f"{manifest.model} version {manifest.version}, {len(manifest.files)} documents, all as they were signed")
    say(f"as of record {manifest.newest_record} of the log {manifest.audit_log}, {manifest.as_of}")


@audit.command("rotate-key")
def rotate_key(approver: Approver, role: Role, reason: Reason) -> None:
    """Let a new key sign the records from now on; the old one signs it, earlier records stay good.

    Example: `dermai audit rotate-key --approver "Ana Silva" --role "security officer" --reason "a keeper left"`
    """
    from dermai.audit import AuditLog, key_file
    from dermai.promotion.rules import check_named
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    check_named(approver, role, reason)
    done(AuditLog(workspace.audit_log).rotate_key(approver=approver, role=role, reason=reason))
    say(f"next: put {key_file()} into the safe; then `dermai backup`, older backups need the older key")


@audit.command("adopt-diagnoses")
def adopt_diagnoses(approver: Approver, role: Role, reason: Reason) -> None:
    """Take the confirmed diagnoses as they are now: once after an upgrade, or where files were lost or changed.

    The record names every file that it takes, with its hash, and every one that is given up.

    Example: `dermai audit adopt-diagnoses --approver "Ana Silva" --role "data manager" --reason "upgrade to 0.3"`
    """
    from dermai.prediction_log.log import PredictionLog
    from dermai.prediction_log.signed_parts import adopt_parts
    from dermai.promotion.rules import check_named
    from dermai.workspace import find_workspace

    check_named(approver, role, reason)
    done(adopt_parts(PredictionLog.of(find_workspace()), approver=approver, role=role, reason=reason))


@audit.command("adopt-predictions")
def adopt_predictions(approver: Approver, role: Role, reason: Reason) -> None:
    """Take the prediction log as it is now: once after an upgrade, or where files were lost or changed.

    The record names every file that it takes, with its hash, and every one that is given up.

    Example: `dermai audit adopt-predictions --approver "Ana Silva" --role "data manager" --reason "upgrade to 0.3"`
    """
    from dermai.prediction_log.log import PredictionLog
    from dermai.promotion.rules import check_named
    from dermai.workspace import find_workspace

    check_named(approver, role, reason)
    done(PredictionLog.of(find_workspace()).adopt(approver=approver, role=role, reason=reason))


@audit.command("begin-anew")
def begin_anew(approver: Approver, role: Role, reason: Reason) -> None:
    """Begin a new log where the earlier one is lost for good; its first record names what was lost.

    Example: `dermai audit begin-anew --approver "Ana Silva" --role "security officer" --reason "disk lost, no backup"`
    """
    from dermai.audit import AuditLog
    from dermai.promotion.rules import check_named
    from dermai.workspace import find_workspace

    check_named(approver, role, reason)
    done(AuditLog(find_workspace().audit_log).begin_anew(approver=approver, role=role, reason=reason))
