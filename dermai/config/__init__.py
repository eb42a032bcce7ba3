"""Parameters: what params.yaml, a profile and single values laid over it ask for."""

from dermai.config.loading import PROFILE_VARIABLE, Overrides, lay_over, load_params, parse_settings, read_overrides
from dermai.config.model_parameters import (
    changed_network_parameters,
    changed_parameters,
    model_parameters,
    network_parameters,
)
from dermai.config.parameters import (
    ClinicalParams,
    ClockworkParams,
    CompareParams,
    ContinualParams,
    DataParams,
    DocumentsParams,
    FineTuningParams,
    ModelParams,
    MonitoringParams,
    Params,
    ScheduledTask,
    StrategyParams,
    TrainingParams,
    ValidationParams,
)

__all__ = [
    "PROFILE_VARIABLE",
    "ClinicalParams",
    "ClockworkParams",
    "CompareParams",
    "ContinualParams",
    "DataParams",
    "DocumentsParams",
    "FineTuningParams",
    "ModelParams",
    "MonitoringParams",
    "Overrides",
    "Params",
    "ScheduledTask",
    "StrategyParams",
    "TrainingParams",
    "ValidationParams",
    "changed_network_parameters",
    "changed_parameters",
    "lay_over",
    "load_params",
    "model_parameters",
    "network_parameters",
    "parse_settings",
    "read_overrides",
]
