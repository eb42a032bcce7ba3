"""How well the product's own training does on a dataset: every patient is answered by a model that never saw them."""
