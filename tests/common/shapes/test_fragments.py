"""Loose fragments are removed; parts across a small gap are kept."""

import numpy as np

from common.shapes.voxels import without_fragments


def test_fragments_by_hand():
    shape = np.zeros((12, 12, 12), bool)
    shape[2:5, 2:5, 2:5] = True
    whole = shape.copy()
    whole[2, 2, 7] = True  # two empty voxels between
    loose = whole.copy()
    loose[2, 2, 11] = True  # three empty voxels between
    loose[10, 10, 2:6] = True
    np.testing.assert_array_equal(without_fragments(loose), whole)
    np.testing.assert_array_equal(without_fragments(whole), whole)


def test_an_empty_shape_stays_empty():
    empty = np.zeros((4, 4, 4), bool)
    np.testing.assert_array_equal(without_fragments(empty), empty)
