"""Optimizers with hyperparameters of their own: a dimension that chapters share.

The learning rate has a different meaning for each optimizer. adam and rmsprop move
every weight by about the rate itself, so 0.1 destroys any network. sgd hardly moves
the weights below 0.001, nor adadelta below 0.1. So each has a range of its own.
"""

from typing import Any


def _rates(low: float, high: float) -> dict[str, Any]:
    """Return ranges for both learning rates [Heusel et al. 2017, arXiv:1706.08500]."""
    rate = {"loguniform": [low, high]}
    return {"g_learning_rate": rate, "d_learning_rate": rate}


# Without momentum: Karras et al. 2018, arXiv:1710.10196, appendix A.
ADAM_0 = {"optimizer": "adam", "beta_1": 0.0, "beta_2": 0.99, **_rates(1e-5, 1e-2)}
# beta_1 is 0.5 in Radford et al. 2016 and 0.9 in Keras. The learning rates of Wu et al.
# 2016 are 1e-5 and 0.0025.
ADAM = ADAM_0 | {"beta_1": {"uniform": [0.3, 0.9]}, "beta_2": 0.999}
# Learning rates: 0.1, with momentum, in Goodfellow et al. 2014; 5e-4 in the book's
# DCGAN.
SGD = {"optimizer": "sgd", "beta_1": {"uniform": [0.0, 0.9]}, **_rates(5e-4, 0.1)}
# Learning rate 5e-5 in Arjovsky et al. 2017, arXiv:1701.07875; beta_2 is Keras's decay.
RMSPROP = {"optimizer": "rmsprop", "beta_1": 0.0, "beta_2": 0.9, **_rates(1e-5, 1e-2)}
# Learning rate 1 and decay 0.95 in Zeiler 2012, arXiv:1212.5701.
ADADELTA = {"optimizer": "adadelta", "beta_2": 0.95, **_rates(0.1, 5.0)}

OPTIMIZERS = {"choice": [ADAM_0, ADAM, SGD, RMSPROP, ADADELTA]}
