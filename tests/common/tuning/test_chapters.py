"""The search spaces and objectives that the chapters give to `tune`."""

import dataclasses
import functools
import importlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tiny
from hyperopt.pyll.stochastic import sample
from norb_files import write_tiny_norb
from shapes import write_boxes
from von_runs import write_photos

from common.config import from_json
from common.data.splits import validation_rows
from common.errors import UserError
from common.features import extractors, local_classifier
from common.images.pixels import to_floats
from common.tuning.space import Space
from synthetic_data.age_faces.write import write_wiki
from synthetic_data.anime_faces.write import write_faces
from synthetic_data.digits.glyphs import write_glyphs
from synthetic_data.scenes.write import write_scenes

ROOT = Path(__file__).resolve().parents[3]
CHAPTERS = (
    "chapter01_gan",
    "chapter02_3dgan",
    "chapter03_agecgan",
    "chapter04_dcgan",
    "chapter05_srgan",
    "study_3dvaegan",
    "study_norb",
    "study_von",
)
# Those whose items are made from latents alone.
FROM_LATENTS = (*CHAPTERS[:4], "study_norb")
every_chapter = pytest.mark.parametrize("name", CHAPTERS)


def load(name: str, part: str):
    return importlib.import_module(f"{name}.{part}")


def values_of(name: str, chosen: dict) -> dict:
    """Return all options of a trial as JSON holds them."""
    tuning = load(name, "tuning").TUNING
    quick = dataclasses.asdict(load(name, "config").PRESETS["quick"])
    return quick | dict(tuning.fixed) | chosen | {"validation_every": 10}


# --- spaces


@every_chapter
def test_the_preset_lies_in_the_space(name):
    config = load(name, "config")
    space = Space(load(name, "tuning").SPACE, config.Config)
    assert 7 <= len(space.root) <= 12
    quick = json.loads(json.dumps(dataclasses.asdict(config.PRESETS["quick"])))
    draws = space.draws(quick)
    assert draws is not None
    found = space.values(draws)
    assert found == {field: quick[field] for field in found}


@every_chapter
def test_all_draws_are_valid_configurations(name):
    """In addition, each dimension has more than one value."""
    config = load(name, "config")
    space = Space(load(name, "tuning").SPACE, config.Config)
    rng = np.random.default_rng(0)
    seen: dict[str, set] = {}
    fields: set[str] = set()
    for _ in range(50):
        draws = space.flat(sample(space.expression(), rng=rng))
        chosen = space.values(draws)
        text = json.dumps(values_of(name, chosen))
        from_json(config.Config, text, "the draw").validate()
        fields |= set(chosen)
        for label, draw in draws.items():
            seen.setdefault(label, set()).update(draw)
    assert fields == set(space.fields)
    assert all(len(draws) > 1 for draws in seen.values())


def test_the_space_has_all_options_that_the_book_lists():
    """3D-GAN: batch size, rates, activations, optimizer, loss, layers of both."""
    space = load("chapter02_3dgan", "tuning").SPACE
    assert space["batch_size"]["choice"] == [8, 16, 32, 54, 128]
    for field in ("g_activation", "d_activation"):
        kinds = {"sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu"}
        assert kinds <= set(space[field]["choice"])
    kinds = {one["optimizer"] for one in space["optimizer"]["choice"]}
    assert kinds == {"adam", "sgd", "adadelta", "rmsprop"}
    assert all("g_learning_rate" in one for one in space["optimizer"]["choice"])


@every_chapter
def test_help_needs_no_tensorflow(name):
    """Importing the commands imports spaces and objectives, but not TensorFlow."""
    code = (
        f"import sys, {name}.commands as c; assert c.CHAPTER.tuning.space\n"
        "assert not {'tensorflow', 'keras', 'hyperopt'} & set(sys.modules)"
    )
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    assert time.monotonic() - start < 5


# --- objectives


class Replay:
    """Stands for a generator; its samples are given items, repeated in a cycle."""

    def __init__(self, items: np.ndarray):
        self.items = items
        self.place = 0

    def __call__(self, inputs, training: bool = False) -> np.ndarray:
        count = len(keras.tree.flatten(inputs)[0])
        rows = np.arange(self.place, self.place + count) % len(self.items)
        self.place += count
        return self.items[rows]


