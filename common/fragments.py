"""Loose fragments beside a shape, which a generator leaves while it still learns."""

import numpy as np
from scipy import ndimage


def without_fragments(voxels: np.ndarray) -> np.ndarray:
    """Return the largest body of a shape alone.

    Parts belong together across a gap of up to two empty voxels, so that a chair
    whose leg has a small hole keeps its foot.

    Args:
        voxels: bool (S, S, S).

    Returns:
        bool (S, S, S).

    Reference: the tools of Wu et al. 2016, arXiv:1610.07584, draw the largest
        component of voxels that lie up to three apart.
    """
    grown = ndimage.binary_dilation(voxels, np.ones((3, 3, 3), bool))
    labels, count = ndimage.label(grown, np.ones((3, 3, 3), bool))
    if count < 2:
        return voxels
    filled = np.bincount(labels[voxels], minlength=count + 1)
    return voxels & (labels == filled.argmax())
