"""The keys of caches, and who may read them."""

import os
import shutil

import numpy as np
import pytest
from pictures import noise, saved

from common.data.cache import cache_key
from common.files import default_cache_dir
from common.images.square_store import ImageStore
from common.shapes.store import VoxelStore
from common.shapes.voxels import ShapeFile

FIXED = (10**9, 10**9)


@pytest.fixture
def folder(tmp_path):
    """Return a folder of one file with a fixed time of modification."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_bytes(b"one")
    os.utime(tmp_path / "data" / "a", FIXED)
    return tmp_path / "data"


def key(folder, settings="1"):
    return cache_key(folder, ["a"], settings)


def test_the_key_tells_two_folders_of_equal_files_apart(folder, tmp_path):
    """Names, sizes and times are equal, as after `git checkout` or from an archive."""
    shutil.copytree(folder, tmp_path / "other")
    (tmp_path / "other" / "a").write_bytes(b"two")
    os.utime(tmp_path / "other" / "a", FIXED)
    assert key(tmp_path / "other") != key(folder)
    (tmp_path / "link").symlink_to("data")
    assert key(tmp_path / "link") == key(folder)
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("other")
    assert key(tmp_path / "link") == key(tmp_path / "other")


def test_the_key_notices_a_file_replaced_with_its_size_and_time(folder):
    before = key(folder)
    assert before == key(folder) != key(folder, "2")
    times = os.stat(folder / "a").st_ctime_ns
    # A system's clock for files advances in steps of some milliseconds.
    while os.stat(folder / "a").st_ctime_ns == times:
        (folder / "a").write_bytes(b"two")
        os.utime(folder / "a", FIXED)
    assert key(folder) != before


def test_the_key_of_a_missing_or_oddly_named_file(folder):
    missing = cache_key(folder, ["b"], "1")
    (folder / "b").write_bytes(b"")
    assert cache_key(folder, ["b"], "1") != missing
    # A name that is no UTF-8, as Python passes it on.
    assert cache_key(folder, ["\udcff"], "\udcff")


def test_images_and_shapes_of_another_folder_are_not_those_of_the_first(tmp_path):
    pixels, shapes, cache = {}, {}, tmp_path / "cache"
    for seed, name in enumerate("ab"):
        folder = tmp_path / name
        image = saved(noise(seed, 8, 8), folder / "x.bmp")
        shape = folder / "x.npy"
        np.save(shape, noise(seed, 64, 64).reshape(-1)[: 8**3].reshape(8, 8, 8) > 127)
        os.utime(image, FIXED)
        os.utime(shape, FIXED)
        pixels[name] = ImageStore.open(folder, 8, cache_dir=cache).images
        files = [ShapeFile(shape, "\udcff")]
        shapes[name] = VoxelStore.open(files, 8, cache).voxels()
    assert (pixels["a"] != pixels["b"]).any() and (shapes["a"] != shapes["b"]).any()


def test_the_cache_folder_is_its_owners_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    assert default_cache_dir().stat().st_mode & 0o777 == 0o700
    default_cache_dir().chmod(0o755)  # as earlier versions made it
    saved(noise(0, 8, 8), tmp_path / "photos" / "x.png")
    ImageStore.open(tmp_path / "photos", 8)
    assert default_cache_dir().stat().st_mode & 0o777 == 0o700
    modes = {path.stat().st_mode & 0o777 for path in default_cache_dir().iterdir()}
    assert modes == {0o600}
