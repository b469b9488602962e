"""AEGAN's loop as its author writes it, which a benchmark compares with."""

import keras
import numpy as np
import pytest

from benchmarks.aegan_loop import MINI_BATCHES, aegan_loop


def dense(inputs, outputs, bias=True):
    layer = keras.layers.Dense(outputs, use_bias=bias)
    return keras.Sequential([keras.Input((inputs,)), layer])


def networks():
    """G, E, D_x and D_z: latents have 3 numbers, images 2."""
    keras.utils.set_random_seed(0)
    return dense(3, 2), dense(2, 3), dense(2, 1), dense(3, 1)


def optimizers(*rates):
    return tuple(keras.optimizers.SGD(rate) for rate in rates)


def test_every_round_trains_all_four_networks():
    players = networks()
    real = np.ones((4, 2), np.float32)
    turn = aegan_loop(*players, real, optimizers(0.1, 0.1, 0.1), (10.0, 5.0))
    before = [network.get_weights()[0].copy() for network in players]
    turn()
    for network, old in zip(players, before, strict=True):
        assert (network.get_weights()[0] != old).any()


def test_a_round_updates_every_network_once_for_each_mini_batch():
    rules = optimizers(0.1, 0.1, 0.1)
    real = np.ones((4, 2), np.float32)
    turn = aegan_loop(*networks(), real, rules, (10.0, 5.0))
    before = [int(rule.iterations) for rule in rules]
    turn()
    done = [int(r.iterations) - n for r, n in zip(rules, before, strict=True)]
    assert done == [MINI_BATCHES] * 3


@pytest.mark.parametrize("still", [0, 1, 2])
def test_each_network_learns_by_its_own_optimizer_alone(still):
    """The combined model must not train the discriminators, nor they G and E."""
    rates = [0.1, 0.1, 0.1]
    rates[still] = 0.0
    real = np.ones((4, 2), np.float32)
    with pytest.raises(RuntimeError, match="left a network untrained"):
        aegan_loop(*networks(), real, optimizers(*rates), (10.0, 5.0))
