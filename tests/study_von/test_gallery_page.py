"""The page of shapes, viewpoints and textures."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from tiny import STUDY_VON
from von_runs import write_run

from common.errors import UserError
from study_von.gallery_page import draw_sheet, gallery, write_page
from study_von.training import Networks, texture_latents


class Page(HTMLParser):
    """The elements of a page, by their names, and the open ones."""

    def __init__(self, text: str):
        super().__init__()
        self.found, self.open = {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.setdefault(tag, []).append(dict(attributes))
        if tag not in ("meta", "img", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(path) -> tuple[Page, dict, list[np.ndarray]]:
    """Return a page, its facts and its pictures."""
    text = path.read_text()
    page = Page(text)
    assert page.open == []
    facts = re.search('<script id="facts"[^>]*>(.*?)</script>', text)[1]
    pictures = []
    for image in page.found["img"]:
        head, content = image["src"].split(",")
        assert head == "data:image/jpeg;base64"
        pictures.append(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))))
    return page, json.loads(facts), pictures


def test_a_sheet_has_viewpoints_as_columns_and_textures_as_rows():
    sketches = np.zeros((3, 8, 8, 2), np.float32)
    sketches[..., 1] = -1
    sketches[2, ..., 0] = 1  # The object fills the third view.
    images = [np.full((3, 8, 8, 3), value, np.uint8) for value in (50, 100)]
    images[1][1] = 150
    sheet = draw_sheet(sketches, images)
    assert sheet.shape == (32, 24, 3)
    assert sheet[:8, :16].max() == 0 and sheet[:8, 16:].min() == 255
    assert (sheet[16:24] == 50).all()
    assert [sheet[28, 4 + 8 * view, 0] for view in range(3)] == [100, 150, 100]


def test_the_page_holds_everything_that_it_shows(tmp_path):
    sheets = [np.full((40, 24, 3), value, np.uint8) for value in (40, 200)]
    path = tmp_path / "page.html"
    write_page(path, sheets, [0, 120, 240], 3, "A <b> & {{facts}}")
    page, facts, pictures = parse(path)
    assert facts == {"size": 8, "azimuths": [0, 120, 240], "shapes": 2, "textures": 3}
    assert [picture.shape for picture in pictures] == [(40, 24, 3)] * 2
    assert [int(picture.mean()) for picture in pictures] == [40, 200]
    assert all(image["alt"] for image in page.found["img"])
    text = path.read_text()
    assert "<h1>A &lt;b&gt; &amp; {{facts}}</h1>" in text
    # Nothing is loaded, and every element that the program looks up exists.
    assert not re.search(r"https?://|\burl\(|@import", text)
    ids = {a["id"] for tags in page.found.values() for a in tags if "id" in a}
    used = set(re.findall(r'byId\("(\w+)"\)', text))
    assert used and used <= ids


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "run")


def paint(inputs, training):
    """Return grey images of objects, brighter for a larger latent, on white."""
    sketches, latents = (np.asarray(value) for value in inputs)
    silhouettes = sketches[..., :1]
    grey = np.tanh(latents[:, None, None, :1] - 1) * np.ones(3)
    return silhouettes * grey + 1 - silhouettes


def test_a_run_makes_a_page(run, tmp_path, monkeypatch):
    box = np.zeros((32, 32, 32, 1), np.float16)
    box[8:24, 8:24, 8:24] = 1
    networks = Networks(None, paint, None, "texture")
    monkeypatch.setattr("study_von.gallery_page.load_networks", lambda run: networks)
    monkeypatch.setattr(
        "study_von.gallery_page.draw_volumes", lambda *arguments: np.stack([box, box])
    )
    path = gallery(run, shapes=2, textures=3, views=4, out=tmp_path)
    assert path == tmp_path / "gallery.html"
    _, facts, pictures = parse(path)
    assert facts == {
        "size": 32,
        "azimuths": [0, 90, 180, 270],
        "shapes": 2,
        "textures": 3,
    }
    assert [picture.shape for picture in pictures] == [(5 * 32, 4 * 32, 3)] * 2
    # Silhouettes are white on black, images on white.
    assert pictures[0][16, 16].min() > 240 and pictures[0][0, 0].max() < 15
    middles = [pictures[0][32 * row + 16, 16].astype(int) for row in (2, 3, 4)]
    assert pictures[0][2 * 32, 0].min() > 240
    # The latents are those of `texture_latents`, in this order.
    latents = texture_latents(STUDY_VON, 3, 1)[:, 0]
    expected = 127.5 * (np.tanh(latents - 1) + 1)
    np.testing.assert_allclose(np.mean(middles, axis=1), expected, atol=5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shapes": 0}, "--shapes must be from 1"),
        ({"views": 37}, "--views must be from 1"),
        ({"seed": -1}, "--seed"),
        ({"shapes": 36, "textures": 36, "views": 36}, "at most"),
    ],
)
def test_wrong_options_are_errors(run, options, message):
    with pytest.raises(UserError, match=message):
        gallery(run, **options)
    assert not (run.path / "gallery.html").exists()
