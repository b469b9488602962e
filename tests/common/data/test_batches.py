"""The order of the data, noise and latents depend only on the seed and the step."""

import time

import numpy as np
import pytest
import tensorflow as tf

from common.data.batches import batch_indices, batches, total_steps
from common.data.splits import training_rows, validation_rows
from common.errors import UserError
from common.gan import latents, rng


def test_every_item_comes_once_in_an_epoch_and_batches_are_full():
    seen = np.concatenate([batch_indices(10, 4, seed=3, step=s) for s in range(5)])
    assert sorted(seen[:10]) == list(range(10)) == sorted(seen[10:])
    assert list(seen[:10]) != list(seen[10:])


def test_a_batch_depends_only_on_seed_and_step():
    """The orders of all epochs are joined and cut into batches."""
    orders = [np.random.default_rng((1, epoch)).permutation(7) for epoch in range(3)]
    joined = np.concatenate(orders)
    for step in (5, 2, 6, 0):
        batch = batch_indices(7, 3, seed=1, step=step)
        np.testing.assert_array_equal(batch, joined[3 * step : 3 * step + 3])
    other = batch_indices(100, 50, seed=2, step=0)
    assert list(other) != list(batch_indices(100, 50, seed=1, step=0))


def test_an_epoch_is_shuffled_once(monkeypatch):
    """Otherwise each step would cost a permutation of the whole data set."""
    made, new = [], np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda s: made.append(s) or new(s))
    first = batch_indices(1001, 10, seed=77, step=0)
    for step in range(200):  # the last batch of the first epoch is in the second, too
        batch_indices(1001, 10, seed=77, step=step)
    assert made == [(77, 0), (77, 1)]
    first[:] = 0  # a copy: the kept order does not change
    assert (
        batch_indices(1001, 10, seed=77, step=100)[0]
        == new((77, 0)).permutation(1001)[1000]
    )
    assert list(batch_indices(1001, 10, seed=77, step=0)) != list(first)


def test_the_second_epoch_differs_from_the_first_of_a_neighbouring_seed():
    second = batch_indices(50, 50, seed=3, step=1)
    for seed in (2, 4):
        assert list(second) != list(batch_indices(50, 50, seed=seed, step=0))


def test_a_data_set_that_starts_later_yields_the_remaining_batches():
    items = np.arange(20, dtype=np.float32)[:, None]
    whole = [b.numpy() for b in batches(lambda i: items[i], 20, 6, 0, range(9))]
    tail = [b.numpy() for b in batches(lambda i: items[i], 20, 6, 0, range(4, 9))]
    np.testing.assert_array_equal(whole[4:], tail)
    assert whole[0].shape == (6, 1)


def test_a_batch_larger_than_the_data_set_is_refused():
    with pytest.raises(UserError, match="batch size is 9 .* only 8 .*--batch-size 8"):
        batches(lambda i: np.zeros((len(i), 1), np.float32), 8, 9, 0, range(1))


def test_a_batch_of_the_whole_data_set_is_allowed():
    data = batches(lambda i: i[:, None].astype(np.float32), 8, 8, 0, range(2))
    found = [batch.numpy().ravel().tolist() for batch in data]
    assert [sorted(batch) for batch in found] == [list(range(8))] * 2
    assert found[0] != found[1]


def test_items_keep_their_labels():
    def fetch(rows):
        items = rows[:, None].astype(np.float32)
        return items, np.repeat(10 * items, 3, axis=1)

    for items, labels in batches(fetch, 9, 4, 0, range(4)):
        assert items.shape == (4, 1) and labels.shape == (4, 3)
        np.testing.assert_array_equal(labels, np.repeat(10 * items, 3, axis=1))


def test_batches_keep_their_order_when_one_takes_longer():
    late = batch_indices(30, 5, 0, step=0).tolist()

    def fetch(rows):
        if rows.tolist() == late:
            time.sleep(0.2)
        return rows[:, None].astype(np.float32)

    found = [
        batch.numpy()[:, 0].tolist() for batch in batches(fetch, 30, 5, 0, range(4))
    ]
    assert found == [batch_indices(30, 5, 0, step).tolist() for step in range(4)]


def test_epochs_make_the_nearest_whole_number_of_steps():
    assert total_steps(11, 4, steps=None, epochs=1) == 3  # 2.75
    assert total_steps(9, 4, steps=None, epochs=1) == 2  # 2.25


def test_one_step_is_enough_and_none_is_refused():
    assert total_steps(100, 10, steps=1, epochs=None) == 1
    # 0 steps are not the same as no given steps.
    with pytest.raises(UserError, match="at least one step, found 0"):
        total_steps(100, 10, steps=0, epochs=3)


def test_steps_override_epochs():
    assert total_steps(100, 10, steps=7, epochs=3) == 7
    assert total_steps(100, 10, steps=None, epochs=2.5) == 25
    with pytest.raises(UserError, match="at least one step"):
        total_steps(100, 10, steps=None, epochs=None)


def test_keys_differ_by_seed_step_and_phase():
    def draw(seed, step, stream):
        key = rng.step_key(seed, tf.constant(step, tf.int64), stream)
        return latents.sample_prior((4,), key).numpy().tolist()

    base = draw(0, 0, 0)
    assert base == draw(0, 0, 0)
    others = [draw(1, 0, 0), draw(0, 1, 0), draw(0, 0, 1)]
    assert all(other != base for other in others)
    assert draw(2**40, 0, 0) != base


@pytest.mark.parametrize(
    ("prior", "low", "high", "mean", "std"),
    [
        ("uniform01", 0, 1, 0.5, 12**-0.5),
        ("uniform11", -1, 1, 0.0, 3**-0.5),
        ("normal", -3, 3, 0.0, 0.33),
    ],
)
def test_priors(prior, low, high, mean, std):
    z = latents.sample_prior((10_000,), rng.root_key(5), prior, 0.33).numpy()
    assert z.min() >= low and z.max() <= high
    assert z.mean() == pytest.approx(mean, abs=0.02)
    assert z.std() == pytest.approx(std, rel=0.03)


def test_batches_are_fetched_only_shortly_before_they_are_used():
    """A data set that was fetched as a whole might not fit into the memory."""
    fetched = []

    def fetch(rows):
        fetched.append(len(rows))
        return np.zeros((len(rows), 1), np.float32)

    iterator = iter(batches(fetch, 1000, 10, 0, range(100_000)))
    for _ in range(5):
        next(iterator)
    assert 5 < len(fetched) < 30


def test_devices_share_each_batch():
    """Each device of two machines with two devices gets its quarter, in order."""
    options = (lambda rows: rows[:, None].astype(np.float32), 20, 8, 3, range(2, 5))
    whole = [batch.numpy() for batch in batches(*options)]
    machines = [
        [part.numpy() for part in batches(*options, devices, 4)]
        for devices in (range(0, 2), range(2, 4))
    ]
    for step, batch in enumerate(whole):
        parts = [m[2 * step + device] for m in machines for device in range(2)]
        assert [part.shape for part in parts] == [(2, 1)] * 4
        np.testing.assert_array_equal(np.concatenate(parts), batch)


def test_validation_items_are_left_out_of_training():
    assert training_rows(7, None).tolist() == list(range(7))
    assert training_rows(7, 3).tolist() == [0, 1, 3, 4, 6]
    assert validation_rows(7, 3).tolist() == [2, 5]
