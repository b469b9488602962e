"""smallNORB: training as a run, its files, and how its progress is drawn."""

import dataclasses
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from norb_files import write_tiny_norb
from norb_models import SMALLER

from common.data.splits import validation_rows
from common.errors import UserError
from common.images.pixels import to_bytes, to_floats
from common.images.writing import load_image, save_image
from common.training.curves import read_rows
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_norb import published_networks, training
from study_norb.conditions import encode_toys, label_size
from study_norb.config import Config
from study_norb.data import Toys, load_split

# Thirty toys in batches of eight: the fourth batch continues into the second epoch.
RUNS = {
    "dcgan": {"labels": "pose", "condition": "auxiliary", "cameras": "stereo"},
    "capsgan": {"model": "capsgan", "labels": "class"},
    "aegan": {"model": "aegan"},
    # Its layers of noise have random numbers of their own. Without an average, the
    # trained networks themselves are saved.
    "lazarous": {
        "model": "aegan",
        "variant": "published",
        "batch_size": 2,
        "steps": 2,
        "checkpoint_every": 1,
        "sample_every": 2,
        "average": 0.0,
    },
}
every_run = pytest.mark.parametrize(
    "name",
    [
        # Lazarou's networks take long to trace, even the smaller ones.
        pytest.param(name, marks=pytest.mark.slow) if name == "lazarous" else name
        for name in RUNS
    ],
)


class Trained(keras.callbacks.Callback):
    """Keeps the model that was trained."""

    def on_train_end(self, logs=None):
        self.seen = self.model


@pytest.fixture(scope="module", autouse=True)
def smaller():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALLER.items():
            patch.setattr(published_networks, name, value)
        yield


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tiny_norb(tmp_path_factory.mktemp("data") / "tiny", per_class=6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tree):
    """Return a function: name -> run without interruption, and its model."""
    done = {}

    def get(name: str):
        if name not in done:
            folder = tmp_path_factory.mktemp("runs") / name
            callback = Trained()
            config = config_of(tree, **RUNS[name])
            run = training.train(config, RunDir(folder), [callback])
            done[name] = run, callback.seen
        return done[name]

    return get


def config_of(data, **changes) -> Config:
    return dataclasses.replace(tiny.STUDY_NORB, data=data, **changes)


def results_of(run: RunDir) -> dict[str, keras.Model]:
    paths = run.path.glob("*.keras")
    return {path.stem: load_network(path) for path in sorted(paths)}


def make_toys(count: int = 12) -> Toys:
    """Return toys whose grey value is their number."""
    images = np.broadcast_to(
        np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 48, 48, 1)
    )
    rng = np.random.default_rng(0)
    return Toys(
        images,
        rng.integers(0, 5, count).astype(np.int32),
        np.zeros(count, np.int32),
        rng.uniform(0, 360, count).astype(np.float32),
        rng.uniform(30, 70, count).astype(np.float32),
        rng.integers(0, 6, count).astype(np.int32),
        ("animal", "human", "airplane", "truck", "car"),
    )


# --- runs


@every_run
def test_a_run_writes_its_networks_and_pictures(name, whole):
    run, _ = whole(name)
    networks = results_of(run)
    aegan = "model" in RUNS[name] and RUNS[name]["model"] == "aegan"
    expected = {"generator", "discriminator"} | ({"encoder"} if aegan else set())
    assert set(networks) == expected
    config = run.read_config()
    assert config.model == RUNS[name].get("model", "dcgan")
    z = np.zeros((2, config.latent_dim), np.float32)
    label = np.zeros((2, label_size(config)), np.float32)
    given = z if config.labels == "none" else [z, label]
    images = networks["generator"](given)
    assert images.shape == (2, 48, 48, config.channels)
    assert np.isfinite(tf.nest.flatten(networks["discriminator"](images))[0]).all()
    if aegan:
        assert training.load_encoder(run)(images).shape == z.shape
    for path in (run.reals, run.newest_samples(), run.gif, run.curves):
        assert path.stat().st_size > 0
    rows = read_rows(run.metrics_csv)
    assert [row["step"] for row in rows] == list(range(1, config.steps + 1))
    assert all(np.isfinite(list(row.values())).all() for row in rows)


