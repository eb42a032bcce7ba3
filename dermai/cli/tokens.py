"""`dermai token`: what a practice's phones and referral systems send referrals with."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.accounts.recording import Recorder
    from web.database import Database

commands = typer.Typer(no_args_is_help=True, help="Tokens with which practices' systems send referrals.")


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(commands, name="token")


@commands.command()
def add(
    site: Annotated[str, typer.Argument(help="The practice, as the case table names its site.", show_default=False)],
    days: Annotated[int, typer.Option(help="For how long it is valid.")] = 365,
    note: Annotated[str, typer.Option(help="Which phone or system it is for.")] = "",
    diagnoses: Annotated[
        bool, typer.Option("--diagnoses", help="It may send confirmed diagnoses of this practice's cases too.")
    ] = False,
) -> None:
    """Make a token of a practice; it is printed once.

    Models learn from confirmed diagnoses: a token that may send them is for a pathology system, not for a phone.

    Example: `dermai token add Porto --note "the two phones"`
    """
    from web.api.tokens import add_token

    with _database() as database, database.writing() as session:
        token, secret = add_token(session, site, days, note, diagnoses)
        _recorder().token(session, "token_made", token.prefix, token.site, token.diagnoses)
    print(f"{token.site}, until {token.expires_at:%Y-%m-%d}. It cannot be shown again:")
    print(secret)


@commands.command(name="list")
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens by how they begin.

    Example: `dermai token list`
    """
    from web.api.tokens import tokens

    with _database() as database, database.reading() as session:
        found = tokens(session)
    if as_json:
        print(json.dumps([_about(token) for token in found], indent=2))
        return
    for token in found:
        ended = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else f"until {token.expires_at:%Y-%m-%d}"
        used = f"used {token.used_at:%Y-%m-%d}" if token.used_at else "never used"
        may = "  diagnoses too" if token.diagnoses else ""
        print(f"{token.prefix}...  {token.site}  {ended}  {used}{may}  {token.note}".rstrip())


@commands.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="How the token begins: `dermai token list`.", show_default=False)],
) -> None:
    """End a token from now on.

    Example: `dermai token revoke dermai_Ab3dEf9h`
    """
    from web.api.tokens import revoke_token

    with _database() as database, database.writing() as session:
        token = revoke_token(session, prefix)
        _recorder().token(session, "token_withdrawn", token.prefix, token.site, token.diagnoses)
    print(f"{token.prefix}... of {token.site} is revoked")


@contextmanager
def _database() -> Iterator[Database]:
    from dermai.workspace import find_workspace
    from web.database import migrate, open_database

    database = open_database(find_workspace())
    migrate(database)
    try:
        yield database
    finally:
        database.close()


def _recorder() -> Recorder:
    from dermai.workspace import find_workspace
    from web.accounts.recording import Recorder as Known

    return Known.at_the_machine(find_workspace())


def _about(token: object) -> dict[str, object]:
    names = ("created_at", "expires_at", "revoked_at", "used_at")
    moments = {name: getattr(token, name) for name in names}
    return {
        **{name: getattr(token, name) for name in ("prefix", "site", "note", "diagnoses", "quality_checks")},
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
    }
