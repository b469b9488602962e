"""New images: their shapes, viewpoints and textures, and the files of them."""

import dataclasses
import logging

import numpy as np
import pytest
import trimesh
from PIL import Image
from tiny import STUDY_VON
from von_boxes import box_networks, box_volumes, write_block
from von_runs import write_run

from common.errors import UserError
from common.gan.latents import sample_latents
from common.images.reading import read_image
from common.training.run_dir import RunDir
from study_von import generation, turning
from study_von.generation import choose_views, generate, sample
from study_von.painting import Images, make_images
from study_von.sketch_batches import sketch_maps
from study_von.sketch_pictures import draw_depth, draw_silhouette, draw_volume
from study_von.training import texture_latents
from study_von.viewpoints import frequent, open_pool
from study_von.volumes import clear_fragments, draw_latents, make_volumes


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> RunDir:
    return write_run(tmp_path_factory.mktemp("runs") / "untrained")


@pytest.fixture
def run(untrained, monkeypatch) -> RunDir:
    """Return a run whose networks make boxes."""
    monkeypatch.setattr(generation, "load_networks", box_networks)
    monkeypatch.setattr(turning, "load_networks", box_networks)
    return untrained


def covered(images: np.ndarray) -> np.ndarray:
    """Return where images are not white."""
    return (images < 250).any(axis=-1)


def test_the_networks_of_a_run_make_images(untrained, tmp_path):
    """Untrained shapes are fog in which no ray stops, so a shape is given."""
    path, _ = write_block(tmp_path)
    array = generate(
        untrained, count=2, views=2, shape=path, format="npy", out=tmp_path
    )[1]
    made = np.load(array)
    assert made.shape == (2, 2, 32, 32, 3) and made.dtype == np.uint8
    assert covered(made).mean() > 0.1


def test_an_image_is_the_texture_of_a_shape_from_a_viewpoint():
    latents = np.array([[0, 0, 0], [-2, 3, -3]], np.float32)
    volumes = make_volumes(STUDY_VON, box_networks().shape_generator, latents)
    np.testing.assert_array_equal(volumes, box_volumes(latents))
    views = np.array([0.0, 90.0, 90.0]), np.array([0.0, 0.0, 90.0])
    rows, textures = np.array([0, 1, 1]), 3 * np.eye(3, dtype=np.float32)
    made = make_images(STUDY_VON, box_networks(), volumes, *views, textures, rows)
    assert made.shape == (3, 32, 32, 3) and made.dtype == np.uint8
    sketches = sketch_maps(STUDY_VON, volumes, *views, rows)
    assert sketches.shape == (3, 32, 32, 2)
    np.testing.assert_array_equal(covered(made), sketches[..., 0] > 0.5)
    # 0.9 tanh(3) = 0.896.
    np.testing.assert_allclose(made[0, 16, 16], [242, 128, 128], atol=1)
    np.testing.assert_allclose(made[2, 16, 16], [128, 128, 242], atol=1)
    # Edges of 12, 22 and 10 voxels: from its side wider than high, from above, too.
    width, height = (covered(made[1]).any(axis=axis).sum() for axis in (0, 1))
    assert height / width == pytest.approx(10 / 12, abs=0.15)
    width, height = (covered(made[2]).any(axis=axis).sum() for axis in (0, 1))
    assert height / width == pytest.approx(22 / 12, abs=0.2)


def test_samples_have_the_viewpoints_of_the_pool(run, monkeypatch):
    asked = []
    monkeypatch.setattr(
        generation,
        "paint_shapes",
        lambda *given: asked.append(given) or Images(given[3]),
    )
    azimuths = sample(run, 5, seed=3)
    pool = open_pool(STUDY_VON)
    assert np.isin(azimuths, pool.azimuths).all() and len(set(azimuths)) == 5
    _, _, latents, _, _, textures = asked[0]
    np.testing.assert_array_equal(textures, texture_latents(STUDY_VON, 5, 3))
    drawn = draw_latents(STUDY_VON, box_networks().shape_generator, 5, 3)
    np.testing.assert_array_equal(latents, drawn)


