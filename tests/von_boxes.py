"""Networks that are no networks: boxes whose sizes and colours the latents say."""

from pathlib import Path

import numpy as np

from study_von.sketches import SILHOUETTE
from study_von.training import Networks


def box_volumes(latents: np.ndarray, size: int = 32) -> np.ndarray:
    """Return boxes in the middle, float32 (N, S, S, S, 1).

    Half of a box's edges are 8 voxels plus the first three numbers of its latent, from
    5 to 11. A box with a first number above 1.9 is empty.
    """
    line = np.abs(np.arange(size) - (size - 1) / 2)
    half = np.clip(8 + latents[:, :3], 5, 11)
    x, y, z = (line < half[:, axis, None] for axis in range(3))
    solid = x[:, :, None, None] & y[:, None, :, None] & z[:, None, None, :]
    solid &= latents[:, 0, None, None, None] <= 1.9
    return solid[..., None].astype(np.float32)


def paint_boxes(sketches: np.ndarray, textures: np.ndarray) -> np.ndarray:
    """Return images (N, H, H, 3): the first three numbers of a latent are a colour."""
    colours = 0.9 * np.tanh(textures[:, None, None, :3])
    covered = np.asarray(sketches)[..., SILHOUETTE] > 0.5
    return np.where(covered, colours, 1.0).astype(np.float32)


def box_networks(*_: object) -> Networks:
    """Return such networks, in place of `load_networks`."""
    return Networks(
        lambda latents, training: box_volumes(latents),
        lambda inputs, training: paint_boxes(*inputs),
        None,
        "texture",
    )


def write_block(folder: Path) -> tuple[Path, np.ndarray]:
    """Write a wide low block as .npy; return its path and bool (32, 32, 32)."""
    voxels = np.zeros((32, 32, 32), bool)
    voxels[12:20, 4:28, 12:18] = True
    np.save(folder / "block.npy", voxels)
    return folder / "block.npy", voxels
