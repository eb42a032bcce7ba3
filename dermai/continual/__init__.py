"""Learning new cases from the champion on: the plan, replay, weight interpolation, BatchNorm."""
