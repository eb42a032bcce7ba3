"""The `dermai` command."""

from __future__ import annotations

import errno
import sys

from dermai.cli.app import application
from dermai.environment import print_anything, silence_telemetry
from dermai.errors import DermaiError
from dermai.files import NO_ROOM

# What the machine refuses, rather than a fault of the code
NOT_OURS = (*NO_ROOM, errno.EROFS, errno.EACCES, errno.EPERM)


def app() -> None:
    """Run the command; a refused or failed one prints one line and exits with 1."""
    silence_telemetry()
    print_anything()
    try:
        application()
    except DermaiError as error:
        print(f"dermai: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in NOT_OURS:
            raise
        where = f": {error.filename}" if error.filename else ""
        print(f"dermai: {error.strerror}{where}: see to it and run this again", file=sys.stderr)
        sys.exit(1)
