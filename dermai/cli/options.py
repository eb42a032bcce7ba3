"""Options that several commands have: `--json`; `--profile` and `--set`, of every command that reads parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dermai.config import Params
    from dermai.workspace import Workspace

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Profile = Annotated[
    str, typer.Option(help="Lay profiles/NAME.yaml over params.yaml; else the profile that DERMAI_PROFILE names.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One parameter, such as model.image_size=128; may be repeated."),
]


def read_parameters(workspace: Workspace, profile: str, settings: list[str] | None) -> Params:
    """What the options ask for, in this workspace.

    Raises:
        InvalidParams: there is no such profile or parameter, or a value is out of range.
    """
    from dermai.config import load_params, parse_settings, read_overrides

    return load_params(workspace.params_file, read_overrides(workspace.root, profile, parse_settings(settings or ())))
