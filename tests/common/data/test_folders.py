import time

import pytest

from common.data.folders import check_folder, find_files, no_files, split_of
from common.errors import UserError


def names(folder, **options):
    found = find_files(folder, (".npy",), "shapes", **options)
    return [path.relative_to(folder).as_posix() for path in found]


def test_what_is_passed_over_is_counted_and_named_once(tmp_path, caplog):
    for name in ("b.NPY", "a.npy", "._a.npy", ".DS_Store", "notes.txt", "labels.csv"):
        (tmp_path / name).touch()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "gone.npy").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self.npy").symlink_to(tmp_path / "self.npy")
    for _ in range(2):
        assert names(tmp_path, known=("labels.csv",)) == ["a.npy", "b.NPY"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: passed over 3 hidden (.DS_Store), 2 broken link (gone.npy), "
        "1 .txt (notes.txt)"
    ]


def test_what_is_found_instead_of_files_has_its_right_name(tmp_path):
    for name in (".a.npy", "b.txt", "LICENSE"):
        (tmp_path / name).touch()
    for name in ("v1.0", ".git"):
        (tmp_path / name).mkdir()
    message = str(no_files(tmp_path, "shapes", ".npy files"))
    assert message == (
        f"no shapes in {tmp_path}; expected .npy files, found 2 hidden (.a.npy), "
        "1 no suffix (LICENSE), 1 .txt (b.txt), 1 folder (v1.0)"
    )


def test_folders_are_searched_to_any_depth_if_asked(tmp_path):
    for name in ("x.npy", "in/y.npy", "in/deep/z.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ["in/deep/z.npy", "in/y.npy", "x.npy"]


def test_a_folder_is_entered_once_and_under_its_own_path(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x.npy").touch()
    (tmp_path / "far" / "loop").symlink_to(tmp_path / "far")
    data = tmp_path / "data"
    (data / "z_own").mkdir(parents=True)
    (data / "z_own" / "y.npy").touch()
    (data / "a_link").symlink_to(data / "z_own")
    (data / "far").symlink_to(tmp_path / "far")
    (data / "z_own" / "back").symlink_to(data)
    assert names(data) == ["far/x.npy", "z_own/y.npy"]


def test_chains_of_links_do_not_multiply(tmp_path):
    # Two links in each of 16 folders are 65,536 paths to the last one.
    for number in range(16):
        folder = tmp_path / f"{number:02}"
        folder.mkdir()
        for link in "ab":
            (folder / link).symlink_to(tmp_path / f"{number + 1:02}")
    (tmp_path / "16").mkdir()
    (tmp_path / "16" / "x.npy").touch()
    start = time.process_time()
    assert names(tmp_path / "00") == ["a/" * 16 + "x.npy"]
    assert time.process_time() - start < 1


def test_a_file_is_not_said_to_be_missing(tmp_path):
    (tmp_path / "x.npy").touch()
    with pytest.raises(UserError, match="x.npy is a file; expected a folder of shapes"):
        check_folder(tmp_path / "x.npy", "shapes")
    with pytest.raises(UserError, match="no such directory: .*nowhere"):
        check_folder(tmp_path / "nowhere", "shapes")


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("Train/chair/1.npy", "train"),
        ("chair/TESTING/1.npy", "test"),
        ("Val/test/1.npy", "validation"),
        ("valid/1.npy", "validation"),
        ("train", None),
        ("trains/1.npy", None),
        ("HR/1.npy", "test"),
    ],
)
def test_folders_that_mean_a_split(path, split):
    assert split_of(path, {"HR": "test"}) == split
