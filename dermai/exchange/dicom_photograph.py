"""A stored photograph as a DICOM file, so that a structured report has something to speak of."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from PIL import Image

from dermai.ingest.dicom_photographs import KINDS

if TYPE_CHECKING:
    from pydicom import Dataset

VL_PHOTOGRAPHIC = KINDS[0]
SERIES = 1
SEX = {"female": "F", "male": "M"}


@dataclass(frozen=True)
class Depicted:
    """What a photograph is of, in pseudonyms."""

    case_id: str
    patient_id: str
    sex: str = ""  # as the case table has it


def photograph_dataset(content: bytes, image: str, of: Depicted, number: int, came_in: datetime) -> Dataset:
    """A VL Photographic Image that holds a stored JPEG as it is.

    Its UIDs follow from the case and the photograph: made again they are the same. The patient is a pseudonym.

    Args:
        content: the JPEG.
        image: the hash by which it is stored.
        number: in its series, from 1 on.
        came_in: when it was received.
    """
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    with Image.open(io.BytesIO(content)) as picture:
        (columns, rows), mode = picture.size, picture.mode
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    data.SOPClassUID = VL_PHOTOGRAPHIC
    data.SOPInstanceUID = _uid("photograph", of.case_id, image)
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = (
        data.SOPClassUID, data.SOPInstanceUID,
    )  # fmt: skip
    data.SpecificCharacterSet = "ISO_IR 192"
    _add_study(data, of, came_in)
    data.SeriesInstanceUID, data.SeriesNumber, data.Modality = _uid("series", of.case_id), SERIES, "XC"
    data.InstanceNumber, data.PatientOrientation = number, None
    data.Manufacturer, data.SoftwareVersions = "dermai", version("dermai")
    data.ContentDate, data.ContentTime = came_in.strftime("%Y%m%d"), came_in.strftime("%H%M%S")
    data.AcquisitionContextSequence = []
    data.ImageType = ["DERIVED", "PRIMARY"]
    data.Rows, data.Columns = rows, columns
    grey = mode == "L"
    data.SamplesPerPixel, data.PhotometricInterpretation = (1, "MONOCHROME2") if grey else (3, "YBR_FULL_422")
    if not grey:
        data.PlanarConfiguration = 0
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.LossyImageCompression, data.LossyImageCompressionMethod = "01", "ISO_10918_1"
    data.LossyImageCompressionRatio = f"{rows * columns * (1 if grey else 3) / len(content):.2f}"
    data.PixelData = encapsulate([content])
    data["PixelData"].is_undefined_length = True
    return data


def _add_study(data: Dataset, of: Depicted, came_in: datetime) -> None:
    """Patient and study; what dermai does not keep is empty."""
    data.PatientName, data.PatientID, data.PatientBirthDate = "", of.patient_id, ""
    data.PatientSex = SEX.get(of.sex, "")
    data.PatientIdentityRemoved, data.DeidentificationMethod = "YES", "dermai: pseudonym, photograph without metadata"
    data.StudyInstanceUID, data.StudyID = _uid("study", of.case_id), ""
    data.StudyDate, data.StudyTime = came_in.strftime("%Y%m%d"), came_in.strftime("%H%M%S")
    data.AccessionNumber, data.ReferringPhysicianName = "", ""


def _uid(*parts: str) -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["dermai", *parts]))
