"""The study's data: how photos meet their shapes, splits, caches and tables."""

import dataclasses
import logging

import numpy as np
import pytest
from photo_sets import block, fake_render, write_ikea, write_tree
from pictures import noise, saved
from shapes import boxes, padded, write_boxes

from chapter02_3dgan import data as chapter02
from common.errors import UserError
from study_3dvaegan import renders
from study_3dvaegan.config import Config
from study_3dvaegan.data import (
    describe,
    load_split,
    make_data,
    training_and_validation,
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep the caches of these tests in their own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def renderings(monkeypatch) -> list[int]:
    """Replace the renderer; return a list that grows by the shapes of each call."""
    calls = []

    def render(shapes, *args, **options):
        calls.append(len(shapes))
        fake_render(shapes, *args, **options)

    monkeypatch.setattr(renders, "render_shapes", render)
    return calls


def test_a_voxel_set_is_rendered_once_and_keeps_its_shapes_and_split(
    tmp_path, renderings
):
    config = Config(data=write_boxes(tmp_path / "boxes"), classes=("box",), views=2)
    pairs = load_split(config, "train")
    assert (len(pairs), len(pairs.shapes), pairs.images.shape[1:]) == (
        48,
        24,
        (64, 64, 3),
    )
    assert np.array_equal(pairs.shapes.voxels(), padded(boxes(24)))
    assert np.array_equal(pairs.shape_rows, np.repeat(np.arange(24), 2))
    assert pairs.shapes.class_names == ("box",)
    assert len(load_split(config, "test").shapes) == 10
    load_split(config, "train")
    assert renderings == [24, 10]
    load_split(dataclasses.replace(config, views=1), "train")
    assert renderings == [24, 10, 24]


def test_a_voxel_set_that_another_process_has_rendered_meanwhile_is_kept(
    tmp_path, renderings, monkeypatch
):
    config = Config(data=write_boxes(tmp_path / "boxes"), views=1)
    render = renders.render_shapes

    def slow(*args, **options):
        monkeypatch.setattr(renders, "render_shapes", render)
        load_split(config, "test")  # the other process
        render(*args, **options)

    monkeypatch.setattr(renders, "render_shapes", slow)
    assert len(load_split(config, "test")) == 10
    assert renderings == [10, 10]
    assert not list((tmp_path / "cache").rglob(".writing-*"))


def test_without_data_the_stand_in_of_chapter_2_is_rendered(renderings, monkeypatch):
    monkeypatch.setattr(chapter02, "STAND_IN_TRAIN", 3)
    monkeypatch.setattr(chapter02, "STAND_IN_TEST", 2)
    config = Config(views=2, classes=("table",))
    assert len(load_split(config, "train")) == 6
    assert len(load_split(config, "test")) == 4
    assert "| train | table | 3 | 6 |" in describe(config)


def test_describe_counts_a_voxel_set_without_rendering_it(tmp_path, renderings):
    table = describe(Config(data=write_boxes(tmp_path / "boxes"), views=72))
    assert table.splitlines()[2].startswith("| train | box | 24 | 1728 | 0.")
    assert table.splitlines()[3].startswith("| test | box | 10 | 720 | 0.")
    assert renderings == []


def test_describe_counts_all_classes_of_a_tree(tmp_path):
    write_tree(tmp_path, "chair", count=5, views=3)
    write_tree(tmp_path, "03636649", count=2, views=1)
    rows = describe(Config(data=tmp_path)).splitlines()
    assert rows[0] == "| split | class | shapes | photos | occupancy |"
    counts = {tuple(row.split(" | ")[:2]): row.split(" | ")[2:4] for row in rows[2:]}
    assert len(counts) == 4
    chairs = [counts["| " + split, "chair"] for split in ("train", "test")]
    assert sum(int(shapes) for shapes, _ in chairs) == 5
    assert sum(int(photos) for _, photos in chairs) == 15
    assert counts["| test", "lamp"] == ["1", "1"]


def test_photos_of_some_shapes_keep_their_shapes(tmp_path):
    (tmp_path / "train.txt").write_text("".join(f"chair/s{n}\n" for n in range(4)))
    pairs = load_split(Config(data=write_tree(tmp_path)), "train")
    some = pairs.of_shapes([3, 1])
    assert some.names == tuple(
        f"chair/s{n}/rendering/{view}.png" for n in (1, 3) for view in ("00", "01")
    )
    assert some.shape_rows.tolist() == [1, 1, 0, 0]
    assert np.array_equal(some.shapes.voxels(), [block(4), block(2)])
    assert np.array_equal(some.images, pairs.images[[2, 3, 6, 7]])
    assert some.elevations.tolist() == [6, 6, 8, 8]


def test_photos_that_do_not_fit_into_memory_are_read_where_they_are_indexed(tmp_path):
    (tmp_path / "train.txt").write_text("".join(f"chair/s{n}\n" for n in range(4)))
    config = Config(data=write_tree(tmp_path))
    whole = load_split(config, "train").of_shapes([0, 2])
    pairs = load_split(dataclasses.replace(config, cache_mb=0), "train")
    assert isinstance(pairs.images, np.memmap)
    mapped = pairs.of_shapes([0, 2])
    assert not isinstance(mapped.images, np.ndarray)
    assert mapped.images.shape == whole.images.shape == (4, 64, 64, 3)
    assert np.array_equal(np.asarray(mapped.images), whole.images)
    assert np.array_equal(mapped.images[[3, 0]], whole.images[[3, 0]])
    assert np.array_equal(mapped.of_shapes([1]).images[:1], whole.images[2:3])


@pytest.mark.parametrize(
    ("every", "train", "validation"),
    [(None, 4, [3]), (2, 2, [1, 3]), (3, 3, [2]), (100, 3, [3])],
)
def test_validation_takes_all_photos_of_every_nth_shape(
    tmp_path, every, train, validation
):
    (tmp_path / "train.txt").write_text("".join(f"chair/s{n}\n" for n in range(4)))
    config = Config(data=write_tree(tmp_path), validation_every=every)
    kept, chosen = training_and_validation(config)
    assert (len(kept.shapes), len(kept)) == (train, 2 * train)
    expected = [block(row + 1) for row in validation]
    assert np.array_equal(chosen.shapes.voxels(), expected)
    assert len(chosen) == 2 * len(validation)


def test_one_shape_cannot_be_divided(tmp_path):
    (tmp_path / "train.txt").write_text("chair/s0\n")
    config = Config(data=write_tree(tmp_path), validation_every=5)
    with pytest.raises(UserError, match="at least 2 training shapes"):
        training_and_validation(config)


def test_photos_that_are_no_images_are_left_out_with_their_shape(tmp_path, caplog):
    write_tree(tmp_path)
    folder = tmp_path / "ShapeNetRendering" / "chair"
    (folder / "s0" / "rendering" / "01.png").write_bytes(b"no image")
    for view in ("00", "01"):
        (folder / "s2" / "rendering" / f"{view}.png").write_bytes(b"")
    (tmp_path / "train.txt").write_text("".join(f"chair/s{n}\n" for n in range(4)))
    with caplog.at_level(logging.WARNING):
        pairs = load_split(Config(data=tmp_path), "train")
    assert "3 of 8 files" in caplog.text
    assert pairs.shape_rows.tolist() == [0, 1, 1, 2, 2]
    assert np.array_equal(
        pairs.shapes.voxels(), [block(height) for height in (1, 2, 4)]
    )


def test_the_ikea_set_is_for_tests(tmp_path):
    config = Config(data=write_ikea(tmp_path))
    pairs = load_split(config, "test")
    assert (len(pairs), len(pairs.shapes), pairs.shapes.size) == (4, 3, 32)
    assert pairs.shape_rows.tolist() == [2, 0, 2, 1]
    assert np.isnan(pairs.elevations).all()
    with pytest.raises(UserError, match="for tests only"):
        load_split(config, "train")
    assert [row[:24] for row in describe(config).splitlines()[2:]] == [
        "| test | bed | 1 | 1 | 0",
        "| test | chair | 2 | 3 |",
    ]


def test_a_folder_of_pairs_is_read_by_itself_or_by_its_table(tmp_path):
    for split, height in (("train", 1), ("test", 2)):
        saved(noise(height, 40, 90), tmp_path / split / "a.jpg")
        np.save(tmp_path / split / "a.npy", block(height))
    for data in (tmp_path, tmp_path / "pairs.csv"):
        (tmp_path / "pairs.csv").write_text(
            "photo,shape\ntrain/a.jpg,train/a.npy\ntest/a.jpg,test/a.npy\n"
        )
        pairs = load_split(Config(data=data), "test")
        assert np.array_equal(pairs.shapes.voxels(), [block(2)])
        assert pairs.images.shape == (1, 64, 64, 3)


def test_a_file_of_several_shapes_has_no_photo(tmp_path):
    saved(noise(0, 40, 90), tmp_path / "train" / "a.jpg")
    np.save(tmp_path / "train" / "a.npy", np.stack([block(1), block(2)]))
    with pytest.raises(UserError, match="a.npy: expected one shape.*found 2"):
        load_split(Config(data=tmp_path), "train")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file or folder"):
        load_split(Config(data=tmp_path / "none"), "train")


def test_made_data_are_read_with_the_lists(tmp_path, renderings):
    out = tmp_path / "made"
    make_data(out, ("chair", "table"), train=3, test=2, views=2)
    config = Config(data=out, classes=("chair", "table"))
    assert len(load_split(config, "train").shapes) == 6
    assert len(load_split(config, "test")) == 8
    with pytest.raises(UserError, match="exists already"):
        make_data(out)


def test_the_renderer_writes_what_is_read(tmp_path):
    make_data(tmp_path / "made", train=2, test=1, views=3)
    pairs = load_split(Config(data=tmp_path / "made"), "train")
    assert (len(pairs), len(pairs.shapes)) == (6, 2)
    assert len({*pairs.elevations.tolist()}) > 1
    assert 0 < pairs.elevations.min() < pairs.elevations.max() < 90
