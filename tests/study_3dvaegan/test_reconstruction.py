"""Shapes of photos, from the prior, and between photos."""

import base64
import json
import logging
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import trimesh
from keras import layers
from pictures import noise, saved
from PIL import Image

from common.errors import PathsLeftOut, UserError
from common.files import write_note
from common.images.reading import read_image
from common.shapes.voxels import read_voxels
from common.training.network_files import save_network
from common.training.run_dir import RunDir
from study_3dvaegan import generation
from study_3dvaegan.config import Config
from study_3dvaegan.networks import build_encoder, build_generator
from study_3dvaegan.photos.cutting import cut_photo
from study_3dvaegan.reconstruction import encode, reconstruct
from study_3dvaegan.slider_page import POSITIONS, find_directions
from study_3dvaegan.training import load_networks

# Options that take little time.
FAST = {"format": "mat", "samples": 0}
TINY = Config(width=0.05, encoder_width=0.05, latent_dim=6, image_size=64)


def growing_box() -> keras.Model:
    """Return a generator of a box of 12^3 voxels, whose first axis z_0 makes longer.

    z_1 fills a single voxel far from the box; the other latents do nothing.
    """
    away = np.abs(np.arange(32) - 15.5)
    outside = np.maximum(away[:, None], away[None]) > 6
    bias = np.where(outside, -9.0, 2 * (6 - away[:, None, None]))
    weights = np.zeros((TINY.latent_dim, 32, 32, 32))
    weights[0] = np.where(outside, 0, 2.0)
    weights[1, 1, 1, 1] = 3.0
    z = keras.Input((TINY.latent_dim,))
    x = layers.Dense(32**3, "sigmoid")(z)
    network = keras.Model(z, layers.Reshape((32, 32, 32, 1))(x), name="generator")
    network.layers[1].set_weights([weights.reshape(-1, 32**3), bias.ravel()])
    return network


def make_run(folder: Path, generator: keras.Model, threshold: float = 0.5) -> RunDir:
    """Return a run with a tiny random encoder and a generator."""
    run = RunDir(folder, "study_3dvaegan")
    run.write_config(TINY)
    keras.utils.set_random_seed(1)
    save_network(build_encoder(TINY), folder / "encoder.keras")
    save_network(generator, run.generator)
    write_note(folder / "threshold.json", {"threshold": threshold})
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunDir:
    """Return a run whose generator makes boxes."""
    folder = tmp_path_factory.mktemp("run") / "boxes"
    folder.mkdir()
    return make_run(folder, growing_box())


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    """Return three photos."""
    return [
        saved(
            noise(number, 40 + 9 * number, 50), tmp_path / "in" / f"photo{number}.png"
        )
        for number in range(3)
    ]


def page_data(path: Path) -> list[dict]:
    """Return the shapes of a viewer's page."""
    page = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="shapes"[^>]*>(.*?)</script>', page, re.S)[1])


def test_the_shape_is_that_of_the_encoders_mean(run, photos, tmp_path):
    paths = reconstruct(run, photos=photos, format="npy", out=tmp_path / "out")
    assert [path.name for path in paths] == ["sheet.png", "latents.npy", "shapes.npy"]
    encoder, generator = load_networks(run)
    squares = np.stack([cut_photo(photo, 64).square for photo in photos])
    means, log_variances = encode(encoder, squares)
    assert means.shape == log_variances.shape == (3, 6) and means.std() > 0.01
    np.testing.assert_allclose(np.load(paths[1]), means, rtol=1e-3, atol=1e-5)
    shapes = np.load(paths[2])
    assert shapes.dtype == bool and shapes.shape == (3, 32, 32, 32)
    expected = np.asarray(generator(means))[..., 0] > 0.5
    assert (shapes & expected).sum() == shapes.sum() > 0
    # Seven tiles of 160 pixels with their gaps, in three rows.
    height, width, _ = read_image(paths[0]).shape
    assert 7 * 160 < width < 8 * 170 and 3 * 160 < height < 3 * 220


def test_only_the_largest_body_stays(tmp_path, photos):
    generator = growing_box()
    weights, bias = generator.layers[1].get_weights()
    corner = np.zeros((32, 32, 32))
    corner[1, 1, 1] = 30
    generator.layers[1].set_weights([weights, bias + corner.ravel()])
    (folder := tmp_path / "run").mkdir()
    path = reconstruct(make_run(folder, generator), photos=photos[:1], format="npy")[2]
    shape = np.load(path)[0]
    assert shape.any() and not shape[:5, :5, :5].any()


def test_the_samples_are_reproducible_and_of_the_posterior(run, photos, tmp_path):
    def sheet(name: str, **options) -> np.ndarray:
        options = FAST | {"samples": 1, "out": tmp_path / name} | options
        return read_image(reconstruct(run, photos=photos[:1], **options)[0])

    first = sheet("a")
    assert np.array_equal(first, sheet("b"))
    other = sheet("c", seed=2)
    assert not np.array_equal(first, other)
    assert np.array_equal(first[:, :160], other[:, :160])
    assert sheet("d", samples=0).shape[1] < 3 * 170


