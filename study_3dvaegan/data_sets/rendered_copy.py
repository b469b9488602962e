"""A set of shapes without photos, rendered once into the cache.

The copy has the folders of 3D-R2N2, as `data render` writes them; one for each split.
"""

import hashlib
import json
import logging
from pathlib import Path

from common.files import default_cache_dir
from common.shapes.store import VoxelStore
from study_3dvaegan.renders import SEEDS, VERSION, render_split
from synthetic_data.drawing.folders import write_if_missing

_LOG = logging.getLogger(__name__)
# Shapes that are hashed at once.
_CHUNK = 4096


def rendered_copy(shapes: VoxelStore, split: str, views: int, image_size: int) -> Path:
    """Return a folder with photos of all shapes of a split; render it on first use.

    Its name has a hash of the shapes, their classes, and all that decides how the
    photos look. If several processes render the same, the first one's folder stays.

    Args:
        shapes: the shapes of the split.
        split: "train" or "test".
        views: photos of each shape.
        image_size: edge of a photo, pixels.

    Returns:
        The folder, to be read by `list_rendered`.

    Raises:
        UserError: a shape is empty, or the cache cannot be written.
    """
    key = _key(shapes, [VERSION, split, SEEDS[split], views, image_size])
    folder = default_cache_dir() / f"renders-{key}"

    def write(temporary: Path) -> None:
        _LOG.info(
            "the data set has no photos: rendering %d of each of %d %s shapes to %s",
            *(views, len(shapes), split, folder),
        )
        render_split(shapes, split, temporary, views=views, image_size=image_size)

    # The folder is renamed when it is complete, and the list is a part of it.
    listed = folder / f"{split}.txt"
    write_if_missing(folder, listed.is_file, write)
    return folder


def _key(shapes: VoxelStore, settings: list) -> str:
    """Return 20 hexadecimal digits, a hash of shapes, classes and settings."""
    described = [*settings, shapes.size, shapes.class_names, shapes.labels.tolist()]
    hashed = hashlib.sha256(json.dumps(described).encode())
    for start in range(0, len(shapes), _CHUNK):
        hashed.update(shapes[start : start + _CHUNK].tobytes())
    return hashed.hexdigest()[:20]
