"""Names of results do not clash, files are not replaced, captions are short."""

from pathlib import Path

import pytest

from common.errors import UserError
from common.images.source_files import file_names, keep_sources, short_name


def test_names_do_not_clash():
    photos = "a.jpg b/A.png c.jpg d/c.jpg d/c.jpg sheet.jpg e.tar.jpg"
    names = file_names([Path(photo) for photo in photos.split()], {"sheet"})
    assert names == [
        "a.jpg",
        "A.png",
        "c.jpg",
        "c.jpg_2",
        "c.jpg_3",
        "sheet.jpg_2",
        "e.tar",
    ]
    assert len({name.casefold() for name in names}) == len(names)


def test_a_file_is_not_replaced_by_a_result(tmp_path):
    source, link = tmp_path / "a.png", tmp_path / "b.png"
    source.write_bytes(b"1")
    link.symlink_to(source)
    keep_sources([source], [tmp_path / "c.png"])
    for result in (source, link):
        with pytest.raises(UserError, match=r"a\.png would be replaced .*--out"):
            keep_sources([source], [result])


def test_captions_are_short_and_printable():
    assert short_name("a\n b") == "a b"
    assert short_name("x" * 18) == "x" * 18
    assert short_name("x" * 19) == "x" * 15 + "..."
