"""Walks through latent space."""

from dataclasses import dataclass

import numpy as np

from common.config import RunConfig
from common.gan.latents import (
    linear,
    round_trip,
    sample_latents,
    spherical,
    walk_pairs,
)


@dataclass(frozen=True)
class Config(RunConfig):
    """The options that latents need."""

    latent_dim: int = 3
    prior: str = "normal"


def test_spherical_walks_keep_the_norm():
    start, end = np.array([3.0, 0.0]), np.array([0.0, 3.0])
    share = np.linspace(0, 1, 5)[:, None]
    walk = spherical(start, end, share)
    np.testing.assert_allclose(np.linalg.norm(walk, axis=1), 3.0, rtol=1e-6)
    np.testing.assert_allclose(walk[2], [3 / 2**0.5] * 2, rtol=1e-6)
    np.testing.assert_allclose(linear(start, end, share)[2], [1.5, 1.5])


def test_spherical_walks_between_parallel_latents_are_linear():
    start, end = np.array([1.0, 1.0]), np.array([2.0, 2.0])
    share = np.array([[0.5]])
    np.testing.assert_allclose(spherical(start, end, share), [[1.5, 1.5]])


def test_the_walks_of_several_pairs_follow_one_another():
    ends = np.array([[[0.0, 1.0], [1.0, 0.0]], [[4.0, 0.0], [0.0, 4.0]]], np.float32)
    for walk in ("linear", "spherical"):
        latents = walk_pairs(ends, 3, walk)
        assert latents.shape == (6, 2) and latents.dtype == np.float32
        np.testing.assert_allclose(latents[[0, 2, 3, 5]], ends.reshape(4, 2), atol=1e-6)


def test_a_round_trip_passes_all_stations_and_ends_where_it_began():
    trip = round_trip(Config(), 7, "linear")
    stations = sample_latents(Config(), 5, 7)
    assert trip.shape == (60, 3) and trip.dtype == np.float32
    np.testing.assert_allclose(trip[::12], stations, rtol=1e-6)
    np.testing.assert_allclose(trip[11::12], np.roll(stations, -1, axis=0), rtol=1e-6)
