"""Chapter 3: images are joined to their labels, split by person and described."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pictures import noise, saved
from PIL import Image
from wikis import day, fields, write_mat

from chapter03_agecgan import data
from chapter03_agecgan.config import Config
from chapter03_agecgan.data import (
    PARTS,
    Faces,
    describe,
    load_people,
    load_split,
    split_by_person,
)
from chapter03_agecgan.labels.listing import Record
from common.errors import UserError
from common.images.reading import read_image

SIZE = 32


def config(folder: Path, **options: object) -> Config:
    return Config(data=folder, size=SIZE, **options)


def flat(level: int) -> np.ndarray:
    """Return an image of one grey level, which resizing does not change."""
    return np.full((40, 40, 3), level, np.uint8)


def write_people(folder: Path, photos: dict[str, int]) -> None:
    """Write a table, and images of the grey level age + 100, for name -> age."""
    lines = ["path,age,person"]
    for name, age in photos.items():
        saved(flat(age + 100), folder / name)
        lines.append(f"{name},{age},{Path(name).parent.name}")
    (folder / "labels.csv").write_text("\n".join(lines))


@pytest.fixture(scope="module")
def wiki(tmp_path_factory) -> Path:
    """Return a folder like wiki_crop, with the faults of the real data set.

    It has ten people named 0 to 9, with two photos each. The grey level of each photo
    is its age + 100. One photo is unreadable and one is missing. Of the other images,
    one has a record but no face, and two have no record.
    """
    folder = tmp_path_factory.mktemp("wiki_crop")
    rows = []
    for i in range(20):
        # Born in 1990 - 4 i, early in the year: age 4 i.
        row = {"dob": day(f"{1990 - 4 * i}-01-02"), "name": str(i // 2)}
        rows.append(row | {"full_path": f"{i % 3:02}/{i:02}.png"})
        saved(flat(4 * i + 100), folder / rows[-1]["full_path"])
    (folder / "00" / "06.png").write_bytes(b"these are words")
    (folder / "01" / "07.png").unlink()
    saved(flat(0), folder / "00" / "05_extra.png")
    saved(flat(0), folder / "a.png")
    (folder / "01" / "junk.png").write_bytes(b"no record, so not counted")
    rows.append({"full_path": "a.png", "face_score": -np.inf})
    # The records are not in the order of the file names.
    write_mat(folder / "wiki.mat", fields(rows[::-1]))
    return folder


@pytest.fixture(scope="module")
def parts(wiki) -> dict[str, Faces]:
    """Return both splits of that folder."""
    return {part: load_split(config(wiki), part) for part in ("train", "test")}


def assert_labels_fit(faces: Faces) -> None:
    """Check each image's grey level against its label."""
    assert faces.images.dtype == np.uint8 and faces.ages.dtype == np.int64
    assert faces.images.shape == (len(faces.names), SIZE, SIZE, 3)
    assert np.all(faces.images == (faces.ages + 100)[:, None, None, None])
    assert list(faces.names) == sorted(faces.names)


