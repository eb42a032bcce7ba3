"""A registered model answering for single photographs.

A registered version carries its own copy of `served_model.py`, which finds these names here: they stay. Newer copies
ask for `Classifier`, those made before it for `classify`.
"""

from dermai.serving.classification import Classifier, classify

__all__ = ["Classifier", "classify"]