@dataclasses.dataclass
class Bench:
    """A chapter's objective on little data.

    Attributes:
        make: function that returns a new objective.
        validation: validation items, as a generator returns them.
        others: the other training items.
        untrained: an untrained generator.
        loss: name of the metric that `tune` minimises.
    """

    make: Callable
    validation: np.ndarray
    others: np.ndarray
    untrained: keras.Model
    loss: str


def write_data(name: str, folder: Path) -> tuple[Path, dict]:
    """Write a small data set; return its path and options that fit it."""
    if name == "chapter01_gan":
        write_glyphs(folder, train=300, test=20)
        return folder, {}
    if name == "chapter02_3dgan":
        small = {"classes": ("box",), "width": 0.05, "validation_every": 4}
        return write_boxes(folder), small
    if name == "chapter03_agecgan":
        write_wiki(folder, people=20, photos=6, seed=0, size=32)
        return folder, {"size": 32, "filters": 4}
    if name == "study_norb":
        return write_tiny_norb(folder, per_class=40), {"filters": 4}
    write_faces(folder, train=200, test=20, seed=0, size=32)
    return folder, {"size": 32, "filters": 4}


def items_of(name: str, config) -> np.ndarray:
    """Return a chapter's training items as its generator would."""
    data = load(name, "data")
    if name == "chapter02_3dgan":
        store = data.load_split(config, "train")
        return store.voxels(np.arange(len(store)))[..., None].astype(np.float32)
    if name == "chapter03_agecgan":
        return to_floats(data.load_split(config, "train").images)
    images = data.load_split(config, "train")
    if name == "study_norb":
        order = data.validation_order(len(images))
        return to_floats(images.images[order])
    return to_floats(images[0] if name == "chapter01_gan" else images.images)


@pytest.fixture(scope="module")
def configure(tmp_path_factory) -> Callable:
    """Return a function from a chapter's name to its preset with little data."""

    @functools.cache
    def make(name: str):
        folder, changes = write_data(name, tmp_path_factory.mktemp(name) / "data")
        changes = {"data": folder, "validation_every": 10} | changes
        return dataclasses.replace(load(name, "config").PRESETS["quick"], **changes)

    return make


@pytest.fixture(scope="module", params=FROM_LATENTS)
def bench(request, configure):
    """The objective of each chapter that makes items from latents."""
    name = request.param
    config = configure(name)
    items = items_of(name, config)
    held = validation_rows(len(items), config.validation_every)
    keras.utils.set_random_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        # Enough steps to distinguish images from noise.
        short = functools.partial(extractors.local, steps=30)
        patch.setattr(extractors, "local", short)
        patch.setattr(local_classifier, "BATCH_SIZE", 32)
        for chapter, part in (
            ("chapter03_agecgan", "evaluators"),
            ("chapter04_dcgan", "evaluation"),
            ("study_norb", "evaluation"),
        ):
            patch.setattr(load(chapter, part), "STEPS", 30)
        tuning_module = load(name, "tuning")
        yield Bench(
            lambda: tuning_module.make_objective(config),
            items[held],
            np.delete(items, held, axis=0),
            load(name, "networks").build_generator(config),
            load(name, "tuning").TUNING.loss,
        )


def test_the_objective_compares_with_the_validation_items(bench):
    """Copies of them have the lowest loss, then other items, then noise."""
    objective = bench.make()
    own = objective(Replay(bench.validation))[bench.loss]
    others = objective(Replay(bench.others))[bench.loss]
    untrained = objective(bench.untrained)[bench.loss]
    assert own < 0.05 * untrained
    assert own < others < 0.7 * untrained


def test_a_network_always_gets_the_same_metrics(bench):
    objective = bench.make()
    first = objective(bench.untrained)
    assert objective(bench.untrained) == first == bench.make()(bench.untrained)
    assert all(math.isfinite(value) for value in first.values())


