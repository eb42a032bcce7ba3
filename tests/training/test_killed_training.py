"""Not one module: a training of linear heads that is killed, wherever, is finished by the next as if nothing was."""

from __future__ import annotations

from pathlib import Path

from dermai.models.package import ENGINE, EVIDENCE, LINEAR_PARTS, VALIDATION, WEIGHTS, ModelPackage
from dermai.workspace import Workspace
from tests.monitoring.killed_processes import Kill, in_a_process
from tests.training.test_refit import arrival, linear_params, made

TRAINED = (WEIGHTS, LINEAR_PARTS, VALIDATION, EVIDENCE, ENGINE)
IMPORTED_ONCE = ("dermai.training.candidate", "dermai.training.refit", "onnxruntime", "sklearn.linear_model", "timm",
                 "torch", "tests.training.test_refit")  # fmt: skip
KILLS = (
    Kill("dermai.images.record_file:RecordFile", "append", 1, after=False),  # of two views one is kept
    Kill("dermai.models.seen_features", "features_of_views", 0, after=True),
    Kill("dermai.training.refit", "fit_linear_head", 2, after=False),
    Kill("dermai.models.package", "write_bytes", 2, after=True),  # in the middle of the package
    Kill("dermai.models.package", "write_json", 0, after=True),
)


def trained_files(package: ModelPackage) -> dict[str, bytes]:
    return {name: package.files[name] for name in TRAINED}


def test_a_killed_training_ends_with_the_weights_of_one_that_was_not(workspace: Workspace, tmp_path: Path) -> None:
    cases = arrival(workspace.data, Nev=12, BCC=9, MM=6)
    work = made, (workspace, cases, linear_params()), {}
    for kill in KILLS:
        assert not in_a_process(*work, kill=kill, imported=IMPORTED_ONCE), f"{kill} was never reached"
        assert not list(workspace.cache.rglob("package")), "a package that is there is whole"
    found = made(workspace, cases, linear_params())
    quiet = Workspace(tmp_path / "quiet")
    quiet.root.mkdir()
    quiet.data.symlink_to(workspace.data)
    assert trained_files(found) == trained_files(made(quiet, cases, linear_params()))
