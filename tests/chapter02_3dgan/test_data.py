"""Chapter 2: what users bring, as the command line reads it."""

import os
import shlex
import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import trimesh
from command_lines import call

from chapter02_3dgan import preparation
from chapter02_3dgan.commands import CHAPTER
from chapter02_3dgan.config import PRESETS
from chapter02_3dgan.data import load_split
from chapter02_3dgan.preparation import prepare
from common.errors import LeftOut, UserError
from common.shapes.voxels import find_shapes, write_binvox

# 8 x 8 x 8 of 32 x 32 x 32 voxels: 1/64 is filled.
CUBE = np.zeros((32, 32, 32), bool)
CUBE[4:12, 8:16, 16:24] = True


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep the caches of these tests in their own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def save(folder: Path, *names: str) -> Path:
    """Write the cube under each of the names; return the folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / name, CUBE)
    return folder


def described(folder: Path, *options: str) -> list[str]:
    """Return the rows that `data describe` prints for a folder."""
    done = call(CHAPTER, "data", "describe", "--data", folder, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[2:]


def test_all_own_shapes_with_two_numbers_are_described(tmp_path):
    names = [f"part_{k}_{n}.npy" for k in range(10, 18) for n in (1, 2, 3)]
    folder = save(tmp_path / "vox_views", *names)
    for name, options in (("part", ("--classes", "part")), ("vox_views", ())):
        assert described(folder, *options) == [
            f"| train | {name} | 21 | 0.0156 |",
            f"| test | {name} | 3 | 0.0156 |",
        ]


def test_hidden_files_beside_shapes_and_meshes_are_passed_over(tmp_path, caplog):
    folder = save(tmp_path / "vox_mac", *(f"bunny{n}.npy" for n in range(1, 10)))
    (folder / "._bunny1.npy").write_bytes(b"Mac OS X")
    assert described(folder)[0] == "| train | vox_mac | 7 | 0.0156 |"
    meshes = tmp_path / "meshes"
    meshes.mkdir()
    trimesh.creation.box((1, 2, 3)).export(meshes / "a.off")
    (meshes / "._a.off").write_bytes(b"Mac OS X")
    prepare(meshes, tmp_path / "out")
    assert "1 hidden (._bunny1.npy)" in caplog.text
    assert "1 hidden (._a.off)" in caplog.text


def test_files_of_other_programs_hold_what_was_written(tmp_path):
    folder = tmp_path / "own"
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
    content = {"instance": CUBE.reshape((32, 1024), order="F").astype(np.uint8)}
    scipy.io.savemat(folder / "train" / "v4.mat", content, format="4")
    scipy.io.savemat(folder / "train" / "opaque.mat", {"instance": CUBE})
    with (folder / "train" / "opaque.mat").open("ab") as file:
        # A string of MATLAB, an object without dimensions, named s.
        texts = (b"s", b"MCOS", b"string")
        body = struct.pack("<IIII", 6, 8, 17, 0)
        body += b"".join(struct.pack("<II8s", 1, len(t), t) for t in texts)
        file.write(struct.pack("<II", 14, len(body)) + body)
    write_binvox(folder / "test" / "tail.binvox", CUBE)
    with (folder / "test" / "tail.binvox").open("ab") as file:
        file.write(b"\n")
    config = PRESETS["quick"].__class__(data=folder)
    for split, count in (("train", 2), ("test", 1)):
        voxels = load_split(config, split).voxels()
        assert np.array_equal(voxels, np.stack([CUBE] * count))


def test_larger_shapes_are_reduced(tmp_path):
    large = np.repeat(np.repeat(np.repeat(CUBE, 4, 0), 4, 1), 4, 2)
    np.save(save(tmp_path / "own", "train/a.npy") / "train" / "b.npy", large)
    config = PRESETS["quick"].__class__(data=tmp_path / "own")
    assert np.array_equal(load_split(config, "train").voxels(), np.stack([CUBE] * 2))


def test_of_several_classes_training_asks_for_one_and_describe_counts_all(tmp_path):
    names = [f"{cls}/{n}.npy" for cls in ("beds", "tub s") for n in range(3)]
    folder = save(tmp_path / "own", *names)
    rows = described(folder)
    assert [row.split(" | ")[1] for row in rows] == ["beds", "tub s"] * 2
    config = PRESETS["quick"].__class__(data=folder)
    with pytest.raises(UserError, match="2 classes: .*--classes beds 'tub s'"):
        load_split(config, "train")
    assert load_split(config, "train", every_class=True).class_names == (
        "beds",
        "tub s",
    )


def test_other_paths_than_folders_end_in_one_line(tmp_path):
    file = save(tmp_path, "a.npy") / "a.npy"
    for path, message in (
        (file, "is one file; expected a folder of voxel files"),
        (tmp_path / "none", "no such file or folder"),
    ):
        done = call(CHAPTER, "data", "describe", "--data", path)
        assert done.returncode == 2 and message in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("classes", [["bed"], ["bed", "night stand"]])
def test_the_command_that_prepare_prints_works_as_it_stands(tmp_path, classes):
    for name in classes:
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in range(3):
            path = tmp_path / "in" / name / f"{number}.stl"
            trimesh.creation.box((1, 2, 3)).export(path)
    out = tmp_path / "my shapes"
    printed = prepare(tmp_path / "in", out).splitlines()[-1]
    words = shlex.split(printed.removeprefix("use it with: "))
    assert words[:3] == ["train", "--data", str(out)]
    assert words[3:] == (["--classes", *classes] if len(classes) > 1 else [])
    config = PRESETS["quick"].__class__(data=out, classes=tuple(words[4:]))
    assert len(load_split(config, "train")) == 2 * len(classes)
    assert len(load_split(config, "test")) == len(classes)


def test_splits_of_meshes_in_any_case(tmp_path):
    for name in ("Train/bed/a", "VAL/bed/b", "Test/bed/sub/c", "Train/bed/d"):
        path = tmp_path / "in" / f"{name}.ply"
        path.parent.mkdir(parents=True, exist_ok=True)
        trimesh.creation.box((1, 2, 3)).export(path)
    report = prepare(tmp_path / "in", tmp_path / "out")
    counts = ["bed test: 1 shapes", "bed train: 2 shapes", "bed validation: 1 shapes"]
    assert report.splitlines()[:3] == counts
    assert len(find_shapes(tmp_path / "out")) == 2
    with pytest.raises(UserError, match="a.ply is a file; expected a folder of meshes"):
        prepare(tmp_path / "in" / "Train" / "bed" / "a.ply", tmp_path / "out2")


def test_prepare_names_what_is_missing_or_lies_deeper(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(preparation, "mesh_to_voxels", lambda *_, **__: CUBE)
    monkeypatch.setattr(preparation, "render_grid", lambda _: np.zeros((1, 1, 3), "u1"))
    for name in ("bed/train/a", "bed/train/b", "sofa/train/a", "sofa/train/b"):
        path = tmp_path / "in" / "ModelNet" / f"{name}.ply"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    report = prepare(tmp_path / "in", tmp_path / "out")
    assert report.splitlines() == [
        "ModelNet train: 4 shapes",
        "no shapes to test; put meshes into a folder test",
    ]
    assert f"(bed, sofa), give {tmp_path / 'in' / 'ModelNet'} instead" in caplog.text


def test_folder_names_that_are_no_utf_8(tmp_path):
    folder = os.fsencode(tmp_path) + b"/in/caf\xe9"
    os.makedirs(folder)
    content = trimesh.creation.box((1, 2, 3)).export(file_type="ply")
    for number in range(3):
        with open(folder + b"/%d.ply" % number, "wb") as file:
            file.write(content)
    with open(folder + b"/broken.ply", "wb") as file:
        file.write(b"ply")
    report = prepare(tmp_path / "in", tmp_path / "out")
    assert isinstance(report, LeftOut)
    assert r"left out: " in report and r"caf\xe9/broken.ply" in report
    assert report.encode()
    assert described(tmp_path / "out")[0].startswith(r"| train | caf\xe9 | 2 |")


def test_data_make_quotes_the_folder(tmp_path):
    done = call(
        CHAPTER, *"data make --train 1 --test 1 --out".split(), tmp_path / "a b"
    )
    assert f"use it with: train --data '{tmp_path / 'a b'}'" in done.stderr