def test_all_metrics_are_nan_if_a_sample_is_nan(bench):
    broken = bench.validation.copy()
    broken[-1, 0, 0] = np.nan
    objective = bench.make()
    metrics = objective(Replay(broken))
    assert all(math.isnan(value) for value in metrics.values())
    assert bench.loss in metrics and set(metrics) == set(objective(bench.untrained))


def test_wrong_ages_are_worse(configure, monkeypatch):
    name = "chapter03_agecgan"
    config = dataclasses.replace(configure(name), validation_every=3)
    monkeypatch.setattr(load(name, "evaluators"), "STEPS", 30)
    monkeypatch.setattr(local_classifier, "BATCH_SIZE", 32)
    objective = load(name, "tuning").make_objective(config)
    items = items_of(name, config)
    photos = items[validation_rows(len(items), 3)]
    right, wrong = (
        objective(Replay(photos)),
        objective(Replay(np.roll(photos, 1, axis=0))),
    )
    assert wrong["fid"] == pytest.approx(right["fid"], abs=0.01)
    assert wrong["fjd"] > right["fjd"] + 1
    assert wrong["age_accuracy"] < right["age_accuracy"]


def test_super_resolution_is_scored_on_validation_images(tmp_path):
    name = "chapter05_srgan"
    write_scenes(tmp_path / "data", train=6, test=2, seed=0, size=300)
    config = load(name, "config").Config(data=tmp_path / "data", validation_every=3)
    objective = load(name, "tuning").make_objective(config)

    def enlarged(kind: str) -> dict[str, float]:
        images = keras.Input((None, None, 3))
        larger = keras.layers.UpSampling2D(4, interpolation=kind)(images)
        return objective(keras.Model(images, larger))

    bicubic, nearest = enlarged("bicubic"), enlarged("nearest")
    assert bicubic["psnr_y"] > nearest["psnr_y"] + 0.5
    assert enlarged("bicubic") == bicubic
    network = load(name, "networks").build_generator(config)
    weights = network.get_weights()
    weights[0][...] = np.nan
    network.set_weights(weights)
    metrics = objective(network)
    assert set(metrics) == set(bicubic) and all(map(math.isnan, metrics.values()))
    tuning = load(name, "tuning").TUNING
    assert tuning.loss == "psnr_y" and tuning.sign == -1


def test_textures_are_scored_on_validation_photos(tmp_path, monkeypatch):
    """The objective takes the generator of images out of the stage's networks."""
    name = "study_von"
    monkeypatch.setattr(load(name, "evaluation"), "STEPS", 10)
    monkeypatch.setattr(local_classifier, "BATCH_SIZE", 32)
    write_photos(tmp_path / "photos", count=40)
    config = dataclasses.replace(
        tiny.STUDY_VON,
        data=write_boxes(tmp_path / "boxes"),
        photos=tmp_path / "photos",
        validation_every=4,
    )
    objective = load(name, "tuning").make_objective(config)
    photos = to_floats(
        np.asarray(load(name, "data").load_photos(config, "train").images)
    )

    def score(items: np.ndarray) -> dict[str, float]:
        networks = {"texture_generator": Replay(items)}
        return objective(SimpleNamespace(get_layer=networks.get))

    own = score(photos[validation_rows(40, 4)])
    noise = np.random.default_rng(0).uniform(-1, 1, photos.shape).astype(np.float32)
    assert own["kid"] < 0.05 * score(noise)["kid"]
    stage = importlib.import_module("study_von.stages.texture")
    whole = stage.combine(config, stage.build_networks(config))
    found = objective(whole)
    assert own["kid"] < 0.5 * found["kid"] and objective(whole) == found
    assert load(name, "tuning").TUNING.loss == "kid"


def test_too_few_items_are_an_error(tmp_path):
    write_glyphs(tmp_path / "data", train=30, test=10)
    config = load("chapter01_gan", "config").Config(
        data=tmp_path / "data", validation_every=10
    )
    with pytest.raises(UserError, match="at least 40 items.*found 30"):
        load("chapter01_gan", "tuning").make_objective(config)