@pytest.mark.parametrize("format", ["stl", "obj", "glb"])
def test_meshes_are_watertight(run, photos, tmp_path, format):
    options = {"samples": 0, "out": tmp_path / "out"}
    paths = reconstruct(run, photos=photos[:2], format=format, **options)
    assert [p.name for p in paths[2:]] == [f"photo0.{format}", f"photo1.{format}"]
    for path in paths[2:]:
        mesh = trimesh.load_mesh(path)
        assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0
        assert mesh.body_count == 1
        longest = mesh.extents.max() * (1000 if format == "glb" else 1)
        assert longest == pytest.approx(100, rel=1e-3)


def test_other_formats(run, photos, tmp_path):
    def written(format: str, count: int = 1) -> list[Path]:
        folder = tmp_path / format
        options = {"photos": photos[:count], "format": format, "out": folder}
        return reconstruct(run, samples=0, **options)[2:]

    shape = np.load(written("npy")[0])[0]
    for format in ("mat", "binvox"):
        np.testing.assert_array_equal(read_voxels(written(format)[0])[0], shape)
    assert read_image(written("png")[0]).shape == (512, 512, 3)
    shown = page_data(written("html", 3)[0])
    assert [one["label"] for one in shown] == ["photo0", "photo1", "photo2"]
    assert [one["walks"] for one in shown] == [[], [], []]


