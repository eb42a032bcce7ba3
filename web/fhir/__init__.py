"""The interface for programs in FHIR R4: what `api` and `reading` do, in another form; it stands on these two rooms."""
