"""Voxel shapes to printable meshes, and mesh files to solid voxels.

trimesh costs about half a second to import, so it is imported where it is used.
"""

import io
import re
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

WRITTEN = (".stl", ".obj", ".glb", ".ply")
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
        smooth: standard deviation of the blur that precedes marching cubes, in
            voxels, 0.5 to 2; default 0.7 if S < 48 and 1.2 otherwise.
        threshold: value above which a voxel is solid.
        largest_component_only: whether to keep only the surface that encloses
            the largest volume. This drops floating fragments and closed cavities.

    Returns:
        A watertight `trimesh.Trimesh` in millimetres, z up, centred on the
        origin, with outward normals.

    Raises:
        UserError: the shape is empty, or a number is out of range.
    """
    _check_range("size in mm", size_mm, 1e-3, 1e6)
    mesh = closed_mesh(
        voxels,
        smooth=smooth,
        threshold=threshold,
        largest_component_only=largest_component_only,
    )
    return scale_mesh(mesh, size_mm)


def closed_mesh(
    voxels: np.ndarray,
    *,
    smooth: float | None = None,
    threshold: float = 0.5,
    largest_component_only: bool = False,
) -> "trimesh.Trimesh":
    """Return what `voxels_to_mesh` returns, where the voxels are.

    Args:
        voxels: (S, S, S) bool, or float in [0, 1]; axis 2 is up.
        smooth: as in `voxels_to_mesh`.
        threshold: value above which a voxel is solid.
        largest_component_only: as in `voxels_to_mesh`.

    Returns:
        A watertight mesh in voxels: voxel i spans [i, i + 1].

    Raises:
        UserError: the shape is empty, or `smooth` is out of range.
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
    blur = default_smoothing(max(solid.shape))[0] if smooth is None else smooth
    _check_range("smooth", blur, 0.5, 2.0)
    vertices, faces = _closed_surface(solid, blur)
    if largest_component_only:
        faces = _largest_body(vertices, faces)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    mesh.remove_unreferenced_vertices()
    return mesh


def scale_mesh(mesh: "trimesh.Trimesh", size_mm: float = 100.0) -> "trimesh.Trimesh":
    """Centre a mesh on the origin, scale its longest side, and return it."""
    mesh.apply_translation(-mesh.bounds.mean(axis=0))
    mesh.apply_scale(size_mm / mesh.extents.max())
    return mesh


def write_mesh(mesh: "trimesh.Trimesh", path: Path | str) -> None:
    """Write a mesh as .stl, .obj, .glb or .ply, chosen by the suffix.

    STL, OBJ and PLY have no units: they keep the numbers of `mesh`, millimetres with
    z up. glTF is defined in metres with y up, so GLB is converted to that. Colours of
    vertices are kept in PLY and GLB. A viewer of GLB shows them as they are, without
    light of its own.

    Args:
        mesh: mesh in millimetres, for example from `voxels_to_mesh`.
        path: file to write.

    Raises:
        UserError: the suffix is not supported, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITTEN:
        raise UserError(
            f"expected a mesh file that ends in .stl, .obj, .glb or .ply, found "
            f"{path.name}: change the ending"
        )
    options = {}
    if suffix == ".glb":
        mesh = mesh.copy()
        mesh.vertices = mesh.vertices[:, [0, 2, 1]] * [1e-3, 1e-3, -1e-3]
        if mesh.visual.kind == "vertex":
            mesh.visual.vertex_colors = _linear(mesh.visual.vertex_colors)
            options["tree_postprocessor"] = _show_unlit
    content = mesh.export(file_type=suffix[1:], **options)
    if isinstance(content, str):
        content = content.encode()
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def mesh_to_voxels(
    path: Path | str, resolution: int, *, margin: int = 1, up: str = "z"
) -> np.ndarray:
    """Read a mesh file and convert it to solid voxels.

    The surface is marked on a grid three times finer, and a flood fill from
    outside finds the exterior; everything else is filled. A voxel is solid if
    its centre is. Sheets and rods that pass between the centres are kept, one
    voxel thick. The mesh need not be watertight, but its surface must have no
    large holes: the flood enters a box without a lid, and only its five walls
    remain, one voxel thick.

    Args:
        path: .off, .obj, .stl or .ply file, at most 256 MiB.
        resolution: side R of the result in voxels, 4 to 128.
        margin: empty voxels at both ends of the longest side, 0 to (R - 2) // 2;
            the longest side of the mesh fills R - 2 margin voxels.
        up: axis that points up in the file, "z" or "y".

    Returns:
        bool (R, R, R), centred, axis 2 up.

    Raises:
        UserError: the file cannot be used, or an option is out of range.

    Reference: Laine, "A Topological Approach to Voxelization", 2013, section 4
        (6-separating surfaces).
    """
    _check_range("resolution", resolution, 4, MAX_RESOLUTION)
    _check_range("margin", margin, 0, (resolution - 2) // 2)
    if up not in ("y", "z"):
        raise UserError(f"expected up to be y or z, found {up}: choose one of them")
    vertices, faces = _read_triangles(Path(path))
    if up == "y":  # a rotation, not a swap of axes, so that nothing is mirrored
        vertices = vertices[:, [0, 2, 1]] * [1, -1, 1]
    try:
        return fill_triangles(vertices[faces], resolution, margin)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise a UserError unless a number is in [low, high]; NaN is not."""
    if not low <= value <= high:
        raise UserError(
            f"expected {name} from {low:g} to {high:g}, found {value:g}: choose another"
        )


