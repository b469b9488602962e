"""VON: the DCGAN that is the baseline of `test`."""

import csv
from pathlib import Path

import keras
import numpy as np
import pytest
from von_runs import write_run

from common.training.network_files import save_network
from common.training.run_dir import RunDir
from study_von import baselines
from study_von.data import Photos

MINUTE = 1 / 600


def photos(count: int = 16) -> Photos:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    masks = np.full((count, 32, 32), 255, np.uint8)
    return Photos(images, masks, ("",) * count, Path())


@pytest.mark.parametrize(("size", "first"), [(32, 64), (64, 128), (128, 256)])
def test_networks_of_every_size(size, first):
    config = baselines.DcganConfig(image_size=size)
    generator = baselines.build_generator(config)
    discriminator = baselines.build_discriminator(config)
    assert generator.output_shape == (None, size, size, 3)
    assert discriminator.input_shape == (None, size, size, 3)
    assert discriminator.output_shape == (None, 1)
    assert generator.layers[2].output.shape == (None, 4, 4, first)


def write_rows(folder: Path, *seconds: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "seconds"])
        writer.writerows(enumerate(seconds, 1))


def test_the_minutes_of_all_stages_are_added(tmp_path):
    run = RunDir(tmp_path)
    assert baselines.minutes_of(run) == 0
    write_rows(tmp_path, 10, 60)
    write_rows(tmp_path / "texture", 20, 90)
    assert baselines.minutes_of(run) == 2.5
    write_rows(tmp_path / "joint", 30)
    assert baselines.minutes_of(run) == 3


def test_the_dcgan_is_trained_once_and_then_reused(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run")
    config = run.read_config()

    def make(minutes: float) -> np.ndarray:
        return baselines.dcgan_images(run, config, photos(), minutes, 5, 1)

    first = make(MINUTE)
    assert first.shape == (5, 32, 32, 3) and first.dtype == np.uint8
    path = run.path / "baseline" / "generator.keras"
    before = path.read_bytes()
    np.testing.assert_array_equal(make(MINUTE), first)
    assert path.read_bytes() == before
    # Other minutes are another training.
    started = []
    monkeypatch.setattr(baselines, "train", lambda *args: started.append(args))
    with pytest.raises(Exception, match=r"generator\.keras"):
        make(2)
    assert len(started) == 1


def test_an_interrupted_training_is_continued(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run")
    config = run.read_config()

    def interrupted(*args):
        return True

    limits = []
    monkeypatch.setattr(baselines, "fit_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        baselines.dcgan_images(run, config, photos(), 1, 5, 1)
    # Half a minute was done.
    write_rows(run.path / "baseline", 30)

    def continued(model, data, gallery, config, stage, callbacks):
        limits.append(callbacks[0].minutes)
        save_network(model.average_generator, stage.generator)

    monkeypatch.setattr(baselines, "fit_run", continued)
    made = baselines.dcgan_images(run, config, photos(), 1, 5, 1)
    assert limits == [0.5] and len(made) == 5


def test_the_deadline_ends_a_training(monkeypatch):
    now = iter([0.0, 59.0, 60.0])
    monkeypatch.setattr(baselines.time, "monotonic", lambda: next(now))
    deadline = baselines.Deadline(1)
    deadline.set_model(keras.Sequential())
    deadline.model.stop_training = False
    deadline.on_train_begin()
    deadline.on_train_batch_end(0)
    assert not deadline.model.stop_training
    deadline.on_train_batch_end(1)
    assert deadline.model.stop_training
