"""All commands, one module a concern; each imports what is heavy only when it runs."""

from __future__ import annotations

import typer

application = typer.Typer(
    name="dermai",
    help="Continual learning for skin-lesion classification in teledermatology.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
