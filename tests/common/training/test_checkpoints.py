"""Which states can be saved as a checkpoint, and which checkpoints can be restored."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from common.errors import TrainingError, UserError
from common.training import checkpoints


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_one_value_that_is_not_finite_prevents_saving(tmp_path, value):
    variable = keras.Variable(np.zeros((2, 3)))
    state = {"one": [keras.Variable(1.0)], "other": [keras.Variable(2.0), variable]}
    checkpoints.save(tmp_path, 1, state)
    variable.assign([[0, 0, 0], [0, value, 0]])
    for is_chief in (True, False):
        with pytest.raises(TrainingError, match="other has values .* after step 2"):
            checkpoints.save(tmp_path, 2, state, is_chief)
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001.npz"]


def test_only_the_chief_writes_checkpoints(tmp_path):
    state = {"one": [keras.Variable(1.0)]}
    path = checkpoints.save(tmp_path, 7, state, is_chief=False)
    assert path == tmp_path / "step_00000007.npz" and not path.exists()
    assert checkpoints.save(tmp_path, 7, state) == path and path.exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a/002": np.ones(2)}, r"a/002 has shape \(2,\), expected none"),
        ({"b/000": np.ones(())}, r"b/000 has shape \(\), expected none"),
        ({"a/001": np.ones(4)}, r"a/001 has shape \(4,\), expected \(3,\)"),
        ({"a/001": None}, r"a/001 has shape none, expected \(3,\)"),
        ({"a/001": np.array([0, {}, 0])}, "all checkpoints in .* are damaged"),
    ],
)
def test_a_checkpoint_with_other_names_or_shapes_is_refused(tmp_path, arrays, message):
    whole = {"a/000": np.ones(2), "a/001": np.ones(3)} | arrays
    kept = {name: array for name, array in whole.items() if array is not None}
    np.savez(tmp_path / "step_00000001.npz", **kept)
    state = {"a": [keras.Variable(np.zeros(2)), keras.Variable(np.zeros(3))]}
    with pytest.raises(UserError, match=message):
        checkpoints.restore(tmp_path, state)
    # No variable has been assigned.
    assert not any(convert_to_numpy(variable).any() for variable in state["a"])
