"""`dermai status`, `promote`, `reject`, `rollback`, `settle-alarms`, `audit ...` and `gate approve-policy`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.options import AsJson, Profile, Settings, read_parameters
from dermai.errors import DermaiError

if TYPE_CHECKING:
    from dermai.audit import Entry
    from dermai.config import Params
    from dermai.workspace import Workspace

Version = Annotated[str, typer.Argument(help="Number in the registry; the challenger where none is given.")]
Approver = Annotated[str, typer.Option(help="Who decides: a name.", show_default=False)]
Role = Annotated[str, typer.Option(help="In which role, such as `head of dermatology`.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why, in a sentence; it stays in the record.", show_default=False)]

audit = typer.Typer(help="Verify, read and export the records.", no_args_is_help=True)
gate = typer.Typer(help="The promotion gate's policy.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command()(status)
    application.command()(promote)
    application.command()(reject)
    application.command()(rollback)
    application.command(name="settle-alarms")(settle_alarms)
    application.add_typer(audit, name="audit")
    application.add_typer(gate, name="gate")


def status(profile: Profile = "", settings: Settings = None, as_json: AsJson = False) -> None:
    """Show champion, challenger, data, pending decision and the next step.

    Example: `dermai status --json`
    """
    from dermai.errors import AuditLogDamaged
    from dermai.promotion import transaction
    from dermai.promotion.status import read_status

    workspace, params = _workspace(profile, settings)
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
        _say(f"{name:<11} {text}")
    if found.earlier_champions:
        _say(f"{'earlier':<11} versions {', '.join(found.earlier_champions)}")
    _say(f"{'data':<11} {found.data_version[:12] or '-'}" + (f" ({found.data_problem})" if found.data_problem else ""))
    _say(f"{'policy':<11} {found.policy_sha256[:12]}, {'approved' if found.policy_approved else 'not approved'}")
    for change in found.policy_changes:
        _say(f"{'':<11} - {change}")
    _say(f"{'records':<11} {found.records}; last: {found.last_record or 'none'}")
    if found.pending:
        summary = found.pending.summary or found.pending.outcome.replace("_", " ")
        _say(f"{'pending':<11} version {found.pending.version}: {summary} (decided {found.pending.decided})")
        for reason in found.pending.reasons:
            _say(f"{'':<11} {reason}")
    for alarm in found.open_alarms:
        _say(f"{'alarm':<11} {alarm}")
    for problem in found.problems:
        _say(f"{'problem':<11} {problem}")
    _say(f"{'next':<11} {found.next_step}")


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
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Make a candidate that passed the gate the champion, or one that could not pass yet a provisional champion.

    Example: `dermai promote 4 --approver "Ana Silva" --role "head of dermatology" --reason "report reviewed"`
    """
    from dermai.promotion import transaction

    workspace, params = _workspace(profile, settings)
    version = version or _candidate(workspace, params)
    entry = transaction.promote(
        workspace, params, version, approver=approver, role=role, reason=reason, provisional=provisional
    )
    _done(entry)
    for text in _not_shown(entry):
        _say(f"not shown: {text}")


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

    workspace, params = _workspace(profile, settings)
    version = version or _challenger(workspace, params)
    _done(transaction.reject(workspace, params, version, approver=approver, role=role, reason=reason))


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

    workspace, params = _workspace(profile, settings)
    _done(transaction.rollback(workspace, params, approver=approver, role=role, reason=reason, to=to or None))


def settle_alarms(approver: Approver, role: Role, reason: Reason) -> None:
    """Record that somebody looked into the open drift alarms, and what they came from.

    Until then, or until another version is the champion, triage sorts no case as normal.

    Example: `dermai settle-alarms --approver "Ana Silva" --role "head of dermatology" --reason "a new camera at Faro"`
    """
    from dermai.audit import AuditLog
    from dermai.promotion import alarms
    from dermai.workspace import find_workspace

    log = AuditLog(find_workspace().audit_log)
    _done(alarms.settle_alarms(log, approver=approver, role=role, reason=reason))


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

    workspace, params = _workspace(profile, settings)
    found = verify_evidence(workspace, params, load_public_key(public_key) if public_key else None)
    if as_json:
        result = {"ok": found.ok, "records": len(found.entries), "problems": found.problems, "notes": found.notes}
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        for text in [
            *(f"problem: {problem}" for problem in found.problems),
            *(f"note: {note}" for note in found.notes),
        ]:
            _say(text)
    if not found.ok:
        count = len(found.problems)
        raise DermaiError(f"{count} {'problem' if count == 1 else 'problems'} in {workspace.audit_log}")
    if not as_json:
        _say(f"{len(found.entries)} records, all as they were written")


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
        row = (str(entry.sequence), entry.time[:16], entry.event, version_of(entry), _plain(summarise(entry)))
        table.add_row(*row)
    Console().print(table)


