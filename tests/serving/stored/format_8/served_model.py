"""MLflow's "model from code": this file is copied beside a registered package and run when it is loaded or served.

A copy outlives the code it was made from, so it asks for two names only, and both are promised to stay where they are:
`dermai.serving.Classifier` and `dermai.errors.DermaiError`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd


class LesionClassifier(mlflow.pyfunc.PythonModel):
    """Photographs in; predicted class, risk level and class probabilities out (see `dermai.serving`)."""

    def load_context(self, context: Any) -> None:
        from dermai.serving import Classifier

        self.classifier = Classifier.load(Path(context.artifacts["package"]), context.model_config)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        from dermai.errors import DermaiError

        try:
            return self.classifier.answer(model_input)
        except DermaiError as error:
            raise mlflow.exceptions.MlflowException.invalid_parameter_value(str(error)) from None


mlflow.models.set_model(LesionClassifier())