def test_the_same_seed_gives_the_same_images(run):
    one, again, other = sample(run, 3), sample(run, 3), sample(run, 3, seed=2)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.shape == (3, 32, 32, 3) and one.dtype == np.uint8


def test_empty_shapes_are_drawn_again(caplog):
    """Shapes whose first number is above 1.9 are empty."""
    config = dataclasses.replace(STUDY_VON, latent_dim=3)
    boxes = box_networks().shape_generator
    first = sample_latents(config, 64, 5)
    empty = first[:, 0] > 1.9
    assert 0 < empty.sum() < 10
    latents = draw_latents(config, boxes, 64, 5)
    assert (latents[:, 0] <= 1.9).all()
    np.testing.assert_array_equal(latents[~empty], first[~empty])
    # Fewer latents are the first ones of these.
    few = int(empty.argmax()) + 1
    fewer = draw_latents(config, boxes, few, 5)
    np.testing.assert_array_equal(fewer, latents[:few])

    def never(z: np.ndarray, training: bool) -> np.ndarray:
        return np.zeros((len(z), 32, 32, 32, 1), np.float32)

    with caplog.at_level(logging.WARNING):
        draw_latents(config, never, 3, 5)
    assert "3 of 3 shapes are empty" in caplog.text


def test_files_of_all_images_and_a_sheet(run, tmp_path):
    paths = generate(run, count=2, views=3, out=tmp_path / "png")
    assert sorted(tmp_path.joinpath("png").iterdir()) == sorted(paths)
    assert len(paths) == 7 and paths[-1].name == "object_001_view_02.png"
    _, array = generate(run, count=2, views=3, format="npy", out=tmp_path / "npy")
    made = np.load(array)
    # Images are enlarged to four times their size.
    np.testing.assert_array_equal(read_image(paths[-1])[::4, ::4], made[1, 2])
    picture = read_image(paths[0])
    # Six tiles of 128 pixels with gaps of 3: shape, silhouette, depth, three views.
    assert picture.shape[1] == 6 * 131 + 3
    np.testing.assert_array_equal(picture[-131:-3:4, -131:-3:4], made[1, 2])
    plain = generate(run, count=2, views=3, show_sketches=False, out=tmp_path)[0]
    assert read_image(plain).shape[1] < picture.shape[1]


def test_a_coloured_surface_of_each_object(run, tmp_path):
    paths = generate(run, count=2, views=1, format="ply", out=tmp_path)
    assert len(paths) == 3 and sorted(tmp_path.iterdir()) == sorted(paths)
    mesh = trimesh.load_mesh(paths[1], process=False)
    colours = mesh.visual.vertex_colors[:, :3].astype(int)
    expected = 0.9 * np.tanh(texture_latents(STUDY_VON, 2, 1)[0, :3])
    np.testing.assert_allclose(colours.mean(axis=0), 127.5 * (expected + 1), atol=3)


def test_viewpoints_are_the_most_frequent_or_random():
    pool = open_pool(STUDY_VON)
    azimuths, elevations = choose_views(STUDY_VON, 4, False, 1)
    assert list(zip(azimuths, elevations, strict=True)) == frequent(pool, 4)
    drawn, _ = choose_views(STUDY_VON, 4, True, 1)
    other, _ = choose_views(STUDY_VON, 4, True, 2)
    assert np.isin(drawn, pool.azimuths).all() and not np.array_equal(drawn, other)


def test_a_given_shape_is_used_by_all_objects(run, tmp_path):
    path, voxels = write_block(tmp_path)
    _, array = generate(run, count=3, views=2, shape=path, format="npy", out=tmp_path)
    made = np.load(array)
    views = choose_views(STUDY_VON, 2, False, 1)
    volumes = np.stack([voxels, voxels])[..., None]
    sketches = sketch_maps(STUDY_VON, volumes, *views)
    expected = np.broadcast_to(sketches[..., 0] > 0.5, made.shape[:-1])
    np.testing.assert_array_equal(covered(made), expected)
    assert len({image.tobytes() for image in made[:, 0]}) == 3


