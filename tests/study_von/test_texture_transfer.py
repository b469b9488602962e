"""The texture of photos on other shapes."""

import logging

import numpy as np
import pytest
from PIL import Image
from von_runs import write_run

from common.errors import PathsLeftOut, UserError
from study_von.texture_transfer import transfer
from study_von.training import Networks

RED, BLUE = (255, 0, 0), (0, 0, 255)


class MeanColour:
    """An encoder whose latent is a photo's mean colour, in [-1, 1]."""

    def __call__(self, images, training):
        means = np.asarray(images).mean(axis=(1, 2))
        return means, np.zeros_like(means)


def paint_latents(inputs, training):
    """Return images of objects in the colour of the latent, on white."""
    sketches, latents = (np.asarray(value) for value in inputs)
    silhouettes = sketches[..., :1]
    return silhouettes * latents[:, None, None] + 1 - silhouettes


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def stubs(monkeypatch):
    """Let the networks keep colours, and the shapes be boxes."""
    box = np.zeros((32, 32, 32, 1), np.float16)
    box[8:24, 8:24, 8:24] = 1
    networks = Networks(None, paint_latents, MeanColour(), "texture")
    monkeypatch.setattr(
        "study_von.texture_transfer.load_networks", lambda run: networks
    )
    monkeypatch.setattr(
        "study_von.texture_transfer.draw_volumes",
        lambda config, networks, count, *others: np.stack([box] * count),
    )


def write_square(path, colour, alpha=True):
    """Write a square of 20 pixels: transparent around it, or on green."""
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[...] = (0, 255, 0, 0 if alpha else 255)
    picture[10:30, 5:25] = (*colour, 255)
    picture = picture if alpha else picture[..., :3]
    Image.fromarray(picture).save(path)
    return path


def test_the_colours_of_each_photo_come_to_all_shapes(run, stubs, tmp_path):
    photos = [write_square(tmp_path / "red.png", RED)]
    # A mask beside the photo says that the green is not of the object.
    photos.append(write_square(tmp_path / "blue.png", BLUE, alpha=False))
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 5:25] = 255
    Image.fromarray(mask).save(tmp_path / "blue_mask.png")
    paths = transfer(run, photos=photos, count=2, views=3)
    assert not isinstance(paths, PathsLeftOut)
    numbers = [f"{shape:02d}_{view:02d}" for shape in range(2) for view in range(3)]
    names = [f"{name}_{number}.png" for name in ("red", "blue") for number in numbers]
    assert [path.name for path in paths] == ["sheet.png", *names]
    assert {path.parent for path in paths} == {run.path / "transferred"}
    for path in paths[1:]:
        picture = np.asarray(Image.open(path)).astype(int)
        assert picture.shape == (32, 32, 3)
        middle = picture[16, 16]
        strong, weak = (0, 2) if path.name.startswith("red") else (2, 0)
        # The photos have white margins of 3 %, whose mean is a part of the latent.
        assert middle[strong] > 250 and middle[weak] < 40 and middle[1] < 40
    sheet = np.asarray(Image.open(paths[0]))
    # Two rows of the photo and six images, at least 128 pixels each.
    assert sheet.shape[0] > 2 * 128 and sheet.shape[1] > 7 * 128


def test_a_shape_from_a_file_is_the_only_one(run, stubs, tmp_path):
    photo = write_square(tmp_path / "red.png", RED)
    shape = tmp_path / "box.npy"
    np.save(shape, np.ones((8, 8, 8), bool))
    out = tmp_path / "out"
    paths = transfer(run, photos=[photo], shape=shape, views=2, out=out)
    names = ["sheet.png", "red_00_00.png", "red_00_01.png"]
    assert [path.name for path in paths] == names
    assert sorted(path.name for path in out.iterdir()) == sorted(names)


def test_photos_that_cannot_be_used_are_left_out(run, stubs, tmp_path, caplog):
    good = write_square(tmp_path / "good.png", RED)
    opaque = write_square(tmp_path / "opaque.png", RED, alpha=False)
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(good.read_bytes()[:60])
    with caplog.at_level(logging.WARNING):
        paths = transfer(run, photos=[opaque, damaged, good], count=1, views=1)
    assert isinstance(paths, PathsLeftOut)
    assert [path.name for path in paths] == ["sheet.png", "good_00_00.png"]
    for name in ("opaque.png", "damaged.png", "2 of 3 photos"):
        assert name in caplog.text
    with pytest.raises(UserError, match="none of the 2 photos can be used"):
        transfer(run, photos=[opaque, damaged])
    with pytest.raises(UserError, match="transparent surroundings or a mask"):
        transfer(run, photos=[opaque])


def test_masks_of_one_photo(run, stubs, tmp_path):
    photo = write_square(tmp_path / "photo.png", RED, alpha=False)
    empty, small = tmp_path / "empty.png", tmp_path / "small.png"
    Image.new("L", (40, 40)).save(empty)
    Image.new("L", (20, 20), 255).save(small)
    for mask in (empty, small, tmp_path / "missing.png"):
        with pytest.raises(UserError, match=mask.name):
            transfer(run, photos=[photo], mask=mask)
    with pytest.raises(UserError, match="one photo with --mask"):
        transfer(run, photos=[photo, photo], mask=empty)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"photos": []}, "at least one photo"),
        ({"count": 0}, "--count must be from 1"),
        ({"views": 0}, "--views must be from 1"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_wrong_options_are_errors(run, tmp_path, options, message):
    photo = write_square(tmp_path / "red.png", RED)
    with pytest.raises(UserError, match=message):
        transfer(run, **({"photos": [photo]} | options))


def test_photos_are_never_replaced(run, stubs, tmp_path):
    photo = write_square(tmp_path / "sheet.png", RED)
    with pytest.raises(UserError, match="would be replaced"):
        transfer(run, photos=[photo], out=tmp_path)
