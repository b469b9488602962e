"""Names that options of several chapters take; nothing here imports TensorFlow."""

from typing import Literal

OptimizerName = Literal["adam", "sgd", "rmsprop", "adadelta"]
Activation = Literal["relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid"]
