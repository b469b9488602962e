"""Accuracy of a linear SVM on features, a measure of what a network has learned.

The network is trained without labels. If a linear classifier can predict the classes
from its features, the network has learned to distinguish them.
"""

import logging
import time
from collections.abc import Sequence

import numpy as np

from common.errors import UserError

_log = logging.getLogger(__name__)

_HOLD_OUT = 0.2  # share of the training set that is used to choose C
_TOLERANCE = 1e-2  # smaller values take longer and change no prediction
_MAX_ITERATIONS = 1000


def linear_svm_accuracy(
    train_features: np.ndarray,
    train_labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    *,
    c: Sequence[float] = (0.01, 0.1, 1.0, 10.0, 100.0),
    seed: int = 0,
) -> dict[str, float]:
    """Train a linear SVM on training features and return its accuracy on test features.

    For each class against the rest, where x are the features and t is +1 or -1, it
    solves

    minimise |w|^2 / 2 + C * sum_i max(0, 1 - t_i (w.x_i + b))^2

    Each feature is standardised with the mean and variance of the training set and
    divided by sqrt(D). So |x| is about 1, and the same values of C are suitable for any
    number of features D. C is chosen by the accuracy on validation examples, a
    stratified fifth of the training set that the SVM is not trained on; of equally good
    values the smallest is taken. The test set has no influence on C.

    Args:
        train_features: (N, D) float, finite.
        train_labels: (N,) class of each training example; at least two classes.
        test_features: (K, D) float, finite.
        test_labels: (K,) class of each test example.
        c: values of C to choose from, positive. A single value is used without a
            choice.
        seed: seed of the validation split and of the solver.

    Returns:
        accuracy: share of the test examples classified correctly, in [0, 1];
        class_accuracy: the accuracy within each test class, averaged over classes;
        c: the chosen C.

    Raises:
        ValueError: the shapes of the arrays do not match, or C is not positive.
        UserError: features are not finite, or a class has too few examples.

    Reference:
        Wu et al. 2016, arXiv:1610.07584, table 1 (a linear SVM on the features
        of a 3D-GAN's discriminator; their C is not known).
    """
    train_features, train_labels = _check("train", train_features, train_labels)
    test_features, test_labels = _check("test", test_features, test_labels)
    if train_features.shape[1] != test_features.shape[1]:
        raise ValueError(
            "train and test features must have one width, have "
            f"{train_features.shape[1]} and {test_features.shape[1]}"
        )
    if len(c) == 0 or min(c) <= 0:
        raise ValueError(f"c must hold positive numbers, is {tuple(c)}")
    _check_classes(train_labels, choose=len(c) > 1)
    chosen = float(c[0])
    if len(c) > 1:
        chosen = _choose_c(train_features, train_labels, c, seed)
    predicted = _fit_predict(train_features, train_labels, test_features, chosen, seed)
    correct = predicted == test_labels
    per_class = [
        correct[test_labels == label].mean() for label in np.unique(test_labels)
    ]
    result = {
        "accuracy": float(correct.mean()),
        "class_accuracy": float(np.mean(per_class)),
        "c": chosen,
    }
    _log.info("linear SVM: C %g, test accuracy %.4f", chosen, result["accuracy"])
    return result


def _choose_c(
    features: np.ndarray, labels: np.ndarray, candidates: Sequence[float], seed: int
) -> float:
    """Return the C with the best accuracy on a stratified validation set."""
    from sklearn.model_selection import train_test_split

    # A stratified split needs at least one example of every class.
    size = max(round(_HOLD_OUT * len(labels)), len(np.unique(labels)))
    fit, held = train_test_split(
        np.arange(len(labels)), test_size=size, stratify=labels, random_state=seed
    )
    best, best_accuracy = 0.0, -1.0
    for value in sorted(candidates):
        start = time.perf_counter()
        predicted = _fit_predict(
            features[fit], labels[fit], features[held], value, seed
        )
        accuracy = float((predicted == labels[held]).mean())
        _log.info(
            "linear SVM: C %g, validation accuracy %.4f, %.1f s",
            value,
            accuracy,
            time.perf_counter() - start,
        )
        if accuracy > best_accuracy:
            best, best_accuracy = float(value), accuracy
    return best


def _fit_predict(
    features: np.ndarray, labels: np.ndarray, others: np.ndarray, c: float, seed: int
) -> np.ndarray:
    """Train an SVM on `features` and return the predicted labels of `others`."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    scaler = StandardScaler().fit(features)
    shrink = np.float32(1 / np.sqrt(features.shape[1]))
    # For 3,991 examples with 7,168 features, the dual solver took a third of the time
    # of the primal solver.
    model = LinearSVC(
        C=c, dual=True, tol=_TOLERANCE, max_iter=_MAX_ITERATIONS, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # logged below instead
        model.fit(scaler.transform(features) * shrink, labels)
    if np.max(model.n_iter_) >= _MAX_ITERATIONS:
        _log.warning("linear SVM: C %g stopped before it converged", c)
    return model.predict(scaler.transform(others) * shrink)


def _check(
    name: str, features: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Check features and labels; return them as a float32 array and an array."""
    features, labels = np.asarray(features, np.float32), np.asarray(labels)
    if features.ndim != 2 or labels.shape != features.shape[:1] or not features.size:
        raise ValueError(
            f"{name} needs features (N, D) and labels (N,), "
            f"has {features.shape} and {labels.shape}"
        )
    if not np.isfinite(features).all():
        raise UserError(
            f"{name} features must be finite, found NaN or infinity; "
            "the network that made them was not trained to a usable state"
        )
    return features, labels


def _check_classes(labels: np.ndarray, choose: bool) -> None:
    """Check that there are enough classes and examples to train a classifier."""
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise UserError(
            f"a classifier needs at least 2 classes, found {len(classes)}; "
            "give a data set with more classes"
        )
    if choose and counts.min() < 2:
        raise UserError(
            "choosing C needs at least 2 training examples of each class, class "
            f"{classes[counts.argmin()]} has {counts.min()}; give more examples"
        )
