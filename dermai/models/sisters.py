"""The linear parts of a model, and of its sisters: each learnt without one fold of the patients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dermai.models.clinical_model import ClinicalModel
from dermai.models.fusion import Choices
from dermai.models.linear_head import LinearHead

DEPLOYED = "deployed"


@dataclass(frozen=True)
class Member:
    """One head with the clinical opinion beside it, both learnt from the same photographs.

    `learnt` names these photographs by their place in the package's manifest, bool [N]. `choices` are a sister's own,
    in which no answer on her fold had a part; packages of earlier releases do not keep them.
    """

    head: LinearHead
    clinical: ClinicalModel | None
    learnt: NDArray[np.bool_]
    choices: Choices | None = None


@dataclass(frozen=True)
class LinearParts:
    """The member that answers patients, and the sisters by the fold that each never saw.

    `blocks` are the lengths of the parts of the features that the heads weigh, over all views.
    """

    blocks: tuple[int, ...]
    deployed: Member
    sisters: Mapping[int, Member]

    def to_bytes(self) -> bytes:
        """As a safetensors file; the same parts give the same bytes."""
        from safetensors.numpy import save

        arrays: dict[str, NDArray[np.generic]] = {}
        clinical: dict[str, object] = {}
        choices = {name: member.choices.values() for name, member in self._named().items() if member.choices}
        for name, member in self._named().items():
            arrays[f"{name}.weight"], arrays[f"{name}.bias"] = member.head.weight, member.head.bias
            arrays[f"{name}.learnt"] = member.learnt
            clinical[name] = member.clinical.model_dump(mode="json") if member.clinical else None
        words: dict[str, object] = {"blocks": list(self.blocks), "clinical": clinical}
        if choices:
            words["choices"] = choices
        content: bytes = save(arrays, metadata={"linear parts": json.dumps(words, sort_keys=True)})
        return content

    @classmethod
    def from_bytes(cls, content: bytes) -> LinearParts:
        """From the content of a file that `to_bytes` made."""
        from safetensors.numpy import load

        length = int.from_bytes(content[:8], "little")
        words = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["linear parts"])
        arrays = load(content)

        def member(name: str) -> Member:
            opinion, chosen = words["clinical"][name], words.get("choices", {}).get(name)
            return Member(
                LinearHead(arrays[f"{name}.weight"], arrays[f"{name}.bias"]),
                ClinicalModel.model_validate(opinion) if opinion else None,
                arrays[f"{name}.learnt"].astype(bool),
                Choices.of(chosen) if chosen else None,
            )

        folds = sorted(int(name) for name in words["clinical"] if name != DEPLOYED)
        return cls(tuple(words["blocks"]), member(DEPLOYED), {fold: member(str(fold)) for fold in folds})

    def _named(self) -> dict[str, Member]:
        return {DEPLOYED: self.deployed, **{str(fold): self.sisters[fold] for fold in sorted(self.sisters)}}