@pytest.mark.parametrize(
    "name",
    # Lazarou's networks play the same game as the light ones.
    [
        "dcgan",
        "capsgan",
        pytest.param("aegan", marks=pytest.mark.slow),
        pytest.param("lazarous", marks=pytest.mark.slow),
    ],
)
def test_a_resumed_run_ends_like_an_uninterrupted_one(name, whole, tree, tmp_path):
    """It starts from the checkpoint in the middle, with the same files after that."""
    run, _ = whole(name)
    shutil.copytree(run.path, tmp_path / "parts")
    parts = RunDir(tmp_path / "parts")
    for path in [*parts.path.glob("*.keras"), max(parts.checkpoints.glob("*.npz"))]:
        path.unlink()
    assert len(list(parts.checkpoints.glob("*.npz"))) == 1
    # Other initial weights and other noise than in the first run.
    keras.utils.set_random_seed(99)
    training.train(config_of(tree, **RUNS[name]), parts)
    found, expected = results_of(parts), results_of(run)
    assert list(found) == list(expected)
    for key, network in expected.items():
        for a, b in zip(network.weights, found[key].weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
    # Optimizers, averages and the states of the noise.
    states = [np.load(max(r.checkpoints.glob("*.npz"))) for r in (run, parts)]
    assert states[0].files == states[1].files
    for key in states[0].files:
        np.testing.assert_array_equal(*(state[key] for state in states), err_msg=key)
    without_time = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in read_rows(path)]
        for path in (run.metrics_csv, parts.metrics_csv)
    ]
    assert without_time[0] == without_time[1]


@pytest.mark.parametrize("name", ["dcgan", "capsgan", "aegan"])
def test_the_averaged_weights_are_saved(name, whole):
    run, model = whole(name)
    networks = results_of(run)
    for key in {"generator", "encoder"} & set(networks):
        average, newest = (
            m.get_layer(key) if name == "aegan" else m
            for m in (model.average_generator, model.generator)
        )
        saved = [v.numpy() for v in networks[key].variables]
        for value, mean in zip(saved, average.variables, strict=True):
            np.testing.assert_array_equal(value, mean)
        # The newest weights are others.
        assert not any(
            np.array_equal(value, new)
            for value, new in zip(saved, newest.trainable_variables, strict=False)
        )


def test_a_run_of_another_model_has_no_encoder(whole):
    with pytest.raises(UserError, match="no encoder.keras"):
        training.load_encoder(whole("dcgan")[0])


def test_there_are_no_files_of_networks_that_no_term_needs(tree, tmp_path, monkeypatch):
    found = {}

    def fit_run(model, data, gallery, config, run, callbacks, results):
        found[config.terms] = {path.stem: net.name for path, net in results.items()}

    monkeypatch.setattr(training, "fit_run", fit_run)
    for terms in ("ae", "egan", "gan"):
        config = config_of(tree, model="aegan", terms=terms)
        training.train(config, RunDir(tmp_path / terms))
    assert found["ae"] == {"generator": "generator", "encoder": "encoder"}
    assert found["egan"] == found["ae"] | {"discriminator": "discriminator"}
    assert set(found["gan"]) == {"generator", "discriminator"}


def test_validation_items_are_left_out_of_training(tree, tmp_path, monkeypatch):
    passed = {}

    def fit_run(model, data, gallery, config, *rest):
        passed[config.validation_every] = data

    monkeypatch.setattr(training, "fit_run", fit_run)
    for every in (None, 5):
        config = config_of(tree, validation_every=every)
        training.train(config, RunDir(tmp_path / str(every)))
    assert (passed[None].count, passed[5].count) == (30, 24)
    everything, kept = (data.fetch(np.arange(data.count)) for data in passed.values())
    same = (everything[:, None] == kept[None]).all(axis=(2, 3, 4))
    assert same.any(axis=0).all() and same.any(axis=1).sum() == 24


def test_all_classes_are_validated(tree):
    """The classes take turns: in the order of the files, every fifth is a car."""
    config = config_of(tree, labels="class", validation_every=5)
    data = training.make_data(config, load_split(config, "train"))
    _, labels = data.fetch(validation_rows(data.count, 5))
    assert (labels.sum(axis=0) > 0).sum() >= 3


# --- data


def test_images_are_in_the_range_of_tanh():
    toys = make_toys(2)
    images = np.stack([np.full((48, 48, 1), grey, np.uint8) for grey in (0, 255)])
    toys = dataclasses.replace(toys, images=images)
    data = training.make_data(tiny.STUDY_NORB, toys)
    found = data.fetch(np.array([0, 1]))
    assert found.dtype == np.float32 and found.shape == (2, 48, 48, 1)
    np.testing.assert_allclose(found[:, 0, 0, 0], [-1, 1])


def test_labels_belong_to_their_images():
    """In any order, with repetitions: the grey value of a toy is its number."""
    config = dataclasses.replace(tiny.STUDY_NORB, labels="pose")
    toys = make_toys()
    data = training.make_data(config, toys).without(3)
    rows = np.array([5, 0, 7, 0, 3])
    images, labels = data.fetch(rows)
    numbers = to_bytes(images)[:, 0, 0, 0]
    assert len(set(numbers)) == 4
    np.testing.assert_array_equal(labels, encode_toys(config, toys)[numbers])


