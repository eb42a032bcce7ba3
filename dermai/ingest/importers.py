"""Which importer reads whose photographs."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dermai.ingest.delivery import Importer


class Dataset(StrEnum):
    """Published datasets with an importer."""

    PAD_UFES_20 = "pad_ufes_20"
    HAM10000 = "ham10000"
    DERM7PT = "derm7pt"
    DERMOFIT = "dermofit"
    ISIC_ARCHIVE = "isic_archive"
    FITZPATRICK17K = "fitzpatrick17k"
    SCIN = "scin"

    @property
    def source(self) -> str:
        """Its name in the case table and in the taxonomy's label maps."""
        return "edra" if self is Dataset.DERM7PT else self.value


def importers(published_split: bool = False) -> dict[str, Importer]:
    """The importer of each source; with `published_split`, cases keep the publisher's split where there is one."""
    from dermai.ingest.derm7pt import read_derm7pt
    from dermai.ingest.dermai_cases import read_dermai_cases
    from dermai.ingest.dermofit import read_dermofit
    from dermai.ingest.fitzpatrick17k import read_fitzpatrick17k
    from dermai.ingest.ham10000 import read_ham10000
    from dermai.ingest.isic_archive import read_isic_archive
    from dermai.ingest.pad_ufes_20 import read_pad_ufes_20
    from dermai.ingest.scin import read_scin

    return {
        "dermai": read_dermai_cases,
        Dataset.PAD_UFES_20.source: read_pad_ufes_20,
        Dataset.HAM10000.source: read_ham10000,
        Dataset.DERM7PT.source: partial(read_derm7pt, published_split=published_split),
        Dataset.DERMOFIT.source: read_dermofit,
        Dataset.ISIC_ARCHIVE.source: read_isic_archive,
        Dataset.FITZPATRICK17K.source: read_fitzpatrick17k,
        Dataset.SCIN.source: read_scin,
    }
