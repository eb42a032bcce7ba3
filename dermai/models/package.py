"""A model as a folder of plain files, each with its hash: what is trained, registered, served and rolled back to."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dermai.config import ModelParams
from dermai.continual.networks_learnt import NetworksLearnt
from dermai.errors import PackageTampered
from dermai.files import sha256_bytes, sha256_file, sync_folder, write_bytes, write_json
from dermai.models.clinical_model import ClinicalModel
from dermai.models.familiarity import Familiarity
from dermai.models.fine_tuned import FineTunedNetworks, is_of_fine_tuned
from dermai.models.fusion import Choices, Fusions, PartScores
from dermai.models.operating_points import CALL_RULE, predict
from dermai.models.sisters import LinearParts
from dermai.models.stored_weights import StoredWeights, linear_head, weights_file, weights_sha256

if TYPE_CHECKING:
    from torch import Tensor, nn

# A reader that knows too little must refuse
FORMAT, FORMAT_WITH_CLINICAL, FORMAT_WITH_CROP, FORMAT_WITH_CALL_RULE, FORMAT_WITH_FAMILIARITY = 1, 2, 3, 4, 5
FORMAT_WITH_ENGINE = 6
FORMAT_WITH_LINEAR_PARTS = 7
FORMAT_WITH_FINE_TUNED = NEWEST_FORMAT = 8
WEIGHTS, MODEL, MANIFEST, CHECKSUMS = "weights.safetensors", "model.json", "manifest.csv", "checksums.json"
VALIDATION, FAMILIARITY = "validation_predictions.csv", "familiarity.safetensors"
ENGINE, LINEAR_PARTS, EVIDENCE = "network.onnx", "linear_parts.safetensors", "evidence_predictions.csv"
MANIFEST_COLUMNS = ("image", "case_id", "patient_id", "lesion_id", "diagnosis", "source", "site", "split")


@dataclass(frozen=True)
class ModelPackage:
    """One trained model and everything needed to use it, compare it and train on from it.

    `manifest` holds every photograph the weights have ever learnt from (split `train`) and those that chose
    them (`validation`). `validation` holds the uncalibrated probabilities of the validation photographs, one
    column `p_<class>` a class, from which temperature and operating points are fitted; those of a package with a
    `clinical` model are of photograph and columns together. `call_rule` is the rule by which the operating points
    call (`dermai.models.operating_points`); packages that do not name one have the first. `parent` is the sha256 of
    the package this one was trained from. `familiarity` summarises the photographs of the manifest. `engine` is the
    network below its linear head as `dermai.models.engine` runs it, and `head` that layer's name; packages of earlier
    formats have neither.

    A model of linear heads has `linear_parts` in place of a head among its weights: its features are those of each of
    the `views` (`dermai.images.pixels`), with the network's `late_stages`, and `fusions` weighs photograph and columns.
    Its `validation` holds out-of-fold answers: each photograph's is of the sister that never saw its patient's fold,
    fused as in the deployed model, whose fusion and thresholds all of these answers have chosen. `evidence` holds the
    same sisters' answers at choices that no answer on the photograph's own fold had a part in: with the columns `fold`
    and `called`, at the temperature chosen so. Beside its head there may be `fine_tuned` networks, whose scores are a
    part of the fusion.
    """

    weights: Mapping[str, Tensor]
    backbone: str
    classes: tuple[str, ...]
    image_size: int
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    manifest: pd.DataFrame
    validation: pd.DataFrame
    temperature: float = 1.0
    operating_points: dict[str, float] = field(default_factory=dict)
    parent: str | None = None
    training: dict[str, Any] = field(default_factory=dict)
    clinical: ClinicalModel | None = None
    crop: str = "none"
    call_rule: int = 1
    familiarity: Familiarity | None = None
    engine: bytes | None = field(default=None, repr=False)
    head: str = ""
    linear_parts: LinearParts | None = None
    views: tuple[str, ...] = ()
    late_stages: int = 0
    fusions: Fusions | None = None
    evidence: pd.DataFrame | None = None
    fine_tuned: FineTunedNetworks | None = None

    @property
    def networks(self) -> NetworksLearnt | None:
        """What its fine-tuned networks have learnt; None where it has none."""
        if self.fine_tuned is None:
            return None
        return self.fine_tuned.what_was_learnt(self.backbone, self.image_size, self.interpolation)

    def with_operating_points(self, operating_points: Mapping[str, float]) -> ModelPackage:
        """The same model with other decision thresholds per class, which call by the newest rule."""
        return replace(self, operating_points=dict(operating_points), call_rule=CALL_RULE)

    def called(self, probabilities: np.ndarray) -> list[str]:
        """The class that the model calls in each case, from its probabilities [N, C]."""
        places = predict(probabilities, self.classes, self.operating_points, self.call_rule)
        return [self.classes[place] for place in places]

    def with_familiarity(self, familiarity: Familiarity | None) -> ModelPackage:
        """The same model with a summary of the photographs that it has learnt."""
        return replace(self, familiarity=familiarity)

    def with_temperature(self, temperature: float) -> ModelPackage:
        """The same model with another softmax temperature."""
        return replace(self, temperature=temperature)

    def with_engine(self, engine: bytes) -> ModelPackage:
        """The same model with the file that its network is run from."""
        return replace(self, engine=engine, head=head_of(self.backbone))

    def linear_head(self) -> tuple[np.ndarray, np.ndarray]:
        """Weight [C, D] and bias [C] of the layer that gives the class scores, float64."""
        if self.linear_parts is not None:
            head = self.linear_parts.deployed.head
            return head.weight.astype(np.float64), head.bias.astype(np.float64)
        return linear_head(self.weights, self.head or head_of(self.backbone))

    @property
    def choices(self) -> Choices:
        """What the model's linear parts are answered by. Only a model that has them is asked."""
        assert self.fusions is not None
        return Choices(self.fusions, self.temperature, self.operating_points, self.call_rule)

    @property
    def network_identity(self) -> bytes:
        """What determines the features of a photograph: the network's weights and how photographs are shown to it."""
        shown = self.backbone, self.image_size, self.interpolation, self.mean, self.std, self.views, self.late_stages
        return repr(shown).encode() + weights_sha256(self.weights).encode()

    def scores(
        self, logits: np.ndarray, clinical: pd.DataFrame | None, fine_tuned: np.ndarray | None = None
    ) -> np.ndarray:
        """Class scores [N, C] before the temperature, from the head's and the clinical columns of the same cases.

        `fine_tuned` holds the logits of the fine-tuned network for its own classes, where the package has one.
        """
        opinion = np.zeros_like(logits)
        if self.clinical is not None and clinical is not None:
            opinion = self.clinical.scores(clinical)
        if self.fusions is None:
            return logits + opinion
        of_network = None
        if self.fine_tuned is not None:
            if fine_tuned is None:
                raise ValueError("this package's fusion needs the scores of its fine-tuned network")
            of_network = self.fine_tuned.deployed.scores(fine_tuned, self.classes, logits)
        return self.fusions.scores(PartScores(logits, opinion, of_network))

    @property
    def files(self) -> dict[str, bytes]:
        """The content of each file of the package but the checksums; the same package gives the same bytes."""
        description = {
            "format": self._format,
            "backbone": self.backbone,
            "classes": list(self.classes),
            "image_size": self.image_size,
            "interpolation": self.interpolation,
            "mean": list(self.mean),
            "std": list(self.std),
            "temperature": self.temperature,
            "operating_points": self.operating_points,
            "parent": self.parent,
            "training": self.training,
        }
        if self.clinical:
            description["clinical"] = self.clinical.model_dump(mode="json")
        if self.crop != "none":
            description["crop"] = self.crop
        if self.call_rule != 1:
            description["call_rule"] = self.call_rule
        if self.engine is not None:
            description["head"] = self.head
        if self.linear_parts is not None and self.fusions is not None:
            description |= {
                "views": list(self.views),
                "late_stages": self.late_stages,
                "fusions": self.fusions.values(),
            }
        files = {
            WEIGHTS: weights_file(self.weights),
            MODEL: (json.dumps(description, indent=2, allow_nan=False) + "\n").encode(),
            MANIFEST: self.manifest[list(MANIFEST_COLUMNS)].to_csv(index=False, lineterminator="\n").encode(),
            VALIDATION: self.validation.to_csv(index=False, lineterminator="\n").encode(),
        }
        if self.familiarity is not None:
            files[FAMILIARITY] = self.familiarity.to_bytes()
        if self.engine is not None:
            files[ENGINE] = self.engine
        if self.linear_parts is not None:
            files[LINEAR_PARTS] = self.linear_parts.to_bytes()
        if self.evidence is not None:
            files[EVIDENCE] = self.evidence.to_csv(index=False, lineterminator="\n").encode()
        return files if self.fine_tuned is None else files | self.fine_tuned.files

    @property
    def _format(self) -> int:
        if self.fine_tuned is not None:
            return FORMAT_WITH_FINE_TUNED
        if self.linear_parts is not None:
            return FORMAT_WITH_LINEAR_PARTS
        if self.engine is not None:
            return FORMAT_WITH_ENGINE
        if self.familiarity is not None:
            return FORMAT_WITH_FAMILIARITY
        if self.call_rule != 1:
            return FORMAT_WITH_CALL_RULE
        if self.crop != "none":
            return FORMAT_WITH_CROP
        return FORMAT_WITH_CLINICAL if self.clinical else FORMAT

    @cached_property
    def checksums(self) -> dict[str, str]:
        """SHA-256 of each file."""
        return {name: sha256_bytes(content) for name, content in self.files.items()}

    @property
    def sha256(self) -> str:
        """The package's identity: the hash of its checksums file."""
        return sha256_bytes(_checksums_content(self.checksums))

    def save(self, folder: Path) -> Path:
        """Write the package; the folder appears wholly or not at all, and replaces one that was there."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp"))
        try:
            files = self.files
            for name, content in files.items():
                write_bytes(temporary / name, content)
            checksums = {name: sha256_bytes(content) for name, content in files.items()}
            write_json(temporary / CHECKSUMS, checksums)
            temporary.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(folder.parent)
        return folder

    @classmethod
    def load(cls, folder: Path) -> ModelPackage:
        """Read a package and check every file against its hash.

        Raises:
            PackageTampered: a file is missing, changed or superfluous, or the format is another.
        """
        check_files(folder)
        description = json.loads((folder / MODEL).read_text(encoding="utf-8"))
        written_as = description.pop("format")
        if written_as not in range(FORMAT, NEWEST_FORMAT + 1):
            raise PackageTampered(
                f"{folder}: {MODEL} is not of format {FORMAT} to {NEWEST_FORMAT}: install the dermai that wrote it"
            )
        there = {name: (folder / name).is_file() for name in (ENGINE, LINEAR_PARTS)}
        whole = written_as >= FORMAT_WITH_LINEAR_PARTS or there[ENGINE] == (written_as == FORMAT_WITH_ENGINE)
        tuned = any(is_of_fine_tuned(file.name) for file in folder.iterdir())
        whole &= tuned == (written_as == FORMAT_WITH_FINE_TUNED)
        if not whole or there[LINEAR_PARTS] != (written_as >= FORMAT_WITH_LINEAR_PARTS):
            raise PackageTampered(f"{folder}: of format {written_as}, whose files are others: restore the package")
        if "clinical" in description:
            description["clinical"] = ClinicalModel.model_validate(description["clinical"])
        if description.get("call_rule", 1) not in range(1, CALL_RULE + 1):
            raise PackageTampered(f"{folder}: {MODEL} names a rule of calls that this dermai does not know: update it")
        description["classes"] = tuple(description["classes"])
        description["mean"], description["std"] = tuple(description["mean"]), tuple(description["std"])
        summary = folder / FAMILIARITY
        if there[LINEAR_PARTS]:
            description["linear_parts"] = LinearParts.from_bytes((folder / LINEAR_PARTS).read_bytes())
            description["views"] = tuple(description["views"])
            description["fusions"] = Fusions.of(description["fusions"])
        if tuned:
            description["fine_tuned"] = FineTunedNetworks.load(folder)
        if (folder / EVIDENCE).is_file():
            description["evidence"] = _predictions(folder / EVIDENCE)
        return cls(
            familiarity=Familiarity.from_bytes(summary.read_bytes()) if summary.is_file() else None,
            engine=(folder / ENGINE).read_bytes() if (folder / ENGINE).is_file() else None,
            weights=StoredWeights((folder / WEIGHTS).read_bytes()),
            manifest=pd.read_csv(folder / MANIFEST, dtype=str, keep_default_na=False),
            validation=_predictions(folder / VALIDATION),
            **description,
        )

    def build(self) -> nn.Module:
        """The network with these weights, ready to predict (evaluation mode, channels last).

        That of linear heads has no head of its own: what its last layer answers means nothing.
        """
        from dermai.models.backbones import build_model

        params = ModelParams(backbone=self.backbone, pretrained="none", image_size=self.image_size)
        model = build_model(params, self.classes)
        model.load_state_dict(self.weights, strict=self.linear_parts is None)
        return model.eval()


def _predictions(file: Path) -> pd.DataFrame:
    texts = dict.fromkeys(("image", "diagnosis", "called"), str)
    return pd.read_csv(file, dtype=texts, float_precision="round_trip")


def head_of(backbone: str) -> str:
    """Name of the layer that gives the class scores of a timm network."""
    import timm

    return str(timm.get_pretrained_cfg(backbone).classifier)


def check_files(folder: Path) -> None:
    """Compare a package's files with their recorded hashes.

    Raises:
        PackageTampered: a file is missing, changed or superfluous.
    """
    try:
        recorded = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise PackageTampered(f"{folder} holds no readable {CHECKSUMS}: it is no model package") from None
    expected = {WEIGHTS, MODEL, MANIFEST, VALIDATION}
    others = {FAMILIARITY, ENGINE, LINEAR_PARTS, EVIDENCE, *(name for name in recorded if is_of_fine_tuned(name))}
    if set(recorded) - others != expected:
        raise PackageTampered(f"{folder}: {CHECKSUMS} does not list {', '.join(sorted(expected))}")
    superfluous = sorted(path.name for path in folder.iterdir() if path.name not in {*recorded, CHECKSUMS})
    if superfluous:
        raise PackageTampered(f"{folder}: {', '.join(superfluous)} does not belong to the package: remove it")
    for name, checksum in recorded.items():
        if not (folder / name).is_file():
            raise PackageTampered(f"{folder}: {name} is missing: restore the package from the registry")
        if sha256_file(folder / name) != checksum:
            raise PackageTampered(f"{folder}: {name} does not match its recorded hash: restore it from the registry")


def _checksums_content(checksums: Mapping[str, str]) -> bytes:
    return (json.dumps(dict(checksums), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