def test_labels_are_filtered_with_the_images(tree):
    """The seed filters the images of a class but not their labels."""
    config = config_of(tree, labels="class", classes=("truck", "car"))
    data = training.make_data(config, load_split(config, "train"))
    images, labels = data.fetch(np.arange(data.count))
    assert labels.shape == (12, 2) and labels.sum() == 12
    everything = load_split(config_of(tree), "train")
    for image, label in zip(to_bytes(images), labels, strict=True):
        (place,) = np.flatnonzero((everything.images == image).all(axis=(1, 2, 3)))
        name = everything.class_names[everything.classes[place]]
        assert name == config.classes[label.argmax()]


# --- pictures


def test_minus_1_is_drawn_black_and_1_white():
    """The seed shifts images to [0, 1], then by 127.5: they are grey to white."""
    images = np.stack([np.full((48, 48, 1), v, np.float32) for v in (-1.0, 0.0, 1.0)])
    drawn = training.draw_images(images)
    middle = drawn[drawn.shape[0] // 2]
    step = drawn.shape[1] // training.COLUMNS
    values = [int(middle[number * step + step // 2, 0]) for number in range(3)]
    assert values == [0, 128, 255]


def test_real_images_are_drawn_as_they_are_stored(whole, tree):
    """The picture has the range of the data, and the first tile the first toy."""
    run, _ = whole("capsgan")
    drawn = load_image(run.reals)
    first = load_split(run.read_config(), "train").images[0, ..., 0]
    gap = (drawn.shape[1] - 10 * 96) // 11
    tile = drawn[gap : gap + 96 : 2, gap : gap + 96 : 2, 0]
    np.testing.assert_array_equal(tile, first)
    assert drawn[..., 0].min() < 90


def test_of_a_stereo_pair_the_left_image_is_drawn():
    rng = np.random.default_rng(0)
    pairs = rng.uniform(-1, 1, (3, 48, 48, 2)).astype(np.float32)
    np.testing.assert_array_equal(
        training.draw_images(pairs), training.draw_images(pairs[..., :1])
    )


def test_reconstructions_are_drawn_below_their_images():
    """Two rows of samples, then real images, each above its reconstruction."""
    count = training.GALLERY_IMAGES
    real = np.full((count, 48, 48, 1), 0.5, np.float32)
    real *= np.linspace(0.2, 1, count)[:, None, None, None]
    samples, again = -np.ones_like(real), real - 0.3
    draw = training.draw_both(real)
    picture = draw(np.concatenate([samples, again], axis=1))
    flat = training.draw_images(real)
    np.testing.assert_array_equal(draw(real), flat)
    step = flat.shape[1] // training.COLUMNS
    rows = picture.shape[0] // step
    centres = [
        [int(picture[r * step + step // 2, c * step + step // 2, 0]) for c in range(10)]
        for r in range(rows)
    ]
    grey = to_bytes(np.stack([real, again]))[:, :, 0, 0, 0].tolist()
    expected = [[0] * 10, [0] * 10]
    for start in (0, 10):
        expected += [grey[0][start : start + 10], grey[1][start : start + 10]]
    assert centres[:6] == expected


# --- galleries


def test_galleries_show_what_the_model_makes(tree):
    for changes in ({}, {"labels": "pose"}, {"model": "aegan"}, {"model": "capsgan"}):
        config = config_of(tree, **changes)
        data = training.make_data(config, load_split(config, "train"))
        gallery = training.make_gallery(config, data)
        inputs = tf.nest.flatten(gallery.latents)
        assert {len(values) for values in inputs} == {training.GALLERY_IMAGES}
        rows = np.linspace(0, 29, training.GALLERY_IMAGES).astype(int)
        if "labels" in changes:
            toys = load_split(config, "train")
            np.testing.assert_array_equal(inputs[1], encode_toys(config, toys)[rows])
        if changes.get("model") == "aegan":
            images = to_floats(load_split(config, "train").images)
            np.testing.assert_array_equal(inputs[1], images[rows])
        # Only the plain game has known losses at its equilibrium.
        assert (gallery.equilibrium is None) == bool(changes)


def test_labels_need_names_of_other_classes(tmp_path):
    """Labels have a place for each of smallNORB's classes unless others are named."""
    folder = tmp_path / "coil"
    folder.mkdir()
    for number in (1, 3):
        for angle in range(0, 70, 10):
            picture = np.full((16, 16), 100 * number // 2, np.uint8)
            save_image(picture, folder / f"obj{number}__{angle}.png")
    config = dataclasses.replace(
        tiny.STUDY_NORB, data=folder, labels="class", batch_size=2
    )
    with pytest.raises(UserError, match="has 2 classes.*--classes obj1 obj3"):
        training.train(config, RunDir(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
