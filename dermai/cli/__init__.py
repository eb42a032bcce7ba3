"""The `dermai` command."""

from __future__ import annotations

import sys

from dermai.cli.app import application
from dermai.environment import silence_telemetry
from dermai.errors import DermaiError


def app() -> None:
    """Run the command; a refused or failed one prints one line and exits with 1."""
    silence_telemetry()
    try:
        application()
    except DermaiError as error:
        print(f"dermai: {error}", file=sys.stderr)
        sys.exit(1)
