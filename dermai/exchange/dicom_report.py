"""A model's answer to a case as a DICOM structured report by template 1500, which refers to its photographs.

https://dicom.nema.org/medical/dicom/current/output/chtml/part16/chapter_A.html#sect_TID_1500
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from dermai.errors import DermaiError
from dermai.inbox.answer import WARNING, NamedModel
from dermai.taxonomy import RiskLevel, load_taxonomy

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, MeasurementsAndQualitativeEvaluations
    from pydicom import Dataset

SCHEME = "99DERMAI"  # of the codes that no public scheme has
SERIES = 2
NO_UNITS = ("1", "UCUM", "no units")


@dataclass(frozen=True)
class ReportedAnswer:
    """What a report says of a case: `image` is the photograph that the answer is about, `called` "" for none."""

    case_id: str
    image: str
    model: NamedModel
    risk: RiskLevel
    called: str
    probabilities: Mapping[str, float]


def report_dataset(answer: ReportedAnswer, photographs: Mapping[str, Dataset]) -> Dataset:
    """The report: partial, preliminary and unverified, as nobody has read it.

    Args:
        photographs: the case's, as DICOM files of one study, by the hash under which they are stored.

    Raises:
        DermaiError: highdicom is not installed, or the photographs are not of one study.
    """
    try:
        import highdicom as hd
    except ImportError:
        said = "structured reports need highdicom, which is not installed: `pip install 'dermai[dicom]'`"
        raise DermaiError(said) from None
    if len({(one.StudyInstanceUID, one.PatientID) for one in photographs.values()}) != 1:
        raise DermaiError("the DICOM files are of several studies or patients: name those of one")
    from pydicom.sr.codedict import codes

    spoken_of = photographs[answer.image]
    device = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=_uid("device", answer.model.package_sha256),
            name="dermai",
            manufacturer_name="dermai",
            model_name=f"version {answer.model.version}",
        ),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=device),
        procedure_reported=_own("SORTING", "Sorting of a referred skin lesion"),
        imaging_measurements=[_group(answer, spoken_of)],
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=list(photographs.values()),
    )
    report = hd.sr.ComprehensiveSR(
        evidence=list(photographs.values()),
        content=content[0],
        series_instance_uid=_uid("report series", answer.case_id, answer.model.package_sha256),
        series_number=SERIES,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="dermai",
        series_description="Sorts referrals; not a diagnosis",
        is_complete=False,
        is_final=False,
        is_verified=False,
    )
    found: Dataset = report
    return found


def _group(answer: ReportedAnswer, spoken_of: Dataset) -> MeasurementsAndQualitativeEvaluations:
    """Measurements and codes about one photograph, by template 1501."""
    import highdicom as hd

    algorithm = hd.sr.AlgorithmIdentification(
        name="dermai",
        version=answer.model.version,
        parameters=[
            f"package SHA-256 {answer.model.package_sha256}",
            f"software dermai {version('dermai')}",
            WARNING,
        ],
    )
    classes = load_taxonomy().classes
    measurements = [
        hd.sr.Measurement(
            name=_own(f"P_{code}", f"Probability of {classes[code].name}"),
            value=round(probability, 6),
            unit=hd.sr.CodedConcept(*NO_UNITS),
        )
        for code, probability in sorted(answer.probabilities.items(), key=lambda pair: -pair[1])
    ]
    evaluations = [
        hd.sr.QualitativeEvaluation(
            name=_own("RISK", "Risk level"),
            value=_own(answer.risk.value.upper(), answer.risk.replace("_", " ")),
        )
    ]
    if answer.called:
        called = hd.sr.QualitativeEvaluation(
            name=_own("CALLED", "Class that the model calls"), value=diagnosis_code(answer.called)
        )
        evaluations.append(called)
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=_uid("lesion", answer.case_id), identifier=f"case {answer.case_id}"
        ),
        algorithm_id=algorithm,
        measurements=measurements,
        qualitative_evaluations=evaluations,
        source_images=[hd.sr.SourceImageForMeasurementGroup.from_source_image(spoken_of)],
    )


def diagnosis_code(code: str) -> CodedConcept:
    """A class as DICOM codes it: by SNOMED CT where the taxonomy has it, else by a code of ours."""
    from highdicom.sr import CodedConcept

    taxonomy = load_taxonomy()
    public = taxonomy.terminologies[code].snomed_ct if code in taxonomy.terminologies else None
    return CodedConcept(public or code, "SCT" if public else SCHEME, taxonomy.classes[code].name)


def _own(value: str, meaning: str) -> CodedConcept:
    from highdicom.sr import CodedConcept

    return CodedConcept(value, SCHEME, meaning)


def _uid(*parts: str) -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["dermai", *parts]))
