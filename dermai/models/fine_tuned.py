"""The fine-tuned networks of a model: the one that answers patients, and its sisters, each without one fold of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dermai.continual.networks_learnt import DEPLOYED, NetworksLearnt
from dermai.errors import PackageTampered
from dermai.models.calibration import log_softmax
from dermai.models.stored_weights import StoredWeights, weights_file

if TYPE_CHECKING:
    from torch import Tensor

WORDS, LEARNT, ENGINE = "fine_tuned.json", "fine_tuned_learnt.csv", "fine_tuned.onnx"


@dataclass(frozen=True)
class FineTunedNetwork:
    """One network with its own head. `learnt`: photographs, with the diagnosis by which it has learnt each last.

    It names whatever the network, or one that it was trained on from, has ever learnt.
    """

    weights: Mapping[str, Tensor]
    classes: tuple[str, ...]
    learnt: Mapping[str, str]

    def scores(
        self, logits: NDArray[np.float64], classes: Sequence[str], head: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Log-probabilities [N, C] of all `classes` from the network's logits for its own.

        A class that it has not learnt has the probability that the linear head gives to it, by scores [N, C].
        """
        found = log_softmax(head)
        places = [classes.index(code) for code in self.classes]
        known = found[:, places]
        largest = known.max(axis=1, keepdims=True)
        share = largest + np.log(np.exp(known - largest).sum(axis=1, keepdims=True))
        found[:, places] = log_softmax(logits) + (share if len(places) < len(classes) else 0.0)
        return found


@dataclass(frozen=True)
class FineTunedNetworks:
    """`deployed` and the `sisters` by the fold that each never saw, of one backbone and input with the linear heads.

    Each sees one of the package's views, `view`. `made` says how they were trained last; `engine` is the file that the
    deployed one is run from.
    """

    view: str
    deployed: FineTunedNetwork
    sisters: Mapping[int, FineTunedNetwork]
    made: dict[str, Any] = field(default_factory=dict)
    engine: bytes | None = field(default=None, repr=False)

    @property
    def members(self) -> dict[str, FineTunedNetwork]:
        """All of them by name: `deployed`, then the folds."""
        return {DEPLOYED: self.deployed, **{str(fold): self.sisters[fold] for fold in sorted(self.sisters)}}

    def what_was_learnt(self, backbone: str, image_size: int, interpolation: str) -> NetworksLearnt:
        """What decides whether an update may keep them, and whether it should train them on."""
        return NetworksLearnt(
            learnt={name: dict(network.learnt) for name, network in self.members.items()},
            classes=self.deployed.classes,
            view=self.view,
            form={"backbone": backbone, "image_size": image_size, "interpolation": interpolation},
            parameters=self.made.get("parameters", {}),
        )

    @property
    def files(self) -> dict[str, bytes]:
        """The content of their files in a package; the same networks give the same bytes."""
        words = {
            "view": self.view,
            "classes": {name: list(network.classes) for name, network in self.members.items()},
            "made": self.made,
        }
        images = sorted({image for network in self.members.values() for image in network.learnt})
        learnt = pd.DataFrame({"image": images}).assign(
            **{name: [network.learnt.get(image, "") for image in images] for name, network in self.members.items()}
        )
        files = {
            WORDS: (json.dumps(words, indent=2, allow_nan=False) + "\n").encode(),
            LEARNT: learnt.to_csv(index=False, lineterminator="\n").encode(),
            **{weights_name(name): weights_file(network.weights) for name, network in self.members.items()},
        }
        return files if self.engine is None else files | {ENGINE: self.engine}

    @classmethod
    def load(cls, folder: Path) -> FineTunedNetworks:
        """From the files of a package, which were checked before.

        Raises:
            PackageTampered: one of them is missing.
        """
        try:
            words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
            learnt = pd.read_csv(folder / LEARNT, dtype=str, keep_default_na=False).set_index("image")
            networks = {
                name: FineTunedNetwork(
                    StoredWeights((folder / weights_name(name)).read_bytes()),
                    tuple(classes),
                    {image: code for image, code in learnt[name].items() if code},
                )
                for name, classes in words["classes"].items()
            }
        except FileNotFoundError as error:
            missing = Path(error.filename).name
            raise PackageTampered(f"{folder}: {missing} is missing: restore the package from the registry") from None
        engine = folder / ENGINE
        return cls(
            words["view"],
            networks[DEPLOYED],
            {int(name): network for name, network in networks.items() if name != DEPLOYED},
            words["made"],
            engine.read_bytes() if engine.is_file() else None,
        )


def weights_name(member: str) -> str:
    """The file of one network's weights in a package."""
    return f"fine_tuned_{member}.safetensors"


def is_of_fine_tuned(name: str) -> bool:
    """Whether a package's file of this name is one of those of its fine-tuned networks."""
    return name.startswith("fine_tuned")
