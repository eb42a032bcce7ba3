"""MLflow's "model from code": this file is copied beside a registered package and run when it is loaded or served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd


class LesionClassifier(mlflow.pyfunc.PythonModel):
    """Photographs in; predicted class, risk level and class probabilities out (see `dermai.serving`)."""

    def load_context(self, context: Any) -> None:
        from dermai.config import DataParams
        from dermai.model_package import ModelPackage

        self.package = ModelPackage.load(Path(context.artifacts["package"]))
        cleaning = dict(context.model_config)
        self.paths = bool(cleaning.pop("paths"))
        self.data = DataParams.model_validate(cleaning)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        from dermai.errors import DermaiError
        from dermai.serving import classify

        try:
            return classify(self.package, model_input, self.data, self.paths)
        except DermaiError as error:
            raise mlflow.exceptions.MlflowException.invalid_parameter_value(str(error)) from None


mlflow.models.set_model(LesionClassifier())
