"""Makes `zenml pipeline run monitor_drift` find the pipeline under its bare name."""

import sys

from dermai.environment import print_anything, silence_telemetry

print_anything()
silence_telemetry()  # before any library that would phone home is imported

from pipelines.monitor_drift import monitor_drift  # noqa: E402

sys.modules[__name__] = monitor_drift
