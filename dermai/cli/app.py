"""All commands, one module a concern; each imports what is heavy only when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from dermai import __version__

application = typer.Typer(
    name="dermai",
    help="Continual learning for skin-lesion classification in teledermatology.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

from dermai.cli import ingest as _ingest  # noqa: E402


def _print_version(asked: bool) -> None:
    if asked:
        print(f"dermai {__version__}")
        raise typer.Exit


@application.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that stand before a command."""


from dermai.cli import simulate as _simulate  # noqa: E402

_simulate.register(application)
_ingest.register(application)

from dermai.cli import status as _status  # noqa: E402

_status.register(application)

from dermai.cli import champion as _champion  # noqa: E402

_champion.register(application)

from dermai.cli import decisions as _decisions  # noqa: E402

_decisions.register(application)

from dermai.cli import audit as _audit  # noqa: E402

_audit.register(application)

from dermai.cli import gate as _gate  # noqa: E402

_gate.register(application)

from dermai.cli import monitoring as _monitoring  # noqa: E402

_monitoring.register(application)

from dermai.cli import service as _service  # noqa: E402

_service.register(application)

from dermai.cli import accounts as _accounts  # noqa: E402

_accounts.register(application)

from dermai.cli import referrals as _referrals  # noqa: E402

_referrals.register(application)

from dermai.cli import replay as _replay  # noqa: E402

_replay.register(application)

from dermai.cli import tokens as _tokens  # noqa: E402

_tokens.register(application)

from dermai.cli import operations as _operations  # noqa: E402

_operations.register(application)

from dermai.cli import withdrawal as _withdrawal  # noqa: E402

_withdrawal.register(application)

from dermai.cli import clockwork as _clockwork  # noqa: E402

_clockwork.register(application)

from dermai.cli import validation as _validation  # noqa: E402

_validation.register(application)

from dermai.cli import ci as _ci  # noqa: E402

_ci.register(application)

from dermai.cli import comparison as _comparison  # noqa: E402

_comparison.register(application)

from dermai.cli import cross_validation as _cross_validation  # noqa: E402

_cross_validation.register(application)

from dermai.cli import weights as _weights  # noqa: E402

_weights.register(application)
