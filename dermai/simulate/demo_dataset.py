"""The committed demo dataset: simulated Derm.AI, EDRA and Dermofit through the real importers.

`python -m dermai.simulate.demo_dataset` makes it again in the workspace's empty data folder; `dvc add data` then gives
the hash in data.dvc (with the locked versions of Pillow and NumPy). MM and BCC are more frequent than in the paper, so
that the test patients are enough for the gate to decide. A second arrival, other patients of the same seed:
`dermai simulate demo/arrival --arrival 2 --size 128 --prevalence MM=6 --prevalence BCC=6`, then `dermai ingest`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dermai.simulate.scenario import Scenario

# Public on purpose: it hides nobody, since the patients do not exist. Never use it for real ones.
DEMO_PSEUDONYM_KEY = "public-key-of-the-simulated-demo-dataset-only"
DEMO_SIZE = 128
DEMO_OVERRIDES: Mapping[str, Any] = {"data.jpeg_quality": 68}  # the remote lies in the repository
ENRICHED = {"MM": 1.75, "BCC": 1.85}
FIRST_ARRIVALS = (
    Scenario(source="edra", scale=0.4, size=DEMO_SIZE, prevalence=ENRICHED),
    Scenario(source="dermofit", scale=0.4, size=DEMO_SIZE, prevalence=ENRICHED),
    Scenario(source="dermai", scale=0.25, size=DEMO_SIZE),
)


def use_demo_key(folder: Path) -> None:
    """Let this process pseudonymise with the public demo key, kept in `folder` (outside the repository)."""
    from dermai.data.pseudonyms import KEY_VARIABLE

    path = folder / "demo_pseudonym.key"
    path.write_text(DEMO_PSEUDONYM_KEY + "\n", encoding="utf-8")
    path.chmod(0o600)
    os.environ[KEY_VARIABLE] = str(path)


def make_demo_dataset(root: Path) -> None:
    """Fill the data folder of the workspace at `root`.

    Raises:
        DermaiError: it already holds cases.
    """
    from dermai.config import load_params
    from dermai.errors import DermaiError
    from dermai.ingest.importers import importers
    from dermai.ingest.intake import IntakeOptions, take_in
    from dermai.simulate.publishers import simulate
    from dermai.workspace import Workspace

    workspace = Workspace(root)
    if workspace.cases_file.exists():
        raise DermaiError(f"{workspace.cases_file} already exists: remove the data folder to make the demo data again")
    params = load_params(workspace.params_file, DEMO_OVERRIDES)
    with tempfile.TemporaryDirectory() as temporary:
        use_demo_key(Path(temporary))
        for scenario in FIRST_ARRIVALS:
            folder = Path(temporary) / scenario.source
            simulate(folder, scenario)
            options = IntakeOptions(batch=f"simulated-{scenario.source}-1")
            report = take_in(importers()[scenario.source](folder), workspace, params, options)
            print(f"{scenario.source}: {report.new.total()} new, {report.quarantined.total()} quarantined")
            for line in [*report.notes, *(f"{r.file}: {r.reason}" for r in report.rejections[:5])]:
                print(f"  {line}")


if __name__ == "__main__":
    from dermai.workspace import find_workspace

    make_demo_dataset(find_workspace().root)
