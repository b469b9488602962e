""".keras files that would run code of others or take all memory."""

import json
import zipfile
from pathlib import Path

import keras
import pytest

from common.untrusted import keras_archive
from common.untrusted.keras_archive import KerasFileError, load_archive


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """Return the file of a small network."""
    path = tmp_path_factory.mktemp("saved") / "net.keras"
    small = [keras.layers.Dense(3), keras.layers.Dropout(0.1)]
    keras.Sequential([keras.Input((2, 1)), *small, keras.layers.UpSampling1D(2)]).save(
        path
    )
    return path


def rewritten(saved: Path, path: Path, change) -> Path:
    """Write the file again with `change` applied to the text of its config.json."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", 8) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = change(content.decode()).encode()
            new.writestr(name, content)
    return path


def test_a_network_is_the_same_as_with_keras(saved):
    keras.utils.set_random_seed(0)
    found = load_archive(saved)
    drawn = keras.random.uniform((3,))
    keras.utils.set_random_seed(0)
    wanted = keras.models.load_model(saved, compile=False)
    assert (keras.random.uniform((3,)) == drawn).numpy().all()
    pairs = list(zip(found.get_weights(), wanted.get_weights(), strict=True))
    assert pairs and all((one == other).all() for one, other in pairs)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"units": 3', '"units": 1000000000', "layers have 2,000,000,... weights, but"),
        ('"size": 2', '"size": 1000000000', "returns 6,000,000,000 values for one"),
        (
            '"module": "keras.layers", "class_name": "Dense"',
            '"module": "os.path", "class_name": "Dense"',
            "the class 'Dense' of the module 'os.path'",
        ),
        (
            '"module": "keras.layers", "class_name": "Dense"',
            '"module": "keras.layers", "class_name": "NoSuchLayer"',
            "damaged file .ValueError",
        ),
        ('"class_name": "Sequential"', '"class_name": "Dense"', "found "),
        ("{", '{"x": ' + "[" * 150 + "]" * 150 + ",", "nested too deeply"),
        ("{", "[" * 100_000, "nested too deeply"),
        ("{", "{" + " " * 2**24, "at most 16,777,216 bytes"),
        ("{", "(", "damaged file .JSONDecodeError"),
        ("{", "[],{", "damaged file"),
    ],
)
def test_a_harmful_file_is_refused(saved, tmp_path, old, new, message):
    path = rewritten(saved, tmp_path / "x.keras", lambda t: t.replace(old, new, 1))
    with pytest.raises(KerasFileError, match=message) as caught:
        load_archive(path)
    assert "\n" not in str(caught.value)
    # What was refused has left nothing behind that another network would create.
    assert load_archive(saved).count_params() == 6


def test_a_harmful_layer_of_a_nested_network_is_found(tmp_path):
    path = tmp_path / "net.keras"
    # What leaves the nested network is small.
    inside = [keras.layers.UpSampling1D(2), keras.layers.GlobalMaxPooling1D()]
    nested = keras.Sequential([keras.Input((2, 1)), *inside])
    keras.Sequential([keras.Input((2, 1)), nested]).save(path)
    size = ('"size": 2', '"size": 1000000000')
    bad = rewritten(path, tmp_path / "x.keras", lambda text: text.replace(*size))
    with pytest.raises(KerasFileError, match="returns 2,000,000,000 values for one"):
        load_archive(bad)


def test_a_zip_bomb_and_an_archive_without_weights_are_refused(
    saved, tmp_path, monkeypatch
):
    (tmp_path / "none.keras").write_bytes(b"PK")
    with pytest.raises(KerasFileError, match="damaged file .BadZipFile"):
        load_archive(tmp_path / "none.keras")
    with zipfile.ZipFile(tmp_path / "part.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({}))
    with pytest.raises(KerasFileError, match="damaged file .KeyError"):
        load_archive(tmp_path / "part.keras")
    monkeypatch.setattr(keras_archive, "_MAX_BYTES", 1000)
    with pytest.raises(KerasFileError, match="more than 1,000 bytes unpacked"):
        load_archive(saved)