def test_wrong_options_and_shapes_are_reported(run, tmp_path):
    np.save(tmp_path / "empty.npy", np.zeros((32, 32, 32), bool))
    for options, message in [
        ({"count": 0}, "--count must be from 1 to 1000, found 0"),
        ({"views": 99}, "--views must be from 1 to 36, found 99"),
        ({"seed": -1}, "--seed must be a whole number from 0, found -1"),
        ({"shape": tmp_path / "nowhere.obj"}, "nowhere.obj: no such file"),
        ({"shape": tmp_path / "empty.npy"}, "empty.npy is empty"),
    ]:
        with pytest.raises(UserError, match=message):
            generate(run, out=tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()
    with pytest.raises(UserError, match="--elevation must be from 0 to 90, found 91"):
        turning.turntable(run, elevation=91.0, out=tmp_path / "new")
    with pytest.raises(UserError, match="--count must be from 1 to 100000"):
        sample(run, 0)


def test_a_run_without_textures_is_reported(tmp_path):
    run = RunDir(tmp_path)
    run.write_config(STUDY_VON)
    with pytest.raises(UserError, match="no texture network"):
        generate(run)


def test_near_parts_are_light_and_the_background_is_black():
    maps = np.zeros((32, 32, 2), np.float32)
    maps[..., 1] = -1
    maps[8:24, 8:24, 0] = 1
    maps[8:24, 8:16, 1], maps[8:24, 16:24, 1] = 0.3, 0.1
    depth, silhouette = draw_depth(maps, 32), draw_silhouette(maps, 32)
    assert depth[0, 0, 0] == 0 and depth[12, 10, 0] == 255
    assert 50 < depth[12, 20, 0] < 80
    np.testing.assert_array_equal(silhouette[..., 0], 255 * maps[..., 0])
    assert (draw_depth(0 * maps, 32) == 0).all()


def test_the_picture_of_a_volume_is_from_the_same_side_as_its_sketch():
    """A post on a corner of a floor is left or right of the middle."""
    volume = np.zeros((1, 32, 32, 32, 1), np.float32)
    volume[:, 4:28, 4:28, 6:9] = 1
    volume[:, 4:8, 4:8, 6:26] = 1
    for azimuth in (0.0, 70.0, -70.0):
        angles = np.array([azimuth]), np.array([25.0])
        seen = sketch_maps(STUDY_VON, volume, *angles)[0, ..., 0] > 0.5
        picture = draw_volume(STUDY_VON, volume[0], azimuth, 25.0, 96)
        blue = picture[..., 2].astype(int) - picture[..., 0] > 40
        sides = [
            mask[: len(mask) // 2].nonzero()[1].mean() / len(mask)
            for mask in (seen, blue)
        ]
        assert abs(sides[0] - 0.5) > 0.05
        assert (sides[0] > 0.5) == (sides[1] > 0.5)


def test_objects_turn_below_their_depths(run, tmp_path):
    picture, animation = turning.turntable(run, count=2, frames=4, out=tmp_path)
    # Four views of two objects, 128 pixels high; 17 pixels of labels.
    assert read_image(picture).shape == (2 * 131 + 23, 4 * 131 + 3, 3)
    with Image.open(animation) as frames:
        assert frames.n_frames == 4
        frame = np.asarray(frames.convert("RGB"))
    depth, image = frame[-262:-134, -131:-3], frame[-131:-3, -131:-3]
    assert (depth.max(axis=-1) - depth.min(axis=-1)).max() < 30  # grey
    assert depth[0, 0, 0] < 20 and image[0, 0].min() > 235


def test_loose_fragments_are_cleared():
    """The body keeps every value, a far cube disappears with its soft surroundings."""
    volume = np.zeros((32, 32, 32), np.float16)
    volume[4:16, 4:16, 4:16] = 0.9
    body = volume.copy()
    volume[23:28, 23:28, 23:28] = 0.2
    volume[24:27, 24:27, 24:27] = 0.9
    clear_fragments(volume, 0.5)
    np.testing.assert_array_equal(volume, body)
