"""Makes `zenml pipeline run incremental_finetune` find the pipeline under its bare name."""

import sys

from dermai.environment import print_anything, silence_telemetry
from dermai.records.failures import tell_failures_outside_the_run

print_anything()
silence_telemetry()  # before any library that would phone home is imported
tell_failures_outside_the_run()

from pipelines.incremental_finetune import incremental_finetune  # noqa: E402

sys.modules[__name__] = incremental_finetune
