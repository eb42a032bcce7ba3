"""Commands by which a named person decides something: their options, and how what was recorded is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.options import read_parameters

if TYPE_CHECKING:
    from dermai.audit import Entry
    from dermai.config import Params
    from dermai.workspace import Workspace

Approver = Annotated[str, typer.Option(help="Who decides: a name.", show_default=False)]
Role = Annotated[str, typer.Option(help="In which role, such as `head of dermatology`.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why, in a sentence; it stays in the record.", show_default=False)]


def opened(profile: str, settings: list[str] | None) -> tuple[Workspace, Params]:
    """The workspace and its parameters."""
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    return workspace, read_parameters(workspace, profile, settings)


def done(entry: Entry) -> None:
    """Say what was recorded."""
    from dermai.records.summary import summarise, version_of

    version = version_of(entry)
    say(f"{entry.event.replace('_', ' ')}{f' of version {version}' if version else ''}, {summarise(entry)}")
    say(f"record {entry.sequence}, {entry.time}")


def say(text: str) -> None:
    """Print a line that cannot steer the terminal."""
    print(plain(text))


def plain(text: str) -> str:
    """Without control characters: a record's free text cannot steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