def test_every_image_keeps_its_own_label(parts, wiki):
    seen = {}
    for faces in parts.values():
        assert_labels_fit(faces)
        assert faces.folder == wiki
        rows = zip(faces.names, faces.persons, faces.ages.tolist(), strict=True)
        seen |= {name: (person, age) for name, person, age in rows}
    good = [i for i in range(20) if i not in (6, 7)]
    assert seen == {f"{i % 3:02}/{i:02}.png": (str(i // 2), 4 * i) for i in good}


def test_labels_fit_if_the_images_stay_on_the_disk(wiki):
    assert_labels_fit(load_split(config(wiki, cache_mb=1e-3), "train"))


def test_unusable_photos_are_counted(parts):
    reasons = ("no face found", "file not found", "unreadable image")
    assert parts["test"].dropped == dict.fromkeys(reasons, 1)


def test_the_last_of_fewer_than_ten_people_is_held_out(parts):
    """Person 3 of the ten has no usable photo."""
    test = parts["test"]
    assert test.persons == ("9", "9") and test.ages.tolist() == [72, 76]
    assert test.classes.tolist() == [5, 5]
    assert set(parts["train"].persons) == set("01245678")


def test_nobody_is_in_both_parts():
    records = [Record(f"{i}.png", 20, f"{i % 25:02}") for i in range(100)]
    parts = split_by_person(records)
    held_out = {records[i].person for i in parts["test"]}
    assert held_out == {"09", "19"}
    assert not held_out & {records[i].person for i in parts["train"]}
    both = np.concatenate([parts["train"], parts["test"]])
    assert sorted(both) == list(range(100)) and parts["test"].tolist() == [
        *(9, 19, 34, 44, 59, 69, 84, 94)
    ]


def test_without_persons_every_tenth_name_is_held_out():
    records = [Record(f"{i:02}.png", 20, None) for i in range(25)]
    assert split_by_person(records)["test"].tolist() == [9, 19]
    assert split_by_person(records[:9])["test"].tolist() == [8]
    assert split_by_person(records[:1])["train"].tolist() == []


@pytest.mark.parametrize(
    ("training", "held_out"),
    [("Train", "Test"), ("train", "valid"), ("x/Training", "x/TESTING")],
)
def test_folders_of_splits_decide(tmp_path, caplog, training, held_out):
    """Without them, the last person would be held out."""
    names = {f"{training}/a.png": 1, f"{training}/z.png": 50, f"{held_out}/b.png": 30}
    write_people(tmp_path, names | {"beside.png": 20})
    parts = {part: load_split(config(tmp_path), part).names for part in PARTS}
    assert parts == {
        "train": (f"{training}/a.png", f"{training}/z.png"),
        "test": (f"{held_out}/b.png",),
    }
    assert "left out: 1 images outside the folders" in caplog.text
    assert describe(config(tmp_path)).endswith(
        "Left out of the 4 photos of labels.csv:\n\n"
        "- outside the folders of training and test photos: 1"
    )
    assert "persons in both" not in caplog.text


def test_folders_of_splits_decide_where_names_tell_the_ages(tmp_path):
    for name in ("Train/20_0_0_1", "Train/70_0_0_2", "test/30_0_0_3"):
        saved(flat(9), tmp_path / f"{name}.png")
    assert load_split(config(tmp_path), "test").names == ("test/30_0_0_3.png",)


def test_a_person_in_both_splits_is_named(tmp_path, caplog):
    write_people(tmp_path, {"Train/0.png": 1, "Train/1.png": 50, "Test/2.png": 30})
    table = tmp_path / "labels.csv"
    table.write_text(table.read_text().replace(",Test", ",Train"))
    load_split(config(tmp_path), "train")
    assert (
        f"{tmp_path}: persons in both the training and the test folders: 1, for "
        "example Train; " in caplog.text
    )


def test_splits_of_consecutive_images_are_not_copied(tmp_path):
    write_people(tmp_path, {f"{p}/{i}.png": 25 * i for p in "abc" for i in range(2)})
    for part in ("train", "test"):
        assert not load_split(config(tmp_path), part).images.flags.owndata
        mapped = load_split(config(tmp_path, cache_mb=1e-3), part).images
        assert isinstance(mapped, np.memmap)


@pytest.mark.parametrize(
    ("photos", "found"),
    [
        ({"a/0.png": 1, "a/1.png": 50}, "0 of 0 classes and 2"),
        ({"a/0.png": 1, "b/1.png": 50}, "1 of 1 classes and 1"),
        ({"a/0.png": 1, "a/1.png": 2, "b/0.png": 50}, "2 of 1 classes and 1"),
    ],
)
def test_too_few_photos_are_refused(tmp_path, photos, found):
    write_people(tmp_path, photos)
    message = f"^{tmp_path}/labels.csv: expected at least 2 photos .* found {found}; "
    with pytest.raises(UserError, match=message):
        load_split(config(tmp_path), "train")


def test_labels_without_their_images_are_refused(tmp_path):
    write_people(tmp_path, {"a/0.png": 1, "b/0.png": 2})
    (tmp_path / "a").rename(tmp_path / "x")
    (tmp_path / "b" / "0.png").write_bytes(b"words")
    message = (
        "^none of the 2 paths in labels.csv is an image below .*"
        r"\(file not found: 1, unreadable image: 1\); unpack"
    )
    with pytest.raises(UserError, match=message):
        load_split(config(tmp_path), "train")


def test_listed_paths_outside_the_folder_are_never_opened(tmp_path):
    folder = tmp_path / "data"
    write_people(folder, {"a/0.png": 1, "a/1.png": 50, "b/0.png": 3})
    saved(flat(9), tmp_path / "secret.png")
    with (folder / "labels.csv").open("a") as file:
        file.write(f"\n../secret.png,9,b\n{tmp_path}/secret.png,9,b\n")
    assert load_split(config(folder), "test").names == ("b/0.png",)
    assert load_split(config(folder), "test").dropped == {"path outside the folder": 2}


def test_the_description_counts_photos_people_and_unusable_photos(wiki, caplog):
    assert describe(config(wiki)).splitlines() == [
        "| split | photos | people | 0-18 | 19-29 | 30-39 | 40-49 | 50-59 | 60+ |",
        "|---|---|---|---|---|---|---|---|---|",
        # The ages 0 4 8 12 16 20 32 36 40 44 48 52 56 60 64 68, and 72 76.
        "| train | 16 | 8 | 5 | 1 | 2 | 3 | 2 | 3 |",
        "| test | 2 | 1 | 0 | 0 | 0 | 0 | 0 | 2 |",
        "",
        "Left out of the 21 photos of wiki.mat:",
        "",
        "- no face found: 1",
        "- file not found: 1",
        "- unreadable image: 1",
    ]
    few = [r.getMessage() for r in caplog.records if "fewer than 50" in r.getMessage()]
    assert few == [
        f"{wiki}: fewer than 50 photos to train on of 0-18 (5), 19-29 (1), 30-39 (2), "
        "40-49 (3), 50-59 (2), 60+ (3); such few are learnt by heart, and a class "
        "without any is not learnt; add some"
    ]
    # The file of labels belongs there.
    assert "passed over" not in caplog.text


def test_the_description_of_photos_without_names(tmp_path):
    for i in range(10):
        saved(flat(i), tmp_path / f"{10 * i}_0_0_{i}.png")
    lines = describe(config(tmp_path)).splitlines()
    assert lines[2] == "| train | 9 | unknown | 2 | 1 | 1 | 1 | 1 | 3 |"
    assert lines[3] == "| test | 1 | unknown | 0 | 0 | 0 | 0 | 0 | 1 |"
    assert lines[-1] == "- none"


def test_without_data_the_stand_in_is_written(monkeypatch, tmp_path, caplog):
    calls = []

    def write_wiki(folder: Path, **options: int) -> None:
        calls.append((folder, options))
        write_people(folder, {"a/0.png": 1, "a/1.png": 50, "b/0.png": 3})

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(data, "write_wiki", write_wiki)
    with caplog.at_level("INFO"):
        faces = load_split(Config(size=SIZE), "train")
    assert faces.persons == ("a", "a")
    [(folder, options)] = calls
    assert options == {"people": 500, "photos": 6, "seed": 0, "size": 128}
    assert folder.parent.parent == tmp_path and folder.name.startswith("age-faces-1-")
    assert f"no --data given: using the procedural stand-in in {folder}" in caplog.text


def test_every_fourth_person_is_held_out(tmp_path):
    """A person with one photo is for training; images beside folders are ignored."""
    names = ["s2/1.pgm", "s2/2.pgm", "s1/a.png", "s1/b/c.jpg", "s3/1.png", "s3/2.png"]
    names += ["s4/1.png", "s4/2.png", "s5/1.png"]
    for seed, name in enumerate(names):
        saved(Image.fromarray(noise(seed, 60, 40)).convert("L"), tmp_path / name)
    saved(noise(19), tmp_path / "cover.png")
    people = load_people(tmp_path, SIZE, "train")
    assert people.persons == ("s1", "s1", "s2", "s2", "s3", "s3", "s5")
    assert people.images.shape == (7, SIZE, SIZE, 3)
    middle = Image.fromarray(read_image(tmp_path / "s2" / "1.pgm")[10:50])
    wanted = np.array(middle.resize((SIZE, SIZE), Image.Resampling.LANCZOS))
    assert np.abs(people.images[2].astype(int) - wanted).max() <= 1
    assert load_people(tmp_path, SIZE, "test").persons == ("s4", "s4")


def test_folders_of_splits_are_no_persons(tmp_path):
    """Their photos are one set: nobody may be in both parts."""
    for person in "abcd":
        for split in ("Train", "test"):
            saved(noise(0), tmp_path / split / person / "1.png")
    saved(noise(0), tmp_path / "test" / "1.png")  # perhaps a person of that name
    assert load_people(tmp_path, SIZE, "test").persons == ("d", "d")
    assert set(load_people(tmp_path, SIZE, "train").persons) == {*"abc", "test"}


def test_too_few_people_are_refused(tmp_path):
    for seed, name in enumerate(["a/1.png", "a/2.png", "b/1.png", "x.png", "y.png"]):
        saved(noise(seed), tmp_path / name)
    with pytest.raises(UserError, match="two photos each, found 1 such; add some$"):
        load_people(tmp_path, SIZE, "train")


def test_orl_has_40_people_of_10_photos(shared_data):
    folder = shared_data / "orl_faces"
    train, test = (load_people(folder, SIZE, part).persons for part in PARTS)
    assert len(train) == 300 and len(test) == 100
    assert not set(train) & set(test)
    assert set(Counter(train + test).values()) == {10}


def test_data_can_be_imported_without_tensorflow():
    program = (
        "import sys, chapter03_agecgan.data\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(data.__file__).parents[1]
    )
    assert done.returncode == 0
