"""What the version that answered a case can still tell of its answer: the reason, and where it saw the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dermai.config import Params
from dermai.errors import DermaiError
from dermai.registry.registry import Registry
from dermai.triage.heat_maps import heat_maps
from dermai.triage.scorers import scoring_model
from dermai.triage.scoring import ScoringModel, triage_folder
from dermai.workspace import Workspace


def answering_model(workspace: Workspace, params: Params, version: str) -> ScoringModel:
    """The registered version, its files checked against their hash; read and made ready once in a process.

    Raises:
        DermaiError: there is no such version any more, or it is not what was registered.
    """
    if not Registry.exists(workspace):
        raise DermaiError(f"there is no registry, and so no version {version}")
    registry = Registry(workspace, params)
    return scoring_model(version, "champion", registry.download(version), registry.get(version).sha256, workspace.cache)


_points: dict[tuple[Path, str], Mapping[str, float]] = {}  # of versions, which never change


def operating_points(workspace: Workspace, params: Params, version: str) -> Mapping[str, float]:
    """Those of a version; none where it is gone, so that its answer is shown as far as it can be explained."""
    if (workspace.root, version) not in _points:
        try:
            _points[workspace.root, version] = answering_model(workspace, params, version).package.operating_points
        except DermaiError:
            return {}
    return _points[workspace.root, version]


def evidence_map(
    workspace: Workspace, params: Params, version: str, image: str, called: str
) -> tuple[NDArray[np.float32], str]:
    """Grad-CAM of a called class in a referred photograph, [h, w] from 0 to 1, and the crop that the model looked at.

    Raises:
        DermaiError: the version is gone, or does not know the class.
    """
    from dermai.models.package_network import model_pixels

    model = answering_model(workspace, params, version)
    package = model.package
    if called not in package.classes:
        raise DermaiError(f"version {version} does not know {called}")
    pixels = model_pixels(package, workspace.cache)
    pixels.fill([image], triage_folder(workspace))
    (found,) = heat_maps(package, pixels.read([image]), [package.classes.index(called)], model.network)
    return found, package.crop
