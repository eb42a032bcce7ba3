"""Packages as the registry stores them: MLflow models that are code and files, checked by hash when they come back."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dermai.errors import PackageTampered
from dermai.files import sha256_file, sha256_json
from dermai.models.package import CHECKSUMS, MODEL, check_files

SERVED_MODEL = Path(__file__).parents[1] / "serving" / "served_model.py"
WRITTEN_ON_LOADING, CACHE = {"registered_model_meta"}, "__pycache__"
REQUIREMENTS = (
    "mlflow", "onnx", "onnxruntime", "torch", "torchvision", "timm", "safetensors", "pillow", "pi-heif", "pydicom",
    "numpy", "pandas", "pydantic",
)  # fmt: skip


def log_package(name: str, folder: Path, cleaning: Mapping[str, Any]) -> Any:
    """Store a package as a pyfunc model of the active run, from code: nothing is pickled, nothing asked of a network.

    `cleaning` says how the served model prepares a photograph.
    """
    import importlib.metadata
    import warnings

    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    clinical = json.loads((folder / MODEL).read_text(encoding="utf-8")).get("clinical", {}).get("columns", [])
    optional = [ColSpec("double" if column == "age" else "string", column, required=False) for column in clinical]
    inputs = Schema([ColSpec("string", "photograph"), *optional])
    requirements = [f"{package}=={importlib.metadata.version(package)}" for package in REQUIREMENTS]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input example was not provided")  # it would be a photograph
        return mlflow.pyfunc.log_model(
            name=name,
            python_model=str(SERVED_MODEL),
            artifacts={"package": str(folder)},
            signature=ModelSignature(inputs=inputs),
            pip_requirements=requirements,
            model_config={"paths": False, **cleaning},
        )


def kept_package(kept: Path, name: str, version: str) -> Path | None:
    """The copy of a package, in a folder of its hash; None where there is none or it is damaged, and then removed."""
    if not kept.is_dir():
        return None
    try:
        return check_package(kept, name, version, kept.name)
    except PackageTampered:
        shutil.rmtree(kept)  # only a copy: it is fetched again
        return None


def keep_package(folder: Path, kept: Path) -> Path:
    """Copy a package that was fetched; the copy appears wholly or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=kept.parent))
    shutil.copytree(folder, temporary / "package")
    (temporary / "package").rename(kept)
    temporary.rmdir()
    return kept


def fetch_package(name: str, version: str, sha256: str) -> Path:
    """The folder of a registered version's package, downloaded where the store is elsewhere.

    Raises:
        PackageTampered: it is gone, or not the package with this hash.
    """
    folder = _fetched(name, version)
    found = sorted(folder.glob(f"artifacts/**/{CHECKSUMS}"))
    if not found:
        raise PackageTampered(f"{name} version {version}: the registry holds no {CHECKSUMS} of it any more")
    return check_package(found[0].parent, name, version, sha256)


def served_files_sha256(name: str, version: str) -> str:
    """Hash of what is stored beside a version's package, and what `mlflow models serve` therefore runs and obeys.

    What MLflow and Python write themselves when they load a version is not part of it.

    Raises:
        PackageTampered: it is gone.
    """
    folder = _fetched(name, version)
    packages = [found.parent for found in folder.glob(f"artifacts/**/{CHECKSUMS}")]
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not set(packages) & set(path.parents)]
    names = {str(path.relative_to(folder)): path for path in files}
    served = {name: path for name, path in names.items() if name not in WRITTEN_ON_LOADING and CACHE not in path.parts}
    return sha256_json({name: sha256_file(path) for name, path in served.items()})


def _fetched(name: str, version: str) -> Path:
    """All that is stored of a version, downloaded where the store is elsewhere."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return Path(mlflow.artifacts.download_artifacts(f"models:/{name}/{version}"))
    except MlflowException as error:
        if "No such artifact" not in str(error):
            raise
        raise PackageTampered(
            f"{name} version {version}: the registry holds no files of it any more; put them back from a backup"
        ) from None


def check_package(folder: Path, name: str, version: str, sha256: str) -> Path:
    """The folder again, if it holds the package with this hash.

    Raises:
        PackageTampered: a file is missing or changed, or it is another package.
    """
    try:
        check_files(folder)
    except PackageTampered as error:
        raise PackageTampered(f"{name} version {version}: {error}") from None
    if sha256_file(folder / CHECKSUMS) != sha256:
        raise PackageTampered(f"{name} version {version} is not the package that was registered: {folder}")
    return folder
