"""A registered model answering for single photographs.

A registered version carries its own copy of `served_model.py`, which finds `classify` under this name.
"""

from dermai.serving.classification import classify

__all__ = ["classify"]
