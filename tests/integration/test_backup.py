"""A machine is lost: backup, keys from the safe and a clone give the same champion, predictions and records."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.integration.conftest import Clone, clone_in

PREDICT = """
from dermai.registry.champion import find_reference_models, load_reference_package
from dermai.config import load_params
from dermai.data.cases import parse_cases
from dermai.evaluation.comparison import test_predictions
from dermai.workspace import find_workspace

workspace = find_workspace()
params = load_params(workspace.params_file)
package = load_reference_package(workspace, find_reference_models(workspace, params).champion)
cases = parse_cases(workspace.cases_file)
table = test_predictions(workspace, cases, {"champion": package})
print(table.select_dtypes("number").to_numpy().tobytes().hex())
"""


def test_a_backup_restored_on_an_empty_machine_is_the_same_service(first_champion: Clone, tmp_path: Path) -> None:
    lost = first_champion.copy(tmp_path / "lost")
    champion = lost.status()["champion"]
    predictions = lost.run("python", "-c", PREDICT).stdout
    records = json.loads(lost.run("dermai", "audit", "show", "--json", "--last", "1000").stdout)
    saved = json.loads(lost.run("dermai", "backup", str(tmp_path / "backup"), "--json").stdout)
    assert saved["champion"] == champion["version"]
    lost.run("dvc", "push", "--quiet")

    (tmp_path / "new").mkdir()
    new = clone_in(tmp_path / "new")
    lost.run("git", "clone", "--quiet", str(lost.root), str(new.root))
    shutil.copytree(lost.root.parent / "keys", tmp_path / "new" / "keys")  # from the safe
    shutil.copytree(lost.root / "demo-remote", new.root / "demo-remote", dirs_exist_ok=True)  # it was elsewhere
    shutil.rmtree(tmp_path / "lost")

    new.run("dermai", "restore", str(tmp_path / "backup"))
    new.run("dvc", "pull", "--quiet")
    assert new.status()["champion"] == champion
    assert len(predictions) > 1000
    assert new.run("python", "-c", PREDICT).stdout == predictions
    assert "as they were written" in new.run("dermai", "audit", "verify").stdout
    after = json.loads(new.run("dermai", "audit", "show", "--json", "--last", "1000").stdout)
    assert after[: len(records)] == records
    assert [entry["event"] for entry in after[len(records) :]] == ["restore"]
    assert (new.root / records[-1]["body"].get("report", "reports")).exists()
