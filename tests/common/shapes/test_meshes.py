"""Voxels to printable meshes, and mesh files to voxels."""

import struct

import numpy as np
import pytest
import trimesh

from common.errors import UserError
from common.shapes import meshes, voxelise
from common.shapes.meshes import mesh_to_voxels, voxels_to_mesh, write_mesh


def ball(size: int, radius: float) -> np.ndarray:
    grid = np.indices((size,) * 3) + 0.5 - size / 2
    return np.linalg.norm(grid, axis=0) < radius


def assert_printable(mesh: trimesh.Trimesh) -> None:
    """Check that a mesh is closed after merging equal points, as a slicer does."""
    single = np.asarray(mesh.vertices, np.float32).astype(float)
    merged = trimesh.Trimesh(single, mesh.faces)
    for version in (mesh, merged):
        assert version.is_watertight and version.is_winding_consistent
        assert version.volume > 0


def test_ball_has_the_right_size_volume_and_normals():
    mesh = voxels_to_mesh(ball(32, 12), size_mm=80)
    assert_printable(mesh)
    assert mesh.extents.max() == pytest.approx(80)
    assert np.allclose(mesh.bounds.sum(axis=0), 0, atol=1e-9)
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 40**3, rel=0.03)
    outward = (mesh.triangles_center * mesh.face_normals).sum(axis=1)
    assert (outward > 0).all()


def test_axes_keep_their_order_and_z_is_up():
    shape = np.zeros((20, 20, 20), bool)
    shape[5:9, 4:12, 2:18] = True
    mesh = voxels_to_mesh(shape, size_mm=16, smooth=0.5)
    assert np.allclose(mesh.extents, [4, 8, 16], atol=0.5)
    shape[5:17, 4:16, 2:5] = True  # a wide foot: more volume below
    assert voxels_to_mesh(shape).center_mass[2] < -5


@pytest.mark.parametrize("smooth", [None, 0.5, 2.0])
@pytest.mark.parametrize("share", [0.001, 0.03, 0.2, 0.5, 0.95, 1.0])
def test_noise_is_printable_too(share, smooth):
    noise = np.random.default_rng(7).random((16, 16, 16)) < share
    noise[0, 0, 0] = True  # on the border
    for largest in (False, True):
        assert_printable(
            voxels_to_mesh(noise, smooth=smooth, largest_component_only=largest)
        )


def test_touching_edges_and_corners_are_printable():
    shape = np.zeros((8, 8, 8), bool)
    shape[2, 2, 2] = shape[3, 3, 2] = True  # along an edge
    shape[4, 4, 3] = True  # at a corner
    assert_printable(voxels_to_mesh(shape))
    checkers = np.indices((9, 9, 9)).sum(axis=0) % 2 == 0
    assert_printable(voxels_to_mesh(checkers))


@pytest.mark.parametrize("size", [16, 64])
def test_thin_legs_and_single_voxels_are_kept(size):
    shape = np.zeros((size,) * 3, bool)
    shape[4, 4, 2:14] = shape[10, 10, 10] = True
    mesh = voxels_to_mesh(shape)
    assert len(mesh.split()) == 2
    one = voxels_to_mesh(shape, largest_component_only=True)
    assert one.is_watertight and len(one.split()) == 1
    assert 6 < one.extents[2] / one.extents[0] < 15  # 12 voxels long, about 1 thick


def test_largest_component_is_by_volume():
    cube = np.zeros((24, 24, 24), bool)
    cube[4:14, 4:14, 8:18] = True
    shape = cube.copy()
    shape[:, :, 2] = True  # wider and with more faces, but of less volume
    plate, alone = voxels_to_mesh(shape & ~cube), voxels_to_mesh(cube)
    assert len(plate.faces) > 2 * len(alone.faces)
    mesh = voxels_to_mesh(shape, largest_component_only=True)
    assert np.allclose(mesh.extents, 100, rtol=0.02)
    cube[6:12, 6:12, 10:16] = False  # a closed cavity is not in the largest component
    filled = voxels_to_mesh(cube, largest_component_only=True)
    assert filled.volume == pytest.approx(alone.volume, rel=0.01)
    assert voxels_to_mesh(cube).volume < 0.95 * alone.volume


