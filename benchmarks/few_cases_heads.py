"""Heads on frozen features, trees on clinical columns and folds by patient, for `benchmarks.few_cases`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from dermai.models.clinical_columns import encode, known_sites


def patient_folds(patients: np.ndarray, labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Fold [N] of each photograph: patients are dealt out in random order, those of the rarest classes first."""
    frequency = np.bincount(labels)
    rarest = pd.Series(frequency[labels]).groupby(patients).min()
    shuffled = rarest.sample(frac=1, random_state=seed).sort_values(kind="stable")
    dealt = dict(zip(shuffled.index, np.arange(len(shuffled)) % count, strict=True))
    return np.array([dealt[patient] for patient in patients])


def similarity(views: Sequence[np.ndarray], train: np.ndarray) -> np.ndarray:
    """Mean product [N, N] of features standardised on the training photographs, averaged over views."""
    total = 0.0
    for view in views:
        scaled = (view - view[train].mean(axis=0)) / (view[train].std(axis=0) + 1e-6)
        total = total + scaled @ scaled.T / view.shape[1]
    return np.asarray(total / len(views), dtype=np.float32)


def ridge(kernel: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, penalty: float) -> np.ndarray:
    """Scores [test, C] of a linear head: ridge regression on one-hot labels, each class with the same say (dual)."""
    targets = np.eye(labels.max() + 1, dtype=np.float32)[labels[train]]
    present = targets.any(axis=0)
    counts = np.bincount(labels[train], minlength=len(present))
    slack = penalty * counts[labels[train]] * present.sum() / len(train)
    dual = np.linalg.solve(
        kernel[np.ix_(train, train)] + np.diag(slack).astype(np.float32), targets - 1 / present.sum()
    )
    return np.where(present, 10 * kernel[np.ix_(test, train)] @ dual, -30.0)


def hierarchical(groups: np.ndarray) -> Callable[..., np.ndarray]:
    """As `ridge`, in two levels: the group of the class, then the class within it; `groups` is [C]."""

    def scores(
        kernel: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, penalty: float
    ) -> np.ndarray:
        upper = log_softmax(ridge(kernel, groups[labels], train, test, penalty))
        total = np.empty((len(test), len(groups)))
        for group in np.unique(groups):
            members = np.flatnonzero(groups == group)
            inside = train[np.isin(labels[train], members)]
            within = np.zeros((len(test), 1))
            if len(members) > 1:
                places = np.searchsorted(members, labels.clip(members[0], members[-1]))
                within = log_softmax(ridge(kernel, places, inside, test, penalty)[:, : len(members)])
            total[:, members] = np.log(len(members)) + upper[:, [group]] + within  # each class the same prior
        return total

    return scores


def clinical_trees(
    learn: pd.DataFrame, check: pd.DataFrame, columns: Sequence[str], classes: Sequence[str]
) -> np.ndarray:
    """Log-probabilities [check, C] of extremely randomised trees on the clinical columns, unknown values as -1."""
    from sklearn.ensemble import ExtraTreesClassifier

    sites = known_sites(learn)
    table, asked = (np.nan_to_num(encode(part, columns, sites), nan=-1.0) for part in (learn, check))
    forest = ExtraTreesClassifier(500, min_samples_leaf=3, class_weight="balanced", random_state=0, n_jobs=2)
    forest.fit(table, learn["diagnosis"])
    found = np.full((len(check), len(classes)), 1e-3)
    found[:, [list(classes).index(code) for code in forest.classes_]] += forest.predict_proba(asked)
    return np.log(found / found.sum(axis=1, keepdims=True))


def class_biases(log_probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What to add to each class's score, [C], so that the labels are likeliest with each class having the same say."""
    from scipy.optimize import minimize

    def loss(biases: np.ndarray) -> float:
        return 1e-3 * float((biases**2).sum()) - balanced_likelihood(log_probabilities + biases, labels)

    return np.asarray(minimize(loss, np.zeros(log_probabilities.shape[1]), method="L-BFGS-B").x)


def balanced_likelihood(scores: np.ndarray, labels: np.ndarray) -> float:
    """Log-likelihood of labels [N] under scores [N, C]: the mean over classes of the mean over a class's rows."""
    weights = 1 / np.bincount(labels)[labels] / len(np.unique(labels))
    return float((weights * log_softmax(scores)[np.arange(len(labels)), labels]).sum())


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Log-probabilities of scores [N, C]."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def balanced_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean recall over the classes present."""
    return float(np.mean([(predicted[labels == place] == place).mean() for place in np.unique(labels)]))
