"""Makes `zenml pipeline run compare_strategies` find the pipeline under its bare name."""

import sys

from dermai.environment import print_anything, silence_telemetry

print_anything()
silence_telemetry()  # before any library that would phone home is imported

from pipelines.compare_strategies import compare_strategies  # noqa: E402

sys.modules[__name__] = compare_strategies