def test_the_page_has_sliders_around_each_mean(run, photos, tmp_path):
    paths = reconstruct(
        run, photos=photos[:2], format="page", samples=0, out=tmp_path / "out"
    )
    shown = page_data(paths[2])
    assert [one["label"] for one in shown] == ["photo0", "photo1"]
    for one in shown:
        names = [walk["name"] for walk in one["walks"]]
        assert names == [f"direction {number}" for number in (1, 2, 3, 4)]
        for walk in one["walks"]:
            assert len(walk["shapes"]) == len(POSITIONS)
            assert walk["shapes"][len(POSITIONS) // 2] is None
        # The strongest direction makes the box longer: its other sides get shorter in
        # comparison.
        sides = [
            (step or one)["size"][1] / (step or one)["size"][0]
            for step in one["walks"][0]["shapes"]
        ]
        assert sides == sorted(sides, reverse=True) and sides[0] > sides[-1]
        points = base64.b64decode(one["points"])
        assert len(points) == 8 * one["vertices"] > 0


def test_directions_are_those_that_change_most():
    directions = find_directions(growing_box(), np.zeros(6, np.float32), 2)
    np.testing.assert_allclose(directions, np.eye(6)[:2], atol=1e-4)
    generator = build_generator(TINY, 0.1)
    directions = find_directions(generator, np.ones(6, np.float32))
    assert directions.shape == (4, 6) and directions.dtype == np.float32
    np.testing.assert_allclose(directions @ directions.T, np.eye(4), atol=1e-4)


def test_large_shapes_are_compared_coarsely():
    z = keras.Input((2,))
    x = layers.Dense(64**3, "sigmoid")(z)
    generator = keras.Model(z, layers.Reshape((64, 64, 64, 1))(x))
    kernel = np.zeros((2, 64, 64, 64), np.float32)
    kernel[0, :32], kernel[1, 32:34] = 1, 1
    generator.layers[1].set_weights([kernel.reshape(2, -1), np.zeros(64**3)])
    directions = find_directions(generator, np.zeros(2, np.float32), 2)
    np.testing.assert_allclose(directions, np.eye(2), atol=1e-4)


def test_unusable_photos_are_left_out(run, photos, tmp_path, caplog):
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    out = tmp_path / "out"
    mixed = [text, *photos, tmp_path / "none.png"]
    paths = reconstruct(run, photos=mixed, **FAST, out=out)
    assert isinstance(paths, PathsLeftOut)
    assert [path.stem for path in paths[2:]] == ["photo0", "photo1", "photo2"]
    assert "left out: " in caplog.text and "2 of 5 photos were left out" in caplog.text
    with pytest.raises(UserError, match=r"text\.jpg: expected"):
        reconstruct(run, photos=[text], out=out)
    with pytest.raises(UserError, match="none of the 2 photos can be used; the first"):
        reconstruct(run, photos=[text, tmp_path / "none.png"], out=out)


def test_an_empty_shape_is_reported(run, photos, tmp_path, caplog):
    options = {"photos": photos[:1], "threshold": 0.999999999, "out": tmp_path / "out"}
    with caplog.at_level(logging.WARNING):
        paths = reconstruct(run, format="stl", **options)
    assert isinstance(paths, PathsLeftOut) and len(paths) == 2
    assert "photo0: the shape is empty" in caplog.text
    assert "lower --threshold" in caplog.text
    assert "no mesh is written of 1 empty shapes" in caplog.text
    paths = reconstruct(run, format="png", **options)
    assert not isinstance(paths, PathsLeftOut) and paths[2].is_file()
    for format in ("html", "page", "npy"):
        assert reconstruct(run, format=format, **options)[2].is_file()


def test_wrong_options_are_reported(run, photos, tmp_path):
    def expect(message: str, **options) -> None:
        with pytest.raises(UserError, match=message) as caught:
            reconstruct(run, **{"photos": photos[:1], "out": tmp_path / "o"} | options)
        assert "\n" not in str(caught.value)

    mask = saved(np.full((40, 50), 255, np.uint8), tmp_path / "mask.png")
    expect("at least one photo", photos=[])
    expect("one photo with --mask, found 3", photos=photos, mask=mask)
    expect("one photo with --box, found 3", photos=photos, box=(0, 0, 9, 9))
    expect("found both", mask=mask, box=(0, 0, 9, 9))
    expect("--samples must be from 0 to 16, found 17", samples=17)
    expect("--threshold must be above 0 and below 1, found 1", threshold=1.0)
    expect("--threshold must be above 0", threshold=float("nan"))
    expect("at most 8 photos with --format page", photos=photos * 3, format="page")
    assert not (tmp_path / "o").exists()
    with pytest.raises(UserError, match=r"no encoder\.keras"):
        (tmp_path / "empty").mkdir()
        empty = RunDir(tmp_path / "empty", "study_3dvaegan")
        empty.write_config(TINY)
        reconstruct(empty, photos=photos[:1], threshold=0.5)


def test_a_mask_moves_the_cut(run, photos, tmp_path):
    mask = np.zeros((40, 50), np.uint8)
    mask[5:20, 5:30] = 255
    path = saved(mask, tmp_path / "mask.png")

    def latents(**options) -> np.ndarray:
        options = FAST | {"photos": photos[:1], "out": tmp_path / "out"} | options
        return np.load(reconstruct(run, **options)[1])

    masked = latents(mask=path)
    boxed = latents(box=(5, 5, 30, 20))
    whole = latents()
    assert np.array_equal(masked, boxed)
    assert not np.allclose(masked, whole)


def test_no_photo_is_replaced_by_a_result(run, photos, tmp_path):
    before = photos[0].read_bytes()
    with pytest.raises(UserError, match=r"photo0\.png would be replaced .*--out"):
        reconstruct(run, photos=photos[:1], out=photos[0].parent)
    odd = saved(noise(0, 30, 30), tmp_path / "latents.png").rename(
        tmp_path / "latents.npy"
    )
    with pytest.raises(UserError, match=r"latents\.npy would be replaced"):
        reconstruct(run, photos=[odd], out=tmp_path)
    walk = saved(noise(0, 30, 30), tmp_path / "interpolation.png")
    with pytest.raises(UserError, match=r"interpolation\.png would be replaced"):
        generation.interpolate(run, photos=[walk, photos[0]], out=tmp_path)
    sheet = saved(noise(0, 30, 30), tmp_path / "sheet.png")
    with pytest.raises(UserError, match=r"sheet\.png would be replaced"):
        reconstruct(run, photos=[sheet], format="stl", out=tmp_path)
    assert photos[0].read_bytes() == before
    options = {"format": "stl", "samples": 0, "out": photos[0].parent}
    paths = reconstruct(run, photos=photos[:1], **options)
    assert paths[2] == photos[0].with_suffix(".stl")


def test_photos_with_odd_names(run, tmp_path):
    names = ["x" * 200, "Stuhl \N{CHAIR}", "a\x1b[31m\n", "\udcff"]
    photos = [saved(noise(0, 30, 30), tmp_path / f"{name}.png") for name in names]
    paths = reconstruct(run, photos=photos, **FAST, out=tmp_path / "out")
    assert [path.stem for path in paths[2:]] == names
    options = {"photos": photos[3:], "format": "html", "samples": 0}
    assert reconstruct(run, **options, out=tmp_path)[2].is_file()


def test_samples_from_the_prior_use_the_runs_threshold(run, tmp_path):
    low = generation.sample(run, 2)
    paths = generation.generate(run, count=2, format="npy", out=tmp_path / "out")
    assert [path.name for path in paths] == ["sheet.png", "shapes.npy"]
    assert np.array_equal(np.load(paths[1]), low)
    note = (run.path / "threshold.json").read_text()
    try:
        write_note(run.path / "threshold.json", {"threshold": 0.9})
        assert 0 < generation.sample(run, 2).sum() < low.sum()
    finally:
        (run.path / "threshold.json").write_text(note)


def test_the_way_between_two_photos(run, photos, tmp_path):
    paths = generation.interpolate(run, photos=photos[:2], steps=4, out=tmp_path / "o")
    assert [path.name for path in paths] == ["interpolation.png", "interpolation.gif"]
    assert 6 * 160 < read_image(paths[0]).shape[1] < 6 * 170
    assert 2 <= Image.open(paths[1]).n_frames <= 7
    with pytest.raises(UserError, match="--steps"):
        generation.interpolate(run, photos=photos[:2], steps=1)
    with pytest.raises(UserError, match="no such file"):
        generation.interpolate(run, photos=[photos[0], tmp_path / "none.png"])
    with pytest.raises(UserError, match="--threshold"):
        generation.interpolate(run, photos=photos[:2], threshold=0.0)
