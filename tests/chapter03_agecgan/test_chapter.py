"""Chapter 3: the three stages, ageing, scores, and what the commands write."""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import CHAPTER03 as TINY

from chapter03_agecgan import ageing, evaluation, evaluators, generation
from chapter03_agecgan.ageing import Ager
from chapter03_agecgan.ages import AGE_CLASSES, ALL
from chapter03_agecgan.commands import CHAPTER
from chapter03_agecgan.config import Config
from chapter03_agecgan.data import load_split
from chapter03_agecgan.learnt import count_ages, note_counts
from chapter03_agecgan.recognition import local_network
from chapter03_agecgan.stages import identity
from chapter03_agecgan.training import choose_rows, train
from common.cli import main as cli
from common.errors import UserError
from common.features import local_classifier
from common.gan.latents import sample_latents
from common.training.curves import read_rows
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from synthetic_data.age_faces.write import draw_person, write_wiki

ROOT = Path(__file__).resolve().parents[2]
NO_FIFTIES = dict(zip(AGE_CLASSES, (60, 60, 60, 60, 0, 2), strict=True))


@pytest.fixture(scope="module", autouse=True)
def small_evaluators() -> Iterator[None]:
    """Make the networks that recognise persons and ages smaller, or their batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_network, "CHANNELS", (4, 8, 16, 16))
        patch.setattr(local_network, "BATCH_SIZE", 24)
        patch.setattr(local_classifier, "BATCH_SIZE", 32)
        patch.setattr(evaluators, "STEPS", 20)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """21 people with six photos each; two people are held out."""
    folder = tmp_path_factory.mktemp("faces") / "wiki"
    write_wiki(folder, people=21, photos=6, seed=0, size=48)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory, data) -> RunDir:
    """A tiny run of all three stages."""
    run = RunDir(tmp_path_factory.mktemp("run") / "tiny")
    return train(dataclasses.replace(TINY, data=data), run)


def weights(path: Path) -> list[np.ndarray]:
    return load_network(path).get_weights()


def same(a: Path, b: Path) -> bool:
    pairs = zip(weights(a), weights(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def copy_of(run: RunDir, folder: Path) -> RunDir:
    shutil.copytree(run.path, folder)
    return RunDir(folder)


def test_each_stage_has_its_own_losses_and_networks(run):
    files = {
        ".": ("d_loss", "g_loss", "d_wrong_age"),
        "encoder": ("e_loss", "e_latents", "e_pixels"),
        "identity": ("z_loss", "identity_distance", "identity_pixels"),
    }
    for folder, losses in files.items():
        stage = RunDir(run.path / folder)
        rows = read_rows(stage.metrics_csv)
        assert rows[-1]["step"] == 4
        assert all(np.isfinite(rows[-1][name]) for name in losses), folder
        assert list(stage.tensorboard.glob("events*")), folder
        assert stage.curves.is_file() and stage.reals.is_file(), folder
    for name in ("generator", "discriminator", "encoder/encoder"):
        assert (run.path / f"{name}.keras").is_file()


@pytest.mark.slow
def test_stages_one_by_one_end_as_all_at_once(run, data, tmp_path):
    other = RunDir(tmp_path / "run")
    for stage in ("gan", "encoder", "identity"):
        train(dataclasses.replace(TINY, data=data, stage=stage), other)
    for name in ("generator", "encoder/encoder", "identity/recognition"):
        assert same(run.path / f"{name}.keras", other.path / f"{name}.keras"), name


@pytest.mark.parametrize("stage", ["encoder", "identity"])
def test_a_stage_that_was_killed_goes_on(run, tmp_path, stage):
    """The newest checkpoint and what comes after it are lost."""
    killed = copy_of(run, tmp_path / "killed")
    newest = sorted((killed.path / stage / "checkpoints").iterdir())[-1]
    expected = dict(np.load(newest))
    newest.unlink()
    for network in (killed.path / stage).glob("*.keras"):
        network.unlink()
    train(killed.read_config(Config), killed)
    found = dict(np.load(newest))
    assert expected.keys() == found.keys()
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


@pytest.mark.slow
def test_a_stage_that_has_ended_is_passed_over(run, tmp_path):
    again = copy_of(run, tmp_path / "again")
    config = run.read_config(Config)
    train(dataclasses.replace(config, steps=6), again)
    assert read_rows(again.metrics_csv)[-1]["step"] == 4
    train(dataclasses.replace(config, steps=6, stage="gan"), again)
    assert read_rows(again.metrics_csv)[-1]["step"] == 6


@pytest.mark.slow
def test_a_stage_starts_again_if_the_one_before_has_changed(run, tmp_path):
    again = copy_of(run, tmp_path / "again")
    config = run.read_config(Config)
    train(dataclasses.replace(config, steps=6, stage="gan"), again)
    train(dataclasses.replace(config, encoder_steps=2), again)
    assert read_rows(again.path / "encoder" / "metrics.csv")[-1]["step"] == 2
    assert not same(
        run.path / "encoder" / "encoder.keras", again.path / "encoder" / "encoder.keras"
    )


@pytest.mark.slow
def test_the_books_third_stage_moves_both_networks(run, tmp_path):
    again = copy_of(run, tmp_path / "again")
    config = dataclasses.replace(
        run.read_config(Config), identity_method="networks", stage="identity"
    )
    train(config, again)
    moved, before = again.path / "identity", again.path
    assert not same(moved / "generator.keras", before / "generator.keras")
    assert not same(moved / "encoder.keras", before / "encoder" / "encoder.keras")
    assert same(before / "generator.keras", run.generator)
    ager = Ager(again, again.read_config(Config))
    photos = np.stack([draw_person(1, 30.0, size=32)] * 2)
    np.testing.assert_array_equal(
        ager.latents(photos, np.array([2, 2])), ager.first_guess(photos)
    )


def test_only_runs_that_noted_their_photos_bound_the_balance(tmp_path):
    """Those of earlier versions could not be resumed with other rows."""
    run, classes = RunDir(tmp_path), np.repeat([0, 5], [100, 1])
    assert np.bincount(classes[choose_rows(TINY, run, classes)])[5] == 100
    note_counts(run, count_ages(classes))
    # 10 of 100 + 10 rows are at most 10 / 101 of them; 11 of 100 + 11 are more.
    assert np.bincount(classes[choose_rows(TINY, run, classes)])[5] == 10
    plain = dataclasses.replace(TINY, balanced=False)
    assert choose_rows(plain, run, classes).tolist() == list(range(101))


def test_a_stage_needs_the_one_before(data, tmp_path):
    config = dataclasses.replace(TINY, data=data, stage="identity")
    with pytest.raises(UserError, match="identity needs .*generator.keras"):
        train(config, RunDir(tmp_path / "run"))


def test_latents_are_found_again(run):
    """The pixels of a generated face are enough to find its latent again."""
    config = dataclasses.replace(
        run.read_config(Config),
        identity_pixels=100.0,
        identity_prior=0.0,
        identity_steps=150,
    )
    ager = Ager(run, config)
    latents = 2 * sample_latents(config, 3, 5)
    faces = ager.at_ages(latents, np.array([1]))[:, 0]
    photos = identity.Photos.of(ager.recognizer, faces, np.array([1, 1, 1]))
    found = identity.find_latents(
        config, ager.generator, ager.recognizer, photos, np.zeros_like(latents)
    )
    rebuilt = ager.at_ages(found, np.array([1]))[:, 0].astype(float)
    start = ager.at_ages(0 * latents, np.array([1]))[:, 0].astype(float)
    before, after = (np.mean((x - faces) ** 2) for x in (start, rebuilt))
    assert after < 0.1 * before


def test_scores_and_baselines(run, tmp_path):
    """Ages of which the run has seen no photo are named, and not scored."""
    run = copy_of(run, tmp_path / "run")
    note_counts(run, NO_FIFTIES)
    config = run.read_config(Config)
    # Any other run can stand for the book's.
    metrics = evaluation.test(run, config, photos=6, book_run=run.path)
    assert json.loads((run.path / "metrics.json").read_text()) == metrics
    own = {
        "age_accuracy_generated", "age_class_error_generated", "age_accuracy_aged",
        "age_class_error_aged", "identity_verification_aged", "identity_false_accept",
    }  # fmt: skip
    more = {"identity_verification_rebuilt_encoder", "fid10_local", "recall10_local"}
    assert own | more <= set(metrics)
    for prefix in ("baseline_unchanged_", "baseline_book_"):
        assert {prefix + name for name in own} <= set(metrics)
    assert metrics["baseline_unchanged_identity_verification_aged"] == 1.0
    # Each photo has one of the five ages, or is taken for one in its fifties.
    assert 0 < metrics["baseline_unchanged_age_accuracy_aged"] < 1 / 5 + 1e-6
    assert metrics["baseline_real_nearest_training_ratio"] == 0
    assert metrics["baseline_real_nearest_training_share"] == 1
    assert 0.7 < metrics["baseline_unchanged_nearest_training_ratio_aged"] < 1.4
    ages = {f"nearest_training_ratio_aged_{name}" for name in AGE_CLASSES}
    assert ages - set(metrics) == {"nearest_training_ratio_aged_50-59"}
    assert {k: v for k, v in metrics.items() if k.startswith("training_photos")} == {
        "training_photos_50-59": 0,
        "training_photos_60+": 2,
    }
    text = (run.path / "metrics.md").read_text()
    assert text.endswith(
        "\nnot learnt: 50-59\n\nlearnt from fewer than 50 photos: 60+ (2)\n"
    )
    for name in own:
        assert metrics[name] == metrics[f"baseline_book_{name}"]
    for name in ("metrics.md", "samples.png", "aged.png", "neighbours.png"):
        assert (run.path / name).stat().st_size > 0


def test_persons_are_not_measured_where_nobody_has_two_photos(run, caplog):
    faces = load_split(run.read_config(Config), "test")
    rows = np.array([0, 6])
    alone = dataclasses.replace(
        faces,
        images=faces.images[rows],
        ages=faces.ages[rows],
        persons=(None, None),
        names=("a", "b"),
    )
    train_set = load_split(run.read_config(Config), "train")
    found = evaluators.choose_evaluators(
        run.read_config(Config), train_set, alone, 0, None
    )
    assert found.verified is None
    assert "identity is not measured: " in caplog.text


def test_faces_of_one_age_are_generated(run, tmp_path):
    config = run.read_config(Config)

    def made(age: str, format: str) -> list[Path]:
        folder = tmp_path / f"{age}{format}"
        return generation.generate(run, config, 2, 1, age, format, folder)

    one, every = (np.load(made(age, "npy")[1]) for age in ("60+", "all"))
    assert one.shape == (2, 32, 32, 3) and every.shape == (12, 32, 32, 3)
    np.testing.assert_array_equal(one, every[[5, 11]])
    assert len(made("60+", "png")) == 1 + 2
    fewer = copy_of(run, tmp_path / "fewer")
    note_counts(fewer, NO_FIFTIES)
    learnt = generation.sample(fewer, 2)
    np.testing.assert_array_equal(learnt, np.delete(every, [4, 10], axis=0))
    # No other age is guessed either.
    note_counts(fewer, dict.fromkeys(AGE_CLASSES, 0) | {"40-49": 9})
    assert Ager(fewer, config).guess_classes(learnt).tolist() == [3] * 10


def main(*arguments, **options):
    return subprocess.run(
        [sys.executable, str(ROOT / "chapter03_agecgan" / "main.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        **options,
    )


@pytest.fixture
def photo(tmp_path) -> Path:
    """A photo of a face off its middle."""
    picture = Image.new("RGB", (400, 300), (90, 120, 150))
    picture.paste(Image.fromarray(draw_person(3, 25.0, size=200)), (180, 60))
    picture.save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"


def test_a_photo_is_aged(run, photo, tmp_path):
    """As a user types it: a sheet, and a single image of each age."""
    arguments = ["age", str(photo), "--to", "all", "--run-dir", str(run.path)]
    done = main(*arguments, "--out", "sheet.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "taken for " in done.stderr
    written = {path.name for path in tmp_path.glob("sheet*")}
    assert written == {"sheet.png", *(f"sheet_{name}.png" for name in AGE_CLASSES)}
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 7 * 128


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jpg"], "missing.jpg: no such file"),
        (["text.jpg"], "text.jpg"),
        (["empty.png"], "no face found in empty.png"),
        (["photo.jpg", "--to", "70"], "--to must be one of 0-18, "),
        (["photo.jpg", "--years", "130"], "--years must be from 0 to 100"),
        (["photo.jpg", "--out", "sheet.txt"], "--out must end in .png"),
    ],
)
def test_what_a_user_gets_wrong(run, photo, monkeypatch, caplog, arguments, message):
    monkeypatch.chdir(photo.parent)
    (photo.parent / "text.jpg").write_text("no image")
    Image.new("RGB", (200, 200), "green").save("empty.png")
    before = sorted(photo.parent.iterdir())
    status = cli.main(CHAPTER, ["age", *arguments, "--run-dir", str(run.path)])
    errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert status == 2 and len(errors) == 1
    assert message in errors[0] and "\n" not in errors[0]
    assert sorted(photo.parent.iterdir()) == before


def test_the_age_of_a_photo_can_be_told(run, photo, tmp_path):
    config = run.read_config(Config)
    for years in (5, 70):
        out = tmp_path / f"{years}.png"
        ageing.age(run, config, photo=photo, to="60+", out=out, years=years)
    faces = [np.asarray(Image.open(tmp_path / f"{years}_60+.png")) for years in (5, 70)]
    assert not np.array_equal(*faces)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["age", "photo.jpg", "--to", "50-59"], "choose one of them"),
        (["age", "photo.jpg", "--years", "50"], "leave --years out, "),
        (["generate", "--age", "50-59"], "choose one of them"),
    ],
)
def test_an_age_that_was_not_learnt_is_refused(tmp_path, caplog, arguments, advice):
    run = RunDir(tmp_path)
    run.write_config(TINY)
    note_counts(run, NO_FIFTIES)
    assert cli.main(CHAPTER, [*arguments, "--run-dir", str(run.path)]) == 2
    [error] = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert error.startswith(
        f"error: {' '.join(arguments[-2:])}: this run has seen no photo of the ages "
        f"50-59; it has learnt 0-18, 19-29, 30-39, 40-49, 60+; {advice}"
    )


@pytest.mark.slow
def test_real_photos_go_the_whole_way(shared_data, tmp_path):
    """Ages from one data set, persons from another."""
    config = dataclasses.replace(
        TINY,
        data=shared_data / "utkface",
        people=shared_data / "orl_faces",
        steps=2,
        encoder_steps=1,
        identity_steps=1,
    )
    run = train(config, RunDir(tmp_path / "run"))
    photos = load_split(config, "test").images[:2]
    ager = Ager(run, config)
    own = ager.guess_classes(photos)
    assert set(own) <= set(ALL)
    assert ager.at_ages(ager.latents(photos, own), ALL).shape == (2, 6, 32, 32, 3)
