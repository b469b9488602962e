"""Optimizers with numbers of their own: a dimension that chapters' spaces share.

A learning rate means something else to each of them: adam and rmsprop move every
weight by about the rate itself, so that 0.1 destroys any network. sgd hardly moves
below a thousandth, nor adadelta below a tenth. So each has its own range.
"""

from typing import Any


def _rates(low: float, high: float) -> dict[str, Any]:
    """Return a rate for each network [Heusel et al. 2017, arXiv:1706.08500]."""
    rate = {"loguniform": [low, high]}
    return {"g_learning_rate": rate, "d_learning_rate": rate}


# Without momentum: Karras et al. 2018, arXiv:1710.10196, appendix A.
ADAM_0 = {"optimizer": "adam", "beta_1": 0.0, "beta_2": 0.99, **_rates(1e-5, 1e-2)}
# Radford et al. 2016 have 0.5, Keras 0.9; Wu et al. 2016 the rates 1e-5 and 0.0025.
ADAM = ADAM_0 | {"beta_1": {"uniform": [0.3, 0.9]}, "beta_2": 0.999}
# Goodfellow et al. 2014: 0.1, with momentum; the book's DCGAN: 5e-4.
SGD = {"optimizer": "sgd", "beta_1": {"uniform": [0.0, 0.9]}, **_rates(5e-4, 0.1)}
# Arjovsky et al. 2017, arXiv:1701.07875: 5e-5; the decay is Keras's.
RMSPROP = {"optimizer": "rmsprop", "beta_1": 0.0, "beta_2": 0.9, **_rates(1e-5, 1e-2)}
# Zeiler 2012, arXiv:1212.5701: rate 1 and decay 0.95.
ADADELTA = {"optimizer": "adadelta", "beta_2": 0.95, **_rates(0.1, 5.0)}

OPTIMIZERS = {"choice": [ADAM_0, ADAM, SGD, RMSPROP, ADADELTA]}