def test_only_voxels_above_the_threshold_are_solid():
    values = np.zeros((12, 12, 12), np.float32)
    values[3:9, 3:9, 3:6], values[3:9, 3:9, 6:9] = 0.75, 0.5
    half, whole = voxels_to_mesh(values), voxels_to_mesh(values, threshold=0.49)
    assert half.extents[2] == pytest.approx(50, abs=5)
    assert whole.extents[2] == pytest.approx(100)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"voxels": np.zeros((4, 4, 4))}, "at least one solid voxel"),
        ({"size_mm": 0}, "size in mm"),
        ({"size_mm": float("nan")}, "size in mm"),
        ({"smooth": 0.1}, "smooth"),
    ],
)
def test_wrong_options_end_in_one_line(wrong, message):
    with pytest.raises(UserError, match=message):
        voxels_to_mesh(**({"voxels": ball(8, 3)} | wrong))


@pytest.mark.parametrize("suffix", [".stl", ".obj", ".glb", ".STL"])
def test_written_files_read_back(tmp_path, suffix):
    mesh = voxels_to_mesh(ball(12, 4)[:, :7, :8])
    path = tmp_path / f"shape{suffix}"
    write_mesh(mesh, path)
    back = trimesh.load_mesh(path)
    assert back.is_watertight and len(back.faces) == len(mesh.faces)
    if suffix == ".glb":  # metres, y up
        x, y, z = mesh.vertices.T / 1000
        expected = np.stack([x, z, -y], axis=1)
        assert back.volume == pytest.approx(mesh.volume / 1e9, rel=1e-4)
    else:
        expected = mesh.vertices
    # The points are read in another order.
    near = np.abs(back.vertices[:, None] - expected).max(axis=2).min(axis=1)
    assert near.max() < 1e-5 * np.ptp(expected)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path):
    mesh = trimesh.creation.box()
    with pytest.raises(
        UserError, match=r"\.stl, \.obj, \.glb or \.ply, found shape\.3ds"
    ):
        write_mesh(mesh, tmp_path / "shape.3ds")


@pytest.mark.parametrize("suffix", [".off", ".obj", ".stl", ".ply"])
def test_every_format_is_read(tmp_path, suffix):
    path = tmp_path / f"ball{suffix}"
    trimesh.creation.icosphere(4, radius=3).export(path)
    voxels = mesh_to_voxels(path, 32)
    assert voxels.dtype == bool and voxels.shape == (32, 32, 32)
    assert voxels.sum() == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.04)
    assert not voxels[[0, -1]].any() and voxels[1].any() and voxels[-2].any()


@pytest.mark.parametrize("margin", [0, 1, 5])
def test_box_is_exact(tmp_path, margin):
    path = tmp_path / "box.off"
    cube = trimesh.creation.box((3, 3, 3))
    cube.apply_translation([7, -2, 100])
    cube.export(path)
    voxels = mesh_to_voxels(path, 24, margin=margin)
    expected = np.zeros((24, 24, 24), bool)
    inner = slice(margin, 24 - margin)
    expected[inner, inner, inner] = True
    assert np.array_equal(voxels, expected)


def test_rotated_box_has_the_right_volume(tmp_path):
    path = tmp_path / "box.off"
    box = trimesh.creation.box((1, 0.8, 0.6))
    box.apply_transform(trimesh.transformations.rotation_matrix(0.5, [1, 2, 3]))
    box.export(path)
    voxels = mesh_to_voxels(path, 64)
    assert voxels.sum() * box.extents.max() ** 3 / 62**3 == pytest.approx(
        0.48, rel=0.04
    )


def test_up_axis(tmp_path):
    parts = [trimesh.creation.box(bounds=[[0, 0, 0], [1, 4, 1]])]
    parts.append(trimesh.creation.box(bounds=[[0, 0, 0], [1, 1, 3]]))
    path = tmp_path / "angle.obj"  # tall along y, a foot towards +z
    trimesh.util.concatenate(parts).export(path)
    tall = mesh_to_voxels(path, 32, up="y")
    assert np.ptp(np.argwhere(tall), axis=0)[2] == 29
    assert tall[:, :, :8].sum() > 2 * tall[:, :, 24:].sum()
    # The rotation from y up to z up turns +z into -axis 1, so the upright part is
    # at the larger end.
    assert np.argwhere(tall[:, :, 25])[:, 1].min() > 16
    assert np.ptp(np.argwhere(mesh_to_voxels(path, 32)), axis=0)[1] == 29


