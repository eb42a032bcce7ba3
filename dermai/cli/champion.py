"""`dermai champion`: which version is in production, was on a date, and all that were."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.named_persons import plain, say
from dermai.cli.options import AsJson
from dermai.errors import InvalidParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dermai.audit import AuditLog
    from dermai.promotion.reigns import Reign


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command()(champion)


def champion(
    on: Annotated[
        str,
        typer.Option(
            help="A day such as 2026-03-01, which means its end in this machine's time zone, or a time such as "
            "2026-03-01T14:30+01:00. Now where none is given.",
            show_default=False,
        ),
    ] = "",
    history: Annotated[bool, typer.Option("--history", help="Every version that was in production.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which version was in production on a date, on whose word and why, from the verified signed log.

    Example: `dermai champion --on 2026-03-01`
    """
    from dermai.audit import AuditLog
    from dermai.promotion.history import records_lost
    from dermai.promotion.reigns import moment_of, production_on, reigns, withheld_on
    from dermai.promotion.withdrawn_versions import withdrawn_versions
    from dermai.workspace import find_workspace

    if history and on:
        raise InvalidParams("--history lists every version: leave out --on")
    audit = AuditLog(find_workspace().audit_log)
    audit.verified_entries()  # nothing is said by records that somebody may have changed
    lost = [f"{count} records before record {record} are lost: what was in production then may be missing here"
            for record, count in records_lost(audit)]  # fmt: skip
    if history:
        _show_history(reigns(audit), lost, as_json)
        return
    moment = moment_of(on, datetime.now(UTC))
    found = production_on(audit, moment)
    withheld = withheld_on(audit, found, moment) if found else ""
    if as_json:
        reign = found.model_dump(mode="json") if found else None
        learnt = withdrawn_versions(audit).get(found.version, "") if found else ""
        print(json.dumps({"on": _utc(moment), "champion": reign, "withheld": withheld, "withdrawn": learnt,
                          "notes": lost}, indent=2, ensure_ascii=False))  # fmt: skip
        return
    _show(found, withheld, moment, audit)
    for note in lost:
        say(f"{'note':<9} {note}")


def _show(found: Reign | None, withheld: str, moment: datetime, audit: AuditLog) -> None:
    from dermai.promotion.reigns import reigns
    from dermai.promotion.withdrawn_versions import withdrawn_versions

    local = moment.astimezone()
    say(f"{'on':<9} {_utc(moment)} ({local:%Y-%m-%d %H:%M} {local.tzname()} on this machine)")
    if found is None:
        first = next(iter(reigns(audit)), None)
        since = f"the first champion came on {_utc(first.began)}" if first else "no version was made champion yet"
        say(f"{'champion':<9} none: {since}")
        return
    say(f"{'champion':<9} version {found.version}, package sha256 {found.sha256}")
    say(f"{'since':<9} {_utc(found.began)}, by a {found.move} (record {found.record})")
    say(f"{'until':<9} {_utc(found.ended) if found.ended else 'now'}")
    say(f"{'by':<9} {found.approver} ({found.role}): {found.reason}")
    if found.first_approver:
        say(f"{'':<9} first approved by {found.first_approver}")
    say(f"{'standing':<9} {_standing(found)}")
    for text in found.provisional.not_shown if found.provisional else ():
        say(f"{'':<9} not shown: {text}")
    if learnt := withdrawn_versions(audit).get(found.version):
        say(f"{'':<9} {learnt}")
    if withheld:
        say(f"{'':<9} no answers were shown: {withheld}")


def _show_history(found: Sequence[Reign], notes: Sequence[str], as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    if as_json:
        print(json.dumps([reign.model_dump(mode="json") for reign in found], indent=2, ensure_ascii=False))
        return
    table = Table("version", "from (UTC)", "until (UTC)", "by", "standing", "who and why", "package", "record")
    for reign in found:
        until = _utc(reign.ended)[:16] if reign.ended else "now"
        who = plain(f"{reign.approver} ({reign.role}): {reign.reason}")
        table.add_row(
            reign.version, _utc(reign.began)[:16], until, reign.move, _standing(reign), who, reign.sha256[:12],
            str(reign.record),
        )  # fmt: skip
    Console().print(table) if found else say("no version was made champion yet")
    for note in notes:
        say(f"note: {note}")


def _standing(reign: Reign) -> str:
    return f"provisional until {reign.provisional.until}" if reign.provisional else "regular"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
