"""The store of images in their own sizes, and its cache."""

import os
from pathlib import Path

import numpy as np
import pytest
from pictures import noise, saved

from common.data.cache import CacheFiles
from common.errors import UserError
from common.files import default_cache_dir
from common.images.full_size_store import PictureStore

PICTURES = {
    "a.png": noise(0, 16, 30),
    "b/c.png": noise(1, 40, 9),
    "b/d.bmp": noise(2, 8, 8),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder of three images and a file that is not an image."""
    folder = tmp_path / "pictures"
    for name, picture in PICTURES.items():
        saved(picture, folder / name)
    return folder


@pytest.fixture
def cache(tmp_path) -> Path:
    """Return a folder for caches."""
    return tmp_path / "cache"


def assert_whole(store: PictureStore) -> None:
    """Check that a store contains the three images."""
    assert store.names == tuple(PICTURES) and len(store) == 3
    for found, wanted in zip(store, PICTURES.values(), strict=True):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, wanted)


def forbid_decoding(monkeypatch) -> None:
    """Make the test fail if an image is decoded."""

    def fail(path, **options):
        raise AssertionError(f"{path} is decoded again")

    monkeypatch.setattr("common.images.full_size_store.read_image", fail)


def is_mapped(array: np.ndarray) -> bool:
    """Return whether an array is a view of a memory-mapped file."""
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


@pytest.mark.parametrize("memory_mb", [0, 512])
def test_images_keep_their_sizes(folder, cache, memory_mb):
    store = PictureStore.open(folder, memory_mb=memory_mb, cache_dir=cache)
    assert_whole(store)
    assert store.shapes.tolist() == [[16, 30], [40, 9], [8, 8]]
    assert store.shapes.dtype == np.int64 and store.skipped == {}
    assert is_mapped(store[1]) == (memory_mb == 0)
    assert not store[0].flags.writeable
    with pytest.raises(IndexError):
        store[3]
    rows = next(cache.glob("*.rgb"))
    assert rows.stat().st_size == 3 * (16 * 30 + 40 * 9 + 8 * 8)


def test_memory_limit_is_in_megabytes(folder, cache):
    # 904 pixels are 0.002712 MB.
    for limit, mapped in ((0.002712, False), (0.002711, True)):
        store = PictureStore.open(folder, memory_mb=limit, cache_dir=cache)
        assert is_mapped(store[0]) == mapped


@pytest.mark.parametrize("memory_mb", [0, 512])
def test_crop_is_a_part_without_a_copy(folder, cache, memory_mb):
    store = PictureStore.open(folder, memory_mb=memory_mb, cache_dir=cache)
    crop = store.crop(1, 5, 2, 7, 4)
    np.testing.assert_array_equal(crop, PICTURES["b/c.png"][5:12, 2:6])
    assert np.shares_memory(crop, store[1])
    np.testing.assert_array_equal(store.crop(2, 0, 0, 8, 8), PICTURES["b/d.bmp"])


@pytest.mark.parametrize(
    "place", [(-1, 0, 4, 4), (0, -1, 4, 4), (34, 0, 7, 4), (0, 6, 4, 4), (0, 0, 0, 4)]
)
def test_crop_must_be_inside_the_image(folder, cache, place):
    store = PictureStore.open(folder, cache_dir=cache)
    with pytest.raises(ValueError, match="are not inside an image of 40 x 9"):
        store.crop(1, *place)


def test_subset_copies_nothing(folder, cache):
    store = PictureStore.open(folder, cache_dir=cache)
    part = store.subset([2, 0])
    assert part.names == ("b/d.bmp", "a.png") and len(part) == 2
    assert part.shapes.tolist() == [[8, 8], [16, 30]]
    np.testing.assert_array_equal(part[1], PICTURES["a.png"])
    assert np.shares_memory(part[0], store[2])
    assert len(store.subset([])) == 0


def test_a_second_opening_decodes_nothing(folder, cache, monkeypatch):
    PictureStore.open(folder, cache_dir=cache)
    forbid_decoding(monkeypatch)
    assert_whole(PictureStore.open(str(folder), cache_dir=str(cache)))
    os.utime(folder / "a.png", (1, 1))
    with pytest.raises(AssertionError, match="decoded again"):
        PictureStore.open(folder, cache_dir=cache)


@pytest.mark.parametrize("damage", ["short", "long", "flipped", "meta", "shape"])
def test_a_damaged_cache_is_written_again(folder, cache, caplog, damage):
    PictureStore.open(folder, cache_dir=cache)
    meta, rows = sorted(cache.iterdir())
    assert (meta.suffix, rows.suffix) == (".json", ".rgb")
    content, words = rows.read_bytes(), meta.read_text()
    if damage == "short":
        rows.write_bytes(content[:-1])
    elif damage == "long":
        rows.write_bytes(content + b"x")
    elif damage == "flipped":
        rows.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif damage == "meta":
        meta.write_text(words[: len(words) // 2])
    else:
        meta.write_text(words.replace("[16, 30]", "[30, 16]"))
    assert_whole(PictureStore.open(folder, cache_dir=cache))
    assert rows.read_bytes() == content and meta.read_text() == words
    assert [r.getMessage() for r in caplog.records] == [
        f"{rows} is damaged; it is written again"
    ]


def test_a_cache_that_cannot_be_read_back_is_an_error(folder, cache, monkeypatch):
    monkeypatch.setattr(CacheFiles, "_load", lambda *_: None)
    with pytest.raises(UserError, match="cannot be read back; check the disk"):
        PictureStore.open(folder, cache_dir=cache)


def test_unusable_files_are_left_out_with_a_warning(folder, cache, caplog):
    (folder / "b" / "bad.jpg").write_text("words")
    for _ in range(2):
        store = PictureStore.open(folder, cache_dir=cache)
        assert_whole(store)
        assert list(store.skipped) == ["b/bad.jpg"]
        (record,) = caplog.records
        assert record.getMessage().startswith(
            f"1 of 4 files in {folder} are not usable"
        )
        caplog.clear()


def test_a_folder_without_usable_images_leaves_no_cache(folder, cache):
    for name in PICTURES:
        (folder / name).write_text("words")
    with pytest.raises(UserError, match="^none of the 3 image files in .* is usable; "):
        PictureStore.open(folder, cache_dir=cache)
    assert not list(cache.iterdir())


def test_the_default_cache_is_in_the_users_cache_folder(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    PictureStore.open(folder)
    assert len(list(default_cache_dir().glob("pictures-*"))) == 2


def test_real_photos_are_all_there(shared_data, cache):
    store = PictureStore.open(shared_data / "set5", cache_dir=cache)
    assert store.names[0] == "img_001.png" and len(store) == 5
    assert store.shapes.tolist()[-1] == [344, 228]
