"""Chapter 3: age classes, and the labels of data sets of each kind."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from wikis import cells, day, fields, write_mat

from chapter03_agecgan.ages import AGE_CLASSES, age_class, one_hot, parse_class
from chapter03_agecgan.labels import imdb_wiki, imdb_wiki_reader
from chapter03_agecgan.labels.listing import Record, read_listing
from common.errors import UserError

NO_DAY = "no date of birth"
# Fields of a row of wiki.mat, and the age or the fault that must result.
ROWS = [
    # The middle of the year is between June and July.
    ({"dob": day("1950-06-30")}, 40),
    ({"dob": day("1950-07-01")}, 39),
    ({"dob": day("1950-12-31") + 0.99}, 39),
    ({"dob": day("1951-01-01")}, 39),
    ({"dob": day("1952-02-29"), "photo_taken": 1952}, 0),
    ({"dob": day("1889-07-01")}, 100),
    ({"dob": day("1889-06-30")}, "age above 100"),
    ({"dob": day("1990-07-01")}, "age below 0"),
    # In uint16 this would be 65,519.
    ({"dob": day("1981-01-01"), "photo_taken": 1964}, "age below 0"),
    ({"dob": 0.0}, NO_DAY),
    ({"dob": 366.9}, NO_DAY),
    ({"dob": 367.0}, "age above 100"),
    ({"dob": -1e300}, NO_DAY),
    ({"dob": np.nan}, NO_DAY),
    ({"dob": np.inf}, NO_DAY),
    ({"dob": 1e12}, NO_DAY),
    ({"dob": day("9999-12-31")}, "age below 0"),
    ({"photo_taken": 0}, "no year of the photo"),
    ({"photo_taken": 65535}, "no year of the photo"),
    ({"face_score": -np.inf}, "no face found"),
    ({"face_score": np.nan}, "no face found"),
    ({"face_score": 0.99}, "face score below 1"),
    ({"face_score": 1.0}, 40),
    ({"second_face_score": 1.5}, "second face"),
    ({"full_path": "../00/a.png"}, "path outside the folder"),
    ({"full_path": "00/../../a.png"}, "path outside the folder"),
    ({"full_path": "/etc/a.png"}, "path outside the folder"),
    ({"full_path": "C:\\a.png"}, "path outside the folder"),
    ({"full_path": ""}, "path outside the folder"),
    ({"full_path": "01\\b.png"}, 40),
    ({"full_path": "./01//b.png"}, "listed twice"),
    ({"full_path": "01/x/../c.png"}, 40),
]


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(text, "utf-8")
    return path


def test_the_first_and_last_age_of_each_class():
    ages = [0, 18, 19, 29, 30, 39, 40, 49, 50, 59, 60, 100]
    classes = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert age_class(np.array(ages)).tolist() == classes
    assert [age_class(age) for age in ages] == classes
    assert isinstance(age_class(40), int) and AGE_CLASSES[age_class(40)] == "40-49"
    assert age_class(18.9) == 0


@pytest.mark.parametrize("age", [-1, 101, np.nan, np.array([20, 300])])
def test_impossible_ages_have_no_class(age):
    with pytest.raises(ValueError, match="ages must be from 0 to 100, found"):
        age_class(age)


def test_classes_are_read_by_name():
    assert [parse_class(name, "--to") for name in AGE_CLASSES] == list(range(6))
    known = r"^--to must be one of 0-18, .*, 50-59, 60\+ or all, found 25$"
    with pytest.raises(UserError, match=known):
        parse_class("25", "--to", also=("all",))
    with pytest.raises(UserError, match=r"50-59 or 60\+, found $"):
        parse_class("", "--to")


def test_one_hot_has_a_1_at_the_class():
    hot = one_hot(np.array([5, 0]))
    assert hot.dtype == np.float32
    assert hot.tolist() == [[0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0]]
    with pytest.raises(ValueError, match="from 0 to 5"):
        one_hot(np.array([0, -1]))


@pytest.fixture(scope="module")
def trapped(tmp_path_factory):
    """The listing of a wiki.mat with all of ROWS, read through its folder."""
    folder = tmp_path_factory.mktemp("wiki")
    write_mat(folder / "wiki.mat", fields([row for row, _ in ROWS]))
    return read_listing(folder)


def test_every_row_of_wiki_mat_has_the_expected_age(trapped):
    kept = [(i, row, age) for i, (row, age) in enumerate(ROWS) if isinstance(age, int)]
    short = {"01\\b.png": "01/b.png", "01/x/../c.png": "01/c.png"}
    paths = [row.get("full_path", f"00/{i}.png") for i, row, _ in kept]
    assert trapped.records == tuple(
        Record(short.get(path, path), age, "Ann")
        for path, (_, _, age) in zip(paths, kept, strict=True)
    )


def test_every_dropped_row_of_wiki_mat_has_its_reason(trapped):
    reasons = [fault for _, fault in ROWS if isinstance(fault, str)]
    assert trapped.dropped == {reason: reasons.count(reason) for reason in reasons}
    assert trapped.source == trapped.folder / "wiki.mat"


def test_the_first_usable_row_of_a_file_listed_twice_is_kept(tmp_path):
    text = "path,age\na.png,300\na.png,20\na.png,30\n"
    listing = read_listing(table(tmp_path, text))
    assert listing.records == (Record("a.png", 20, None),)
    assert listing.dropped == {"age above 100": 1, "listed twice": 1}


def test_imdb_mat_may_have_more_fields(tmp_path):
    rows = [{"name": "Zoë Ó"}, {"name": ""}, {"name": np.zeros((0, 0))}]
    content = fields(rows) | {"celeb_names": cells(["Ann"]), "celeb_id": np.ones(9)}
    path = write_mat(tmp_path / "other.mat", content, "imdb")
    persons = [record.person for record in read_listing(path).records]
    assert persons == ["Zoë Ó", None, None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dob": None}, "^expected the field dob, found photo_taken, full_path, .*"),
        ({"full_path": None}, "^expected the field full_path, found"),
        ({"second_face_score": None}, "^expected the field second_face_score"),
        ({"face_score": np.ones(3)}, r"face_score as of full_path \(2\), found 3"),
        ({"name": cells(["Ann"])}, r"field name as of full_path \(2\), found 1"),
        ({"dob": cells([1, 2])}, "^expected numbers in the field dob"),
        ({"face_score": np.ones(2) * 1j}, "^expected numbers in the field face_score"),
        ({"full_path": np.ones(2)}, "^expected texts in the field full_path"),
    ],
)
def test_a_struct_with_missing_or_wrong_fields_is_refused(tmp_path, change, message):
    content = {k: v for k, v in (fields([{}, {}]) | change).items() if v is not None}
    path = write_mat(tmp_path / "wiki.mat", content)
    with pytest.raises(imdb_wiki_reader.Fault, match=message):
        imdb_wiki_reader.read_columns(str(path))


def test_the_name_may_be_missing(tmp_path):
    content = fields([{}, {}])
    del content["name"]
    path = write_mat(tmp_path / "wiki.mat", content)
    assert imdb_wiki_reader.read_columns(str(path))["name"] == ["", ""]


def test_a_mat_file_with_other_data_is_refused_in_one_line(tmp_path):
    path = tmp_path / "wiki.mat"
    savemat(path, {"voxels": np.ones(2), "x": 1})
    message = f"{path}: expected a struct named wiki or imdb, found voxels, x"
    with pytest.raises(UserError, match=f"^{message}$"):
        read_listing(tmp_path)
    savemat(path, {"wiki": np.ones(2)})
    with pytest.raises(
        imdb_wiki_reader.Fault, match="^expected 'wiki' to be one struct"
    ):
        imdb_wiki_reader.read_columns(str(path))


@pytest.mark.parametrize("damage", ["words", "cut", "flipped"])
def test_a_damaged_mat_file_is_refused_in_one_line(tmp_path, damage):
    path = write_mat(tmp_path / "wiki.mat", fields([{}] * 50))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged = {"words": b"<html>no such page</html>" * 9, "flipped": bytes(content)}
    path.write_bytes(damaged.get(damage, content[: len(content) // 2]))
    message = f"^{path}: expected a MATLAB file .*; download it again$"
    with pytest.raises(UserError, match=message):
        read_listing(path)


def test_a_crash_of_the_reader_is_reported_in_one_line(tmp_path, monkeypatch):
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(imdb_wiki, "_READER", crash)
    path = write_mat(tmp_path / "wiki.mat", fields([{}]))
    with pytest.raises(UserError, match="damaged one; download it again$"):
        read_listing(path)


def test_a_mat_file_too_large_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(imdb_wiki, "Child", None)
    with (tmp_path / "wiki.mat").open("wb") as file:
        file.truncate(2**30 + 1)  # a sparse file: it takes no space on the disk
    with pytest.raises(UserError, match="wiki.mat is too large: expected at most"):
        read_listing(tmp_path)


def test_files_named_as_in_utkface_have_their_age(tmp_path):
    good = ["20_0_4_2017.jpg.chip.jpg", "sub/9_1_0_20170.JPG"]
    bad = [
        "61_3_20170109.jpg",
        "21_2_0_2017.jpg",
        "22_0_5_2017.jpg",
        "x.png",
        "holiday_25_0_1_2017.jpg",
        "25_0_1_.jpg",
        "0025_0_1_2017.jpg",
        "\u0662\u0665_0_1_2017.jpg",  # 25 in Arabic digits
    ]
    for name in (*good, *bad, "116_1_2_2017.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "README.txt").touch()
    listing = read_listing(tmp_path)
    assert listing.records == (Record(good[0], 20, None), Record(good[1], 9, None))
    assert listing.dropped == {
        "age above 100": 1,
        "name is not age_gender_race_date": len(bad),
    }
    assert listing.folder == listing.source == tmp_path


def test_a_table_is_read_by_its_columns(tmp_path):
    path = table(
        tmp_path,
        "\ufeffPerson, age ,path,x\nAnn,20,a/b.png,1\n,21.9,c.png,\n\nBo,old,d.png,1\n"
        "Bo,nan,e.png,1\nBo,inf,h.png,1\nBo\nBo,-1,f.png,1\nBo,22,../g.png,1\n",
    )
    for data in (path, tmp_path):
        listing = read_listing(data)
        assert listing.records == (
            Record("a/b.png", 20, "Ann"),
            Record("c.png", 21, None),
        )
    reasons = {"no age": 3, "age below 0": 1, "path outside the folder": 2}
    assert listing.dropped == reasons and listing.folder == tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; download or write it again"),
        (
            "path;age\na;1\n",
            "expected one column path .*, found path;age; .*with commas$",
        ),
        ("path,person\n", "expected one column age .*, found path,person; add"),
        ("path,age,age\n", "expected one column age"),
        ("path,age\n", r"found none that can be used \(no rows\)"),
        ("path,age\nC:\\a.png,30\n", r"outside the folder: 1\); .* relative to it"),
        ("path,age\na,300\n", r"found none that can be used \(age above 100: 1\)"),
        ("path,age\n" + "x" * 200_000, "expected a table in UTF-8 with commas"),
    ],
)
def test_a_table_of_another_kind_is_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        read_listing(table(tmp_path, text))
    assert "\n" not in str(caught.value) and "labels.csv" in str(caught.value)


def test_a_table_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_bytes("path,age\né.png,3\n".encode("latin-1"))
    with pytest.raises(UserError, match="expected a table in UTF-8"):
        read_listing(tmp_path)


@pytest.mark.parametrize(
    ("files", "data", "message"),
    [
        ([], "nowhere", "^no such directory: .*nowhere; check the path$"),
        ([], "wiki.mat", "^no such file: .*wiki.mat; check the path$"),
        (["a.txt"], "a.txt", "^.*a.txt: expected a folder of faces, a .mat or a .csv"),
        (["wiki.mat", "labels.csv"], "", "expected one of .*, found wiki.mat, labels"),
        (["b.png", "a.png"], "", "images named .*; found 2 images .* first is a.png$"),
        (["a.txt"], "", "^no images in "),
    ],
)
def test_data_of_unknown_kinds_are_refused(tmp_path, files, data, message):
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=message):
        read_listing(tmp_path / data)


def test_all_of_utkface_is_read(shared_data):
    """Three of the 2,962 files have the ages 105, 110 and 115 in their names."""
    listing = read_listing(shared_data / "utkface")
    assert len(listing.records) == 2959
    assert listing.dropped == {"age above 100": 3}