def test_box_without_lid_keeps_only_its_walls(tmp_path):
    box = trimesh.creation.box((1, 1, 1))
    box.update_faces(box.triangles_center[:, 2] < 0.49)
    path = tmp_path / "open.off"
    box.export(path)
    voxels = mesh_to_voxels(path, 16, margin=1)
    expected = np.zeros((16, 16, 16), bool)
    expected[1:15, 1:15, 1:15] = True
    expected[2:14, 2:14, 2:15] = False
    assert np.array_equal(voxels, expected)


def test_loose_and_overlapping_triangles_are_filled(tmp_path):
    # As in ModelNet: no shared points, flipped faces, overlapping parts.
    box, second = trimesh.creation.box((2, 2, 2)), trimesh.creation.box((1, 1, 2.5))
    soup = np.concatenate([box.triangles, second.triangles])
    soup[::2] = soup[::2, ::-1]
    loose = trimesh.Trimesh(
        soup.reshape(-1, 3), np.arange(72).reshape(-1, 3), process=False
    )
    path = tmp_path / "soup.ply"
    loose.export(path)
    voxels = mesh_to_voxels(path, 32, margin=1)
    assert voxels[16, 16, 16] and voxels[6, 6, 16]
    assert voxels.sum() / 30**3 * 2.5**3 == pytest.approx(8 + 0.5, rel=0.08)


def test_modelnet_header_without_line_break(tmp_path):
    text = trimesh.creation.box((1, 1, 1)).export(file_type="off")
    counts = text.split("\n", 1)[1]
    for number, start in enumerate(("OFF", "OFF ")):
        path = tmp_path / f"{number}.off"
        path.write_text(start + counts)
        assert mesh_to_voxels(path, 8).sum() == 6**3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.off", b""),
        ("blank.obj", b"\n \n"),
        ("text.off", b"this is no mesh"),
        ("text.ply", b"ply\nformat ascii 1.0\nelement vertex 99999999\nend_header\n1"),
        ("points.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"),
        ("index.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n"),
        ("nan.obj", b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
        ("point.obj", b"v 1 1 1\nf 1 1 1\n"),
        ("short.stl", b"\0" * 80 + struct.pack("<I", 2**31) + b"\0" * 50),
        ("noise.stl", np.random.default_rng(0).bytes(500)),
        ("cut.off", b"OFF\n8 12 0\n0 0 0\n1 1"),
    ],
)
def test_broken_files_end_in_one_line(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match="expected a mesh|is empty") as caught:
        mesh_to_voxels(path, 16)
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_other_wrong_input_ends_in_one_line(tmp_path, monkeypatch):
    path = tmp_path / "box.off"
    trimesh.creation.box().export(path)
    for wrong, message in (
        ({"resolution": 2}, "resolution"),
        ({"resolution": 16, "margin": 8}, "margin"),
        ({"resolution": 16, "up": "x"}, "y or z, found x"),
    ):
        with pytest.raises(UserError, match=message):
            mesh_to_voxels(path, **wrong)
    with pytest.raises(UserError, match="no such file: .*missing"):
        mesh_to_voxels(tmp_path / "missing.off", 16)
    with pytest.raises(UserError, match=r"\.off, \.obj, \.stl or \.ply, found a\.fbx"):
        mesh_to_voxels(tmp_path / "a.fbx", 16)
    monkeypatch.setattr(meshes, "MAX_MESH_BYTES", 10)
    with pytest.raises(UserError, match="at most"):
        mesh_to_voxels(path, 16)


def test_material_files_are_not_opened(tmp_path):
    path = tmp_path / "box.obj"
    text = trimesh.creation.box().export(file_type="obj")
    path.write_text(f"mtllib secret.mtl\nusemtl x\n{text}")
    (tmp_path / "secret.mtl").mkdir()  # reading it would fail
    assert mesh_to_voxels(path, 8).sum() == 6**3


