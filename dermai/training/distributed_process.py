"""What each process of a distributed training runs, under torchrun: its module name and a folder are its command."""

from __future__ import annotations

import sys
from pathlib import Path

from dermai.environment import silence_telemetry


def main(folder: Path) -> None:
    """Train; a reason that the user can fix is left in the folder for the process that waits."""
    silence_telemetry()
    from torch import distributed

    from dermai.errors import DermaiError
    from dermai.files import write_text
    from dermai.training.distributed import FAILURE, finetune_as_written

    try:
        finetune_as_written(folder)
    except DermaiError as error:
        write_text(folder / FAILURE, f"{error}\n")
        sys.exit(f"dermai: {error}")
    if distributed.is_initialized():
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