def _linear(colours: np.ndarray) -> np.ndarray:
    """Return sRGB colours, uint8 (V, 4), as shares of light, which glTF expects."""
    shares = colours[:, :3] / 255
    light = np.where(
        shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4
    )
    result = colours.copy()
    result[:, :3] = np.rint(255 * light)
    return result


def _show_unlit(tree: dict) -> None:
    """Give the meshes of a glTF file a material that needs no light.

    Without a material, a viewer takes them for metal, which is dark.
    """
    unlit = "KHR_materials_unlit"
    matt = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    tree["materials"] = [{"pbrMetallicRoughness": matt, "extensions": {unlit: {}}}]
    tree["extensionsUsed"] = [unlit]
    for mesh in tree["meshes"]:
        for part in mesh["primitives"]:
            part["material"] = 0


def _closed_surface(solid: np.ndarray, blur: float) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces in which every edge has exactly two triangles.

    A grid of twice the resolution merges parts that touch along an edge. Very
    rarely, with noise, marching cubes still leaves a gap. Then we try a slightly
    different level.
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
    """Return the faces of the connected surface that encloses the most volume."""
    count = len(vertices)
    links = coo_matrix(
        (np.ones(len(faces) * 2), (faces[:, [0, 1]].T.ravel(), faces[:, 1:].T.ravel())),
        shape=(count, count),
    )
    _, body = csgraph.connected_components(links, directed=False)
    # Six times the signed volume of the tetrahedron from the origin to each face.
    corners = vertices[faces].astype(np.float64)
    signed = np.einsum(
        "fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])
    )
    of_face = body[faces[:, 0]]
    return faces[of_face == np.argmax(np.bincount(of_face, weights=signed))]


def _read_triangles(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) and faces (F, 3) of an untrusted mesh file."""
    import trimesh

    suffix = path.suffix.lower()
    if suffix not in READ:
        raise UserError(
            f"expected a mesh file that ends in .off, .obj, .stl or .ply, "
            f"found {path.name}: convert it first"
        )
    content = read_limited(path, MAX_MESH_BYTES)
    prepare = {".off": _repair_off, ".obj": _plain_obj, ".stl": _one_solid}.get(suffix)
    content = prepare(content) if prepare else content
    options = {"skip_materials": True} if suffix == ".obj" else {}
    try:
        # Pass bytes instead of a path, so that trimesh cannot open other files
        # that the mesh refers to, such as materials.
        mesh = trimesh.load_mesh(
            io.BytesIO(content), file_type=suffix[1:], process=False, **options
        )
        vertices = np.asarray(mesh.vertices, np.float64)
        faces = np.asarray(mesh.faces)
    except Exception as error:  # a damaged file can make a parser raise anything
        raise _unusable(path, "that can be read") from error
    if faces.ndim != 2 or len(faces) == 0 or len(vertices) == 0:
        raise _unusable(path, "with triangles")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise _unusable(path, "whose triangles refer to existing points")
    used, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[used], faces.reshape(-1, 3)
    extent = np.ptp(vertices, axis=0).max()
    if not np.isfinite(vertices).all() or not 0 < extent < 1e30:
        raise _unusable(path, "with finite points and a size above 0")
    return vertices, faces


def _repair_off(content: bytes) -> bytes:
    """Add the line break after "OFF" that some files of ModelNet lack."""
    head = content[3:4]
    if content[:3] == b"OFF" and (head.isdigit() or head == b" "):
        return b"OFF\n" + content[3:].lstrip(b" ")
    return content


def _plain_obj(content: bytes) -> bytes:
    """Remove what has no part in the shape: materials, texture points and normals.

    trimesh makes one mesh of each material, which takes minutes if they are many.
    """
    content = re.sub(rb"/[-\d/]*", b"", content)  # f 1/2/3 4//5 6 becomes f 1 4 6
    return content.replace(b"usemtl ", b"#")


def _one_solid(content: bytes) -> bytes:
    """Join the solids of a text STL file to one, because trimesh is slow with many."""
    if len(content) >= 84 and len(content) == 84 + 50 * int.from_bytes(
        content[80:84], "little"
    ):
        return content  # a binary file: 84 bytes, then 50 for each triangle
    end = content.lower().rfind(b"endsolid")
    if end < 0:
        return content
    lines = re.sub(rb"(?im)^[ \t]*(end)?solid.*$", b"", content[:end])
    return b"solid\n" + lines + b"\nendsolid\n"


def _unusable(path: Path, what: str) -> UserError:
    """Return the error for a file that is not a usable mesh."""
    return UserError(
        f"expected a mesh {what}, found something else in {path}: "
        "export it again or leave it out"
    )
