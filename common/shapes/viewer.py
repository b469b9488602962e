"""One HTML file that shows shapes in 3-D, without network access or libraries."""

import base64
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import UserError, printable
from common.files import atomic_path
from common.shapes.surface import Surface, ambient_light, smooth_surface

if TYPE_CHECKING:
    import trimesh

TEMPLATE = Path(__file__).with_suffix(".html")

# Shapes at the positions of a slider, by the slider's name.
Walks = Mapping[str, "Sequence[np.ndarray | trimesh.Trimesh]"]


def write_viewer(
    path: Path | str,
    shapes: "Sequence[np.ndarray | trimesh.Trimesh]",
    *,
    labels: Sequence[str] | None = None,
    title: str = "Shapes",
    threshold: float = 0.5,
    walks: Sequence[Walks] | None = None,
) -> None:
    """Write a page on which one can turn, zoom and browse shapes.

    The page is self-contained and loads nothing. A shape of 64^3 voxels takes
    about 0.3 MiB.

    Args:
        path: file to write; its name must end in .html.
        shapes: voxels (S, S, S), bool or float in [0, 1], or meshes; z is up.
        labels: one name for each shape; default "1", "2", ...
        title: heading of the page.
        threshold: value above which a voxel is solid.
        walks: sliders of each shape, which lead from it to other shapes; default none.
            A slider has an odd number of positions and starts in the middle, which is
            the shape itself and therefore not read.

    Raises:
        UserError: the path does not end in .html, or there is no shape.
        ValueError: the number of labels or walks differs from that of the shapes, or a
            slider has no middle.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise UserError(
            f"expected a file that ends in .html, found {path.name}: change the ending"
        )
    if len(shapes) == 0:
        raise UserError("expected at least one shape to show, found none: add some")
    if labels is None:
        labels = [str(number + 1) for number in range(len(shapes))]
    if len(labels) != len(shapes):
        raise ValueError(f"{len(labels)} labels for {len(shapes)} shapes")
    if walks is None:
        walks = [{}] * len(shapes)
    if len(walks) != len(shapes):
        raise ValueError(f"walks of {len(walks)} shapes for {len(shapes)} shapes")
    packed = [
        _pack(shape, threshold)
        | {"label": str(label), "walks": _pack_walks(sliders, threshold)}
        for shape, label, sliders in zip(shapes, labels, walks, strict=True)
    ]
    # Escape "<", so that a label cannot close the script element of the data.
    data = json.dumps(packed, separators=(",", ":")).replace("<", "\\u003c")
    fields = {"title": html.escape(printable(title)), "shapes": data}
    # Fill both fields in one pass, so that a title such as "{{shapes}}" stays text.
    page = re.sub(
        r"\{\{(title|shapes)\}\}",
        lambda match: fields[match[1]],
        TEMPLATE.read_text(encoding="utf-8"),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _pack_walks(walks: Walks, threshold: float) -> list[dict]:
    """Return the sliders of one shape; the middle of each is None."""
    packed = []
    for name, shapes in walks.items():
        if len(shapes) % 2 == 0:
            raise ValueError(f"expected an odd number of shapes, found {len(shapes)}")
        middle = len(shapes) // 2
        steps = [
            None if place == middle else _pack(shape, threshold)
            for place, shape in enumerate(shapes)
        ]
        packed.append({"name": name, "shapes": steps})
    return packed


def _pack(shape: "np.ndarray | trimesh.Trimesh", threshold: float) -> dict:
    """Return a shape as base64 arrays that WebGL can use without conversion.

    `points` is uint16 (V, 4): x, y and z, scaled so that the longest side of the
    bounding box is 65535, and the ambient light. `normals` is int8 (V, 4); the
    last column is unused. `faces` is uint16 (F, 3), or uint32 if `wide`.
    """
    surface, light = _surface(shape, threshold)
    if len(surface.vertices) == 0:
        nothing = {"points": "", "normals": "", "faces": "", "size": [0, 0, 0]}
        return nothing | {"vertices": 0, "triangles": 0, "wide": False}
    low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
    scale = 65535 / max((high - low).max(), 1e-12)
    points = np.column_stack([(surface.vertices - low) * scale, light * 65535])
    normals = np.pad(np.rint(surface.normals * 127), ((0, 0), (0, 1)))
    wide = len(surface.vertices) > 65536
    return {
        "points": _encode(np.clip(np.rint(points), 0, 65535), "<u2"),
        "normals": _encode(normals, "i1"),
        "faces": _encode(surface.faces, "<u4" if wide else "<u2"),
        "size": [round(float(side * scale / 65535), 5) for side in high - low],
        "vertices": len(surface.vertices),
        "triangles": len(surface.faces),
        "wide": wide,
    }


def _surface(shape, threshold: float) -> tuple[Surface, np.ndarray]:
    """Return the surface of voxels or of a mesh, and the light at its vertices.

    The ambient light is estimated for voxels only; for a mesh it is 1 everywhere.
    """
    if hasattr(shape, "faces"):
        surface = Surface(
            np.asarray(shape.vertices), np.asarray(shape.faces), shape.vertex_normals
        )
        return surface, np.ones(len(surface.vertices))
    solid = np.asarray(shape) > threshold
    if solid.ndim != 3:
        raise ValueError(f"expected voxels (S, S, S), found shape {solid.shape}")
    if not solid.any():
        none = np.zeros((0, 3))
        return Surface(none, none.astype(int), none), np.zeros(0)
    surface = smooth_surface(solid)
    return surface, ambient_light(solid, surface)


def _encode(array: np.ndarray, kind: str) -> str:
    """Return the bytes of an array, converted to type `kind`, in base64."""
    return base64.b64encode(array.astype(kind).tobytes()).decode("ascii")
