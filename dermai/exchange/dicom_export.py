"""A case's structured report and its photographs as files: made from what is stored, or referring to the originals."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.data.cases import photograph_path
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError
from dermai.exchange.dicom_photograph import Depicted, photograph_dataset
from dermai.exchange.dicom_report import ReportedAnswer, report_dataset
from dermai.files import write_bytes
from dermai.inbox.answer import NamedModel
from dermai.ingest.formats import is_dicom
from dermai.ingest.unusable import UnusablePhotograph
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.history import recorded_packages
from dermai.taxonomy import RiskLevel
from dermai.triage.cases_to_read import CaseToRead, ModelAnswer
from dermai.triage.reading_list import ReadingList, ReadingLists
from dermai.triage.scoring import cleaned, triage_folder
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from pydicom import Dataset

REPORT = "report.dcm"
NEEDED = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Rows", "Columns")
OFTEN_EMPTY = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip


@dataclass(frozen=True)
class Exported:
    """The files that were written; `originals` is how many photographs the report finds in files of the sender."""

    files: tuple[Path, ...]
    originals: int


def export_report(
    workspace: Workspace, params: Params, case_id: str, output: Path, originals: Sequence[Path] = ()
) -> Exported:
    """Write `report.dcm` of a case, and its photographs where no original is given.

    The case is named by its pseudonym or by its sender's number. `originals` are DICOM files, or folders of them, as
    they were sent: where one holds a photograph of the case, the report refers to it and takes patient and study over
    from it. They are matched by what is stored of them.

    Raises:
        DermaiError: the case is not known, has no answer that may be shown, or a file cannot be read or written.
    """
    if originals and output.resolve().is_relative_to(workspace.root.resolve()):
        raise DermaiError(f"{output} lies in the workspace, and the report would name the patient: write it elsewhere")
    pseudonyms = load_pseudonyms(workspace, record=False)
    listed = ReadingLists(workspace, pseudonyms).now(params)
    numbers = SenderNumbers(pseudonyms, known=cache(PredictionLog.of(workspace).pseudonyms))
    case = listed.by_id.get(case_id) or listed.by_id.get(numbers.case(case_id))
    if case is None:
        raise DermaiError(f"{case_id} is no case of the worklist: `dermai find` says where a case is")
    answer = _shown_answer(listed, case)
    theirs = _originals(case, originals, params)
    made = {} if theirs else _made(workspace, case)
    photographs = theirs or made
    if answer.image not in photographs:
        said = "none of the DICOM files is the photograph that the answer is about: name its file too, or none"
        raise DermaiError(said)
    packages = recorded_packages(AuditLog(workspace.audit_log))
    if answer.version not in packages:
        raise DermaiError(f"the records name no package of version {answer.version}: `dermai audit verify` says more")
    model = NamedModel(version=answer.version, package_sha256=packages[answer.version])
    called = answer.explained({})
    reported = ReportedAnswer(
        case_id=case.case_id,
        image=answer.image,
        model=model,
        risk=RiskLevel(case.risk),
        called=called.code if called else "",
        probabilities=answer.probabilities,
    )
    report = report_dataset(reported, photographs)
    files = [_write(output / f"photograph-{number}.dcm", one) for number, one in enumerate(made.values(), 1)]
    return Exported((*files, _write(output / REPORT, report)), len(theirs))


def _shown_answer(listed: ReadingList, case: CaseToRead) -> ModelAnswer:
    """The answer as a reader may see it.

    Raises:
        DermaiError: there is none, or it is not shown.
    """
    answer = listed.answer(case)
    if answer is not None:
        return answer
    if listed.withheld:
        raise DermaiError(f"no model's answers are shown at present: {listed.withheld}")
    if case.without_answer:
        raise DermaiError(f"{case.case_id} was drawn to be read without the model's answer, which is shown after it")
    raise DermaiError(f"no model has answered {case.case_id}")


def _made(workspace: Workspace, case: CaseToRead) -> dict[str, Dataset]:
    """The stored photographs as DICOM, by their hash."""
    of, found = Depicted(case.case_id, case.patient_id), {}
    for number, photograph in enumerate(case.photographs, 1):
        path = photograph_path(triage_folder(workspace), photograph.image)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DermaiError(f"{path} cannot be read ({error.strerror}): restore it from a backup") from None
        found[photograph.image] = photograph_dataset(content, photograph.image, of, number, photograph.came_in)
    return found


def _originals(case: CaseToRead, given: Sequence[Path], params: Params) -> dict[str, Dataset]:
    """Those of the given DICOM files that hold a photograph of the case, by the hash of what is stored of them."""
    from pydicom import dcmread

    wanted = {photograph.image for photograph in case.photographs}
    found: dict[str, Dataset] = {}
    for file in _files(given):
        try:
            image = cleaned(file, params)[0].image if is_dicom(file) else ""
        except UnusablePhotograph:
            continue
        if image in wanted:
            found.setdefault(image, _as_evidence(dcmread(file, stop_before_pixels=True), file))
    if given and not found:
        raise DermaiError(f"none of the files is a photograph of {case.case_id}, as DICOM that can be read")
    return found


def _as_evidence(data: Dataset, file: Path) -> Dataset:
    """A sender's file as a report may refer to it: what many leave out is empty.

    Raises:
        DermaiError: a number is missing without which nothing can refer to it.
    """
    missing = [name for name in NEEDED if not data.get(name)]
    if missing:
        raise DermaiError(f"{file} lacks {' and '.join(missing)}, so no report can refer to it: export it again")
    for name in (*OFTEN_EMPTY, "Modality"):
        if name not in data:
            setattr(data, name, "XC" if name == "Modality" else "")
    return data


def _files(given: Sequence[Path]) -> list[Path]:
    found = []
    for path in given:
        if not path.exists():
            raise DermaiError(f"{path} is not there")
        found += sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return found


def _write(path: Path, data: Dataset) -> Path:
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    write_bytes(path, buffer.getvalue())
    return path
