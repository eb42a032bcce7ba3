"""A registered model answering for single photographs: what `mlflow models serve` and `pyfunc.load_model` run."""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermai.config import DataParams
from dermai.data.cases import photograph_path
from dermai.errors import InvalidCases
from dermai.files import sha256_file, write_bytes
from dermai.ingest.clinical_values import clinical_values
from dermai.ingest.limits import MOST_BYTES
from dermai.ingest.photographs import sanitise
from dermai.ingest.unusable import UnusablePhotograph
from dermai.serving.provisional import ServedStanding, served_standing
from dermai.taxonomy import load_taxonomy

if TYPE_CHECKING:
    import pandas as pd

    from dermai.models.package import ModelPackage

DATA_URI = re.compile(r"\s*data:[^,]{0,200};base64,", re.IGNORECASE)


@dataclass(frozen=True)
class Classifier:
    """A package with the settings it was registered with: `paths` allows names of local files as photographs."""

    package: ModelPackage
    data: DataParams
    paths: bool
    standing: ServedStanding = field(default_factory=ServedStanding)

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any]) -> Classifier:
        """Read a package; `settings` is the version's MLflow `model_config`: `paths` and fields of `data:`.

        Raises:
            PackageTampered: a file of the package is missing or changed.
        """
        from dermai.models.package import CHECKSUMS, ModelPackage

        cleaning = dict(settings)
        paths = bool(cleaning.pop("paths"))
        standing = served_standing(sha256_file(folder / CHECKSUMS))
        return cls(ModelPackage.load(folder), DataParams.model_validate(cleaning), paths, standing)

    def answer(self, photographs: pd.DataFrame) -> pd.DataFrame:
        """What `classify` says of the photographs; a provisional champion's answers are marked.

        Raises:
            Refused: a provisional champion's time is over.
        """
        return self.standing.mark(classify(self.package, photographs, self.data, self.paths))


def classify(
    package: ModelPackage, photographs: pd.DataFrame, data: DataParams | None = None, paths: bool = False
) -> pd.DataFrame:
    """Class, risk level and calibrated probabilities of each photograph, in the order given.

    The column `photograph` holds base64 of a JPEG, HEIC, DICOM, ... file; with `paths` a name of a local file will do
    too, which a server must not allow. Photographs pass the same cleaning as those of the dataset. Clinical columns
    beside it, named as in the case table, are used by a model that has learnt from them. Returns the columns
    `predicted`, `risk` and `p_<class>` for each class of the model; of a model that knows what kind of photographs it
    has learnt also `unfamiliar`: such a photograph is never `normal`.

    Raises:
        InvalidCases: a photograph cannot be read; the message says which row.
    """
    import pandas as pd

    from dermai.models.inference import predict_probabilities
    from dermai.models.learnt_photographs import familiarity_features

    data = data or DataParams()
    with tempfile.TemporaryDirectory(prefix="dermai-serving-") as name:
        folder = Path(name)
        images = []
        for row, value in enumerate(photographs["photograph"], 1):
            try:
                stored = sanitise(_as_file(value, folder, paths), data.shorter_side, data.jpeg_quality)
            except UnusablePhotograph as error:
                raise InvalidCases(f"photograph {row}: {error.reason}; {error.fix}") from None
            write_bytes(photograph_path(folder, stored.image), stored.content)
            images.append(stored.image)
        probabilities = predict_probabilities(
            package, images, folder, folder / "cache", clinical=_readable(photographs)
        )
        known = package.familiarity
        unfamiliar = None
        if known is not None:
            unfamiliar = known.unfamiliar(familiarity_features(known, images, folder, folder / "cache"))
    predicted = package.called(probabilities)
    taxonomy = load_taxonomy()
    risks = [taxonomy.risk(code) for code in predicted]
    if unfamiliar is not None:
        risks = [risk.to_be_read if new else risk for risk, new in zip(risks, unfamiliar, strict=True)]
    table = pd.DataFrame({"predicted": predicted, "risk": [risk.value for risk in risks]})
    if unfamiliar is not None:
        table["unfamiliar"] = unfamiliar
    return table.join(pd.DataFrame(probabilities, columns=[f"p_{code}" for code in package.classes]))


def _readable(photographs: pd.DataFrame) -> pd.DataFrame:
    """The clinical columns as the case table has them; what cannot be read is unknown, as the contract says."""
    given = photographs.drop(columns="photograph")
    text = given.astype(object).where(given.notna(), "").map(str)
    return clinical_values(text).rows


def _as_file(value: object, folder: Path, paths: bool) -> Path:
    """A file with a photograph that was sent as base64, with or without line breaks and the prefix of a data URI."""
    if not isinstance(value, str):
        raise UnusablePhotograph("none is given", "send the file's bytes as base64")
    if paths and len(value) < 4096 and Path(value).is_file():
        return Path(value)
    value = "".join(DATA_URI.sub("", value, count=1).split())
    if len(value) * 3 // 4 > MOST_BYTES:
        raise UnusablePhotograph(f"larger than {MOST_BYTES // 10**6} MB", "send it as JPEG")
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        hint = "give base64, or the name of a file that exists" if paths else "send the file's bytes as base64"
        raise UnusablePhotograph("not base64", hint) from None
    file = folder / "photograph"
    file.write_bytes(content)
    return file