def test_real_chairs_survive_conversion_to_a_mesh_and_back(tmp_path, shared_data):
    from scipy.io import loadmat

    folder = shared_data / "3dshapenets/volumetric_data/chair/30/train"
    files = sorted(folder.glob("*.mat"))[:700:200]
    assert len(files) == 4
    for file in files:
        shape = loadmat(file)["instance"].astype(bool)
        mesh = voxels_to_mesh(shape)
        assert_printable(mesh)
        write_mesh(mesh, tmp_path / "chair.stl")
        low, high = np.argwhere(shape).min(axis=0), np.argwhere(shape).max(axis=0) + 1
        box = shape[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        back = mesh_to_voxels(
            tmp_path / "chair.stl", box.shape[np.argmax(box.shape)] + 2
        )
        assert 0.8 < back.sum() / shape.sum() < 1.4  # thin legs gain a little


@pytest.mark.parametrize(
    ("name", "start", "part", "end"),
    [
        (
            "a.obj",
            "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n",
            "usemtl m{0}\nf 1/7 2 3//5\nf 4/1/1 1 2\n",
            "",
        ),
        (
            "a.obj",
            "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n",
            "g p{0}\nf 1/2 2/2 3/2\nf 4 1 2\n",
            "",
        ),
        (
            "a.stl",
            "",
            "solid endsolid{0}\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\n"
            "vertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nfacet normal 0 0 1\n"
            "outer loop\nvertex 0 0 1\nvertex 0 0 0\nvertex 1 0 0\nendloop\n"
            "endfacet\nendsolid part{0}\n",
            "",
        ),
    ],
)
def test_many_groups_are_read_as_one_mesh(tmp_path, name, start, part, end):
    """trimesh alone makes one mesh of each; 20,000 take minutes."""
    path = tmp_path / name
    path.write_text(start + "".join(part.format(n) for n in range(2000)) + end)
    plain = tmp_path / "plain.off"
    plain.write_text("OFF\n4 2 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 1 2\n3 3 0 1\n")
    sheets = mesh_to_voxels(plain, 8)
    assert sheets.any() and np.array_equal(mesh_to_voxels(path, 8), sheets)
    if name == "a.obj":
        assert len(meshes._read_triangles(path)[0]) == 4
    assert len(meshes._read_triangles(path)[1]) == 4000


def test_a_cut_text_stl_keeps_only_its_whole_solids(tmp_path):
    path = tmp_path / "a.stl"
    box = trimesh.creation.box((1, 1, 1)).export(file_type="stl_ascii")
    path.write_text(box + box[:200])
    assert mesh_to_voxels(path, 8).sum() == 6**3
    path.write_text(box[:200])
    with pytest.raises(UserError, match="expected a mesh"):
        mesh_to_voxels(path, 8)


@pytest.mark.parametrize("suffix", ["off", "obj", "ply"])
def test_a_polygon_of_very_many_corners_ends_in_one_line(tmp_path, suffix, monkeypatch):
    """A fan of the corners has as many triangles, each as long as the mesh."""
    monkeypatch.setattr(voxelise, "MAX_TESTS", 20_000)
    count = 2000
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    points = [
        f"{x:.6f} {y:.6f} 0"
        for x, y in zip(np.cos(angles), np.sin(angles), strict=True)
    ]
    corners = " ".join(map(str, range(count)))
    if suffix == "obj":
        lines = [f"v {point}" for point in points]
        lines += ["f " + " ".join(map(str, range(1, count + 1)))]
    elif suffix == "off":
        lines = [f"OFF\n{count} 1 0", *points, f"{count} {corners}"]
    else:
        lines = [f"ply\nformat ascii 1.0\nelement vertex {count}"]
        lines += [f"property float {axis}" for axis in "xyz"]
        lines += ["element face 1\nproperty list int int vertex_indices\nend_header"]
        lines += [*points, f"{count} {corners}"]
    path = tmp_path / f"a.{suffix}"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(
        UserError, match=r"a\..*1,998 triangles so large that"
    ) as caught:
        mesh_to_voxels(path, 30)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    disc = mesh_to_voxels(path, 30)
    assert disc.sum() == pytest.approx(np.pi * 14**2, rel=0.05)
