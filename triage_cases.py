"""Makes `zenml pipeline run triage_cases` find the pipeline under its bare name."""

import sys

from dermai.environment import print_anything, silence_telemetry

print_anything()
silence_telemetry()  # before any library that would phone home is imported

from pipelines.triage_cases import triage_cases  # noqa: E402

sys.modules[__name__] = triage_cases
