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

from dermai.cli import ingest as _ingest  # noqa: E402


@application.callback()
def _commands() -> None:
    """Make commands stay named even where there is only one."""


from dermai.cli import simulate as _simulate  # noqa: E402

_simulate.register(application)
_ingest.register(application)

from dermai.cli import records as _records  # noqa: E402

_records.register(application)

from dermai.cli import monitoring as _monitoring  # noqa: E402

_monitoring.register(application)

from dermai.cli import operations as _operations  # noqa: E402

_operations.register(application)

from dermai.cli import validation as _validation  # noqa: E402

_validation.register(application)

from dermai.cli import ci as _ci  # noqa: E402

_ci.register(application)

from dermai.cli import comparison as _comparison  # noqa: E402

_comparison.register(application)
