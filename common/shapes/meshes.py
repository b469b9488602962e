"""Voxel shapes to printable meshes, and mesh files to solid voxels.

trimesh costs about half a second to import, so it is imported where it is used.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix, csgraph

from common.errors import UserError
from common.files import atomic_path, read_limited
from common.shapes.surface import LEVEL, default_smoothing, smooth_surface
from common.shapes.voxelise import fill_triangles

if TYPE_CHECKING:
    import trimesh

WRITTEN = (".stl", ".obj", ".glb")
READ = (".off", ".obj", ".stl", ".ply")
MAX_MESH_BYTES = 256 * 2**20
MAX_RESOLUTION = 128


def voxels_to_mesh(
    voxels: np.ndarray,
    *,
    size_mm: float = 100.0,
    smooth: float | None = None,
    threshold: float = 0.5,
    largest_component_only: bool = False,
) -> "trimesh.Trimesh":
    """Turn a shape into a closed surface that a slicer accepts.

    Args:
        voxels: (S, S, S) bool, or float in [0, 1]; axis 2 is up.
        size_mm: longest side of the mesh in millimetres, above 0.
        smooth: blur before the surface is taken, in voxels, 0.5 to 2; default
            0.7 below 48 voxels and 1.2 from there on.
        threshold: a voxel is solid above this value.
        largest_component_only: keep the body of the largest volume alone. This
            drops floating bits, and hollows that no opening leads to.

    Returns:
        A watertight `trimesh.Trimesh`: millimetres, z up, centred on the origin,
        outward normals.

    Raises:
        UserError: the shape is empty, or a number is out of range.
    """
    import trimesh

    solid = np.asarray(voxels) > threshold
    if solid.ndim != 3:
        raise ValueError(f"expected voxels (S, S, S), found shape {solid.shape}")
    if not solid.any():
        raise UserError(
            "expected a shape with at least one solid voxel, found an empty one: "
            "choose another sample or lower the threshold"
        )
    _check_range("size in mm", size_mm, 1e-3, 1e6)
    blur = default_smoothing(max(solid.shape))[0] if smooth is None else smooth
    _check_range("smooth", blur, 0.5, 2.0)
    vertices, faces = _closed_surface(solid, blur)
    if largest_component_only:
        faces = _largest_body(vertices, faces)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    mesh.remove_unreferenced_vertices()
    mesh.apply_translation(-mesh.bounds.mean(axis=0))
    mesh.apply_scale(size_mm / mesh.extents.max())
    return mesh


def write_mesh(mesh: "trimesh.Trimesh", path: Path | str) -> None:
    """Write a mesh as .stl, .obj or .glb; the suffix decides.

    STL and OBJ have no units: they keep the numbers of `mesh`, millimetres with
    z up. glTF is defined in metres with y up, so GLB is converted to that.

    Args:
        mesh: for example from `voxels_to_mesh`.
        path: where to write.

    Raises:
        UserError: another suffix, or the place cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITTEN:
        raise UserError(
            f"expected a mesh file that ends in .stl, .obj or .glb, found {path.name}: "
            "change the ending"
        )
    if suffix == ".glb":
        mesh = mesh.copy()
        mesh.vertices = mesh.vertices[:, [0, 2, 1]] * [1e-3, 1e-3, -1e-3]
    content = mesh.export(file_type=suffix[1:])
    if isinstance(content, str):
        content = content.encode()
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def mesh_to_voxels(
    path: Path | str, resolution: int, *, margin: int = 1, up: str = "z"
) -> np.ndarray:
    """Read a mesh file and fill it with voxels.

    The surface is marked on a grid three times finer, and everything there that
    the outside cannot reach is filled. A voxel is solid when its centre is.
    Sheets and rods that pass between the centres stay, one voxel thick. The mesh
    need not be watertight, but its surface must close: the outside flows into a
    box without a lid, of which the five walls remain, one voxel thick.

    Args:
        path: .off, .obj, .stl or .ply, at most 256 MiB.
        resolution: side R of the result, 4 to 128.
        margin: empty voxels on each side; the longest side of the mesh fills
            R - 2 margin voxels.
        up: the axis that points up in the file, "z" or "y".

    Returns:
        bool (R, R, R), centred, axis 2 is up.

    Raises:
        UserError: the file or an option cannot be used.

    Reference: Laine, "A Topological Approach to Voxelization", 2013, section 4
        (6-separating surfaces).
    """
    _check_range("resolution", resolution, 4, MAX_RESOLUTION)
    _check_range("margin", margin, 0, (resolution - 2) // 2)
    if up not in ("y", "z"):
        raise UserError(f"expected up to be y or z, found {up}: choose one of them")
    vertices, faces = _read_triangles(Path(path))
    if up == "y":
        vertices = vertices[:, [0, 2, 1]] * [1, -1, 1]
    return fill_triangles(vertices[faces], resolution, margin)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside [low, high], NaN included."""
    if not low <= value <= high:
        raise UserError(
            f"expected {name} from {low:g} to {high:g}, found {value:g}: choose another"
        )


def _closed_surface(solid: np.ndarray, blur: float) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces in which every edge has exactly two triangles.

    The doubled grid lets parts that touch along an edge merge cleanly. Very
    rarely, in noise, marching cubes still leaves a gap; then a slightly
    different level is tried.
    """
    for level in (LEVEL, LEVEL - 0.02, LEVEL + 0.02, LEVEL - 0.04):
        vertices, faces, _ = smooth_surface(solid, smooth=blur, upsample=2, level=level)
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        keys = edges[:, 0].astype(np.int64) * len(vertices) + edges[:, 1]
        if (np.unique(keys, return_counts=True)[1] == 2).all():
            return vertices, faces
    raise UserError(
        f"expected a shape with a clean surface, found one that does not close at "
        f"smooth {blur:g}: choose another value"
    )


def _largest_body(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the faces of the connected surface that encloses the most."""
    count = len(vertices)
    links = coo_matrix(
        (np.ones(len(faces) * 2), (faces[:, [0, 1]].T.ravel(), faces[:, 1:].T.ravel())),
        shape=(count, count),
    )
    _, body = csgraph.connected_components(links, directed=False)
    corners = vertices[faces].astype(np.float64)
    signed = np.einsum(
        "fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])
    )
    of_face = body[faces[:, 0]]
    return faces[of_face == np.argmax(np.bincount(of_face, weights=signed))]


def _read_triangles(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) and faces (F, 3) of a file that is not trusted."""
    import trimesh

    suffix = path.suffix.lower()
    if suffix not in READ:
        raise UserError(
            f"expected a mesh file that ends in .off, .obj, .stl or .ply, "
            f"found {path.name}: convert it first"
        )
    content = read_limited(path, MAX_MESH_BYTES)
    if suffix == ".off":
        content = _repair_off(content)
    options = {"skip_materials": True} if suffix == ".obj" else {}
    try:
        # bytes, not a path: trimesh then has no folder in which to look up the
        # other files that a mesh may name
        mesh = trimesh.load_mesh(
            io.BytesIO(content), file_type=suffix[1:], process=False, **options
        )
        vertices = np.asarray(mesh.vertices, np.float64)
        faces = np.asarray(mesh.faces)
    except Exception as error:  # a broken file can make a parser raise anything
        raise _unusable(path, "that can be read") from error
    if faces.ndim != 2 or len(faces) == 0 or len(vertices) == 0:
        raise _unusable(path, "with triangles")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise _unusable(path, "whose triangles name its own points")
    used, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[used], faces.reshape(-1, 3)
    extent = np.ptp(vertices, axis=0).max()
    if not np.isfinite(vertices).all() or not 0 < extent < 1e30:
        raise _unusable(path, "with finite points and a size above 0")
    return vertices, faces


def _repair_off(content: bytes) -> bytes:
    """Put the line break after "OFF" that some files of ModelNet lack."""
    head = content[3:4]
    if content[:3] == b"OFF" and (head.isdigit() or head == b" "):
        return b"OFF\n" + content[3:].lstrip(b" ")
    return content


def _unusable(path: Path, what: str) -> UserError:
    """Return the one-line message for a file that is not a usable mesh."""
    return UserError(
        f"expected a mesh {what}, found something else in {path}: "
        "export it again or leave it out"
    )