@audit.command("export")
def export(
    output: Annotated[Path | None, typer.Option(help="A folder; reports/audit where none is given.")] = None,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Write the technical documentation, the champion's model card and a copy of the signed log.

    Example: `dermai audit export --output ~/audit-2026`
    """
    from dermai.report.technical_documentation import export_records

    workspace, params = _workspace(profile, settings)
    for file in export_records(workspace, params, output or workspace.reports / "audit"):
        _say(str(file))


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
    _done(AuditLog(workspace.audit_log).rotate_key(approver=approver, role=role, reason=reason))
    _say(f"next: put {key_file()} into the safe; then `dermai backup`, older backups need the older key")


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
    _done(adopt_parts(PredictionLog.of(find_workspace()), approver=approver, role=role, reason=reason))


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
    _done(PredictionLog.of(find_workspace()).adopt(approver=approver, role=role, reason=reason))


@audit.command("begin-anew")
def begin_anew(approver: Approver, role: Role, reason: Reason) -> None:
    """Begin a new log where the earlier one is lost for good; its first record names what was lost.

    Example: `dermai audit begin-anew --approver "Ana Silva" --role "security officer" --reason "disk lost, no backup"`
    """
    from dermai.audit import AuditLog
    from dermai.promotion.rules import check_named
    from dermai.workspace import find_workspace

    check_named(approver, role, reason)
    _done(AuditLog(find_workspace().audit_log).begin_anew(approver=approver, role=role, reason=reason))


@gate.command("approve-policy")
def approve_policy(
    approver: Approver, role: Role, reason: Reason, profile: Profile = "", settings: Settings = None
) -> None:
    """Put the gate policy of the parameters into force; until then a changed policy promotes nothing.

    With a profile that changes `gate:` it is the resulting policy.

    Example: `dermai gate approve-policy --approver "Ana Silva" --role "head of dermatology" --reason "agreed in May"`
    """
    from dermai.promotion import transaction

    workspace, params = _workspace(profile, settings)
    _done(transaction.approve_current_policy(workspace, params, approver=approver, role=role, reason=reason))


@gate.command("take-over-ledger")
def take_over_ledger(approver: Approver, role: Role, reason: Reason) -> None:
    """Take over a damaged test-set ledger of an earlier release; a sound one is taken over by the next update.

    The test patients known so far have no error budget left afterwards: new ones renew it.

    Example: `dermai gate take-over-ledger --approver "Ana Silva" --role "head of dermatology" --reason "disk failure"`
    """
    from dermai.promotion.test_set_ledger import take_over_damaged
    from dermai.workspace import find_workspace

    record = take_over_damaged(find_workspace(), approver=approver, role=role, reason=reason)
    uses = sum(line.event == "use" for line in record.lines)
    _say(f"{uses} uses of the test patients are in the audit log now; the file decides nothing more")


def _workspace(profile: str, settings: list[str] | None) -> tuple[Workspace, Params]:
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    return workspace, read_parameters(workspace, profile, settings)


def _challenger(workspace: Workspace, params: Params) -> str:
    from dermai.errors import Refused
    from dermai.registry.registry import CHALLENGER, Registry

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


def _done(entry: Entry) -> None:
    from dermai.records.summary import summarise, version_of

    version = version_of(entry)
    _say(f"{entry.event.replace('_', ' ')}{f' of version {version}' if version else ''}, {summarise(entry)}")
    _say(f"record {entry.sequence}, {entry.time}")


def _say(text: str) -> None:
    print(_plain(text))


def _plain(text: str) -> str:
    """Without control characters: a record's free text cannot steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
