"""Cases in the forms that hospitals speak: FHIR R4 resources in and out, DICOM structured reports out."""
