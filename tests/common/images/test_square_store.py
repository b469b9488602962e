"""The store of the images of a folder."""

import os
import random
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from pictures import noise, saved
from PIL import Image

from common.data.folders import warn_once
from common.data.splits import split_names
from common.errors import UserError
from common.files import default_cache_dir
from common.images import decoding
from common.images.reading import read_image
from common.images.square_store import ImageStore

NAMES = ("a.png", "b/c.png", "b/d.bmp", "e.png")


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder of four images of 16 x 16 and a file that is not an image."""
    folder = tmp_path / "images"
    for seed, name in enumerate(NAMES):
        saved(noise(seed), folder / name)
    return folder


@pytest.fixture
def cache(tmp_path) -> Path:
    """Return a folder for caches."""
    return tmp_path / "cache"


def cache_files(cache: Path) -> tuple[Path, Path]:
    """Return the paths of the pixels and of the description of the only cache."""
    meta, rows = sorted(cache.iterdir())
    assert (meta.suffix, rows.suffix) == (".json", ".rgb")
    return rows, meta


def add_36(folder: Path) -> None:
    """Add images from `noise(4)` to `noise(39)`, in this order."""
    for seed in range(4, 40):
        saved(noise(seed), folder / f"f{seed:02}.png")


def forbid_decoding(monkeypatch) -> None:
    """Make the test fail if an image is decoded."""

    def fail(path, *_):
        raise AssertionError(f"{path} is decoded again")

    monkeypatch.setattr("common.images.square_store.read_image", fail)


@pytest.mark.parametrize("memory_mb", [0, 512])
def test_store_holds_the_images_in_order(folder, cache, memory_mb):
    store = ImageStore.open(folder, 16, memory_mb=memory_mb, cache_dir=cache)
    assert store.names == NAMES and len(store) == 4 and store.skipped == {}
    assert store.images.shape == (4, 16, 16, 3) and store.images.dtype == np.uint8
    assert np.array_equal(store.images, [noise(seed) for seed in range(4)])
    assert isinstance(store.images, np.memmap) == (memory_mb == 0)
    assert not store.images.flags.writeable
    # The cache contains the pixels of the four images and nothing else.
    assert cache_files(cache)[0].stat().st_size == 4 * 16 * 16 * 3


def test_memory_limit_is_in_megabytes(folder, cache):
    # 4 x 16 x 16 x 3 bytes are 0.003072 MB.
    for limit, mapped in ((0.003072, False), (0.003071, True)):
        store = ImageStore.open(folder, 16, memory_mb=limit, cache_dir=cache)
        assert isinstance(store.images, np.memmap) == mapped


def test_size_and_fit_are_passed_on(folder, cache):
    saved(noise(9, 20, 40), folder / "wide.png")
    for fit in ("crop", "stretch"):
        store = ImageStore.open(folder, 10, fit=fit, cache_dir=cache)
        wanted = read_image(folder / "wide.png", (10, 10), fit)
        assert np.array_equal(store.images[store.names.index("wide.png")], wanted)
    assert len(list(cache.iterdir())) == 4


@pytest.mark.parametrize("threads", [1, 7])
def test_order_does_not_depend_on_threads(folder, cache, monkeypatch, threads):
    # More files than may wait at the same time; they are decoded in a random order.
    add_36(folder)
    delays = random.Random(threads)

    def slow(*arguments):
        time.sleep(0.004 * delays.random())
        return read_image(*arguments)

    monkeypatch.setattr("common.images.square_store.read_image", slow)
    monkeypatch.setattr("common.images.square_store._AHEAD", 2)
    store = ImageStore.open(folder, 16, cache_dir=cache, threads=threads)
    assert list(store.names) == sorted(store.names) and len(store) == 40
    assert np.array_equal(store.images, [noise(seed) for seed in range(40)])


def test_few_images_wait_for_a_slow_disk(folder, cache, monkeypatch):
    add_36(folder)
    begun, ahead = [], []

    def count(*arguments):
        begun.append(arguments)
        return read_image(*arguments)

    def slow(rows, *_, **__):
        for written, row in enumerate(rows):
            time.sleep(0.005)
            ahead.append(len(begun) - written)
            yield row

    monkeypatch.setattr("common.images.square_store.read_image", count)
    monkeypatch.setattr("common.images.decoding.tqdm", slow)
    monkeypatch.setattr("common.images.square_store._AHEAD", 3)
    ImageStore.open(folder, 16, cache_dir=cache, threads=2)
    assert len(begun) == 40 and max(ahead) <= 6


def test_a_second_opening_decodes_nothing(folder, cache, monkeypatch):
    first = ImageStore.open(folder, 16, cache_dir=cache)
    forbid_decoding(monkeypatch)
    again = ImageStore.open(str(folder), 16, cache_dir=str(cache))
    assert np.array_equal(again.images, first.images) and again.names == first.names


@pytest.mark.parametrize(
    "change", ["time", "content", "name", "gone", "new", "size", "permission"]
)
def test_a_change_renews_the_cache(folder, cache, monkeypatch, change):
    ImageStore.open(folder, 16, cache_dir=cache)
    path = folder / "a.png"
    info = path.stat()
    if change == "time":
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 1))
    elif change == "content":
        path.write_bytes(path.read_bytes() + b"x")
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    elif change == "name":
        path.rename(folder / "A.png")
    elif change == "gone":
        path.unlink()
    elif change == "new":
        saved(noise(5), folder / "new.png")
    size = 17 if change == "size" else 16
    with monkeypatch.context() as patch:
        forbid_decoding(patch)
        if change == "permission":
            patch.setattr(os, "access", lambda *_: False)
        with pytest.raises(AssertionError, match="decoded again"):
            ImageStore.open(folder, size, cache_dir=cache)
    counts = {"gone": 3, "new": 5}
    assert len(ImageStore.open(folder, size, cache_dir=cache)) == counts.get(change, 4)


@pytest.mark.parametrize(
    "damage", ["short", "long", "flipped", "meta", "name", "words", "gone"]
)
def test_a_damaged_cache_is_written_again(folder, cache, caplog, damage):
    ImageStore.open(folder, 16, cache_dir=cache)
    rows, meta = cache_files(cache)
    content, words = rows.read_bytes(), meta.read_text()
    if damage == "short":
        rows.write_bytes(content[:-1])
    elif damage == "long":
        rows.write_bytes(content + b"x")
    elif damage == "flipped":
        rows.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif damage == "meta":
        meta.write_text(words[: len(words) // 2])
    elif damage == "name":
        meta.write_text(words.replace("b/c.png", "b/x.png"))
    elif damage == "words":
        meta.write_bytes(b"\xff\xfe\n")
    else:
        rows.unlink()
    store = ImageStore.open(folder, 16, cache_dir=cache)
    assert store.names == NAMES
    assert np.array_equal(store.images, [noise(seed) for seed in range(4)])
    assert rows.read_bytes() == content and meta.read_text() == words
    assert [r.getMessage() for r in caplog.records] == [
        f"{rows} is damaged; it is written again"
    ]


def test_skipped_files_are_reported_at_every_opening(folder, cache, caplog):
    (folder / "b" / "bad.jpg").write_text("words")
    saved(noise(5)[:1, :1], folder / "dot.png")
    (folder / "f.png").write_bytes((folder / "a.png").read_bytes()[:-200])
    (folder / "g.png").write_bytes(b"")
    for _ in range(2):
        store = ImageStore.open(folder, 16, cache_dir=cache)
        assert store.names == NAMES and len(store) == 4
        assert np.array_equal(store.images, [noise(seed) for seed in range(4)])
        assert list(store.skipped) == ["b/bad.jpg", "dot.png", "f.png", "g.png"]
        assert store.skipped["dot.png"].startswith("too small: expected at least 8")
        assert store.skipped["g.png"].startswith("is empty; ")
        (record,) = caplog.records
        message = record.getMessage()
        assert record.levelname == "WARNING" and "\n" not in message
        assert message.startswith(f"4 of 8 files in {folder} are not usable images")
        for name in ("b/bad.jpg", "dot.png", "f.png"):
            assert f" {name}: {store.skipped[name]};" in message
        assert " g.png" not in message
        assert message.endswith(f"; {cache_files(cache)[1]} lists all")
        assert '"g.png"' in cache_files(cache)[1].read_text()
        caplog.clear()


def test_further_frames_are_counted_at_every_opening(folder, cache, caplog):
    frames = [Image.fromarray(noise(seed)) for seed in (5, 6)]
    frames[0].save(folder / "x.gif", save_all=True, append_images=frames[1:])
    for _ in range(2):
        warn_once.cache_clear()
        ImageStore.open(folder, 16, cache_dir=cache)
        (record,) = caplog.records
        assert record.getMessage() == (
            f"1 of 5 images in {folder} have several frames or pages, of which the "
            "first is taken (x.gif, for example)"
        )
        caplog.clear()


def test_few_pixels_wait_or_are_decoded_at_once(folder, cache, monkeypatch):
    monkeypatch.setattr(decoding, "_PIXELS_AT_ONCE", 2 * 16 * 16)
    lock, now, most = threading.Lock(), [0], [0]

    def read(path, *rest):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1
        return read_image(path)

    monkeypatch.setattr("common.images.square_store.read_image", read)
    ImageStore.open(folder, 16, cache_dir=cache, threads=4)
    assert most == [2]


def test_a_folder_without_usable_images_leaves_no_cache(folder, cache):
    with pytest.raises(UserError, match="^no such directory"):
        ImageStore.open(folder / "nowhere", 16, cache_dir=cache)
    for name in NAMES:
        (folder / name).write_text("words")
    with pytest.raises(UserError, match="^none of the 4 image files in .* is usable; "):
        ImageStore.open(folder, 16, cache_dir=cache)
    assert not list(cache.iterdir())


def test_an_unwritable_cache_is_an_error(folder, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="^cannot write .*choose another folder$"):
        ImageStore.open(folder, 16, cache_dir=tmp_path / "file")


def test_pillow_does_not_warn_and_warning_filters_are_restored(folder, cache):
    saved(noise(5), folder / "x.webp", lossless=True, exif=b"II*\0\xff\xff\xff\xff")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = warnings.filters[:]
        read_image(folder / "x.webp")
        assert caught
        caught.clear()
        store = ImageStore.open(folder, 16, cache_dir=cache)
        assert not caught and warnings.filters == before
    assert np.array_equal(store.images[4], noise(5))


def test_names_that_are_not_valid_unicode_are_kept(folder, cache):
    name = os.fsdecode(b"z\xff.png")
    (folder / "a.png").rename(folder / name)
    for _ in range(2):
        assert ImageStore.open(folder, 16, cache_dir=cache).names[-1] == name


def test_the_default_cache_is_in_the_users_cache_folder(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    ImageStore.open(folder, 16)
    assert len(list(default_cache_dir().glob("images-*"))) == 2


def test_subset_of_consecutive_images_is_a_view(folder, cache):
    store = ImageStore.open(folder, 16, memory_mb=0, cache_dir=cache)
    for indices in ([1, 2], [3, 0], [-2, -1], []):
        part = store.subset(indices)
        assert part.names == tuple(NAMES[i] for i in indices)
        assert np.array_equal(part.images, store.images[indices])
        assert np.shares_memory(part.images, store.images) == (indices == [1, 2])
    with pytest.raises(IndexError):
        store.subset([3, 4])


def test_split_follows_the_folders(caplog):
    names = ["test/a", "train/a", "train/b/c", "test/z/z", "train"]
    train, test = split_names(names)
    assert train.tolist() == [1, 2] and test.tolist() == [0, 3]
    assert train.dtype == test.dtype == np.int64
    (record,) = caplog.records
    assert record.getMessage().endswith("the test images, for example train")


def test_splits_have_the_usual_names_in_any_case():
    train, test = split_names(["a/Train/1", "b/TEST/2", "c/Valid/3", "d/Training/4"])
    assert train.tolist() == [0, 3] and test.tolist() == [1]
    train, test = split_names(["x/train/1", "x/val/2", "y/validation/3"])
    assert train.tolist() == [0] and test.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("count", "held_out"),
    [(2, 1), (3, 1), (6, 1), (8, 1), (9, 2), (15, 3), (20, 3), (21, 4), (600, 100)],
)
def test_split_holds_out_the_last_sixth(count, held_out):
    names = [f"train/{i:04}" for i in range(count)]
    train, test = split_names(names)
    assert train.tolist() == list(range(count - held_out))
    assert test.tolist() == list(range(count - held_out, count))


def test_split_depends_on_names_and_not_on_their_order():
    train, test = split_names(["z", "b", "a", "y", "c", "d"])
    assert train.tolist() == [1, 2, 3, 4, 5] and test.tolist() == [0]
    _, test = split_names(["test/1", "train", "tested/2", "a/trains/3"])
    assert test.tolist() == [1]


@pytest.mark.parametrize("names", [[], ["a.png"], ["train/a.png"]])
def test_split_needs_two_images(names):
    with pytest.raises(UserError, match=f"at least 2 images .*found {len(names)}"):
        split_names(names)
