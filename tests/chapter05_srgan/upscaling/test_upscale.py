"""Enlarging image files and folders: results, targets, errors and comparisons."""

import struct
import zlib

import cv2
import keras
import numpy as np
import pytest
from keras import layers
from pictures import noise, saved
from PIL import Image, ImageCms

from chapter05_srgan.upscaling import upscale
from chapter05_srgan.upscaling.reading import Picture, read_picture
from chapter05_srgan.upscaling.upscale import upscale_files
from chapter05_srgan.upscaling.writing import write_picture
from common.errors import LeftOut, UserError, WritingError
from common.files import cannot_write


@pytest.fixture(scope="module")
def doubling() -> keras.Model:
    """A x2 network that repeats each pixel, so that results are known exactly."""
    images = keras.Input((None, None, 3))
    return keras.Model(images, layers.UpSampling2D(2)(images))


def _repeated(values: np.ndarray) -> np.ndarray:
    """Return the result of the network `doubling`."""
    return values.repeat(2, axis=0).repeat(2, axis=1)


def test_an_enlarged_image_keeps_bits_alpha_profile_and_exif(tmp_path, doubling):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = tmp_path / "some.photo.png"
    values = noise(0, 12, 10).astype(np.uint16) * 257 + 5
    exif = Image.Exif()
    exif[271] = "Someone"
    write_picture(
        source, Picture(values, values[..., 0], False, profile, exif.tobytes())
    )
    assert upscale_files(doubling, 2, source) == [tmp_path / "some.photo_x2.png"]
    before, after = read_picture(source), read_picture(tmp_path / "some.photo_x2.png")
    assert np.array_equal(after.rgb, _repeated(before.rgb)) and after.bits == 16
    assert after.icc_profile == profile and after.exif == before.exif
    wanted = cv2.resize(before.alpha, (20, 24), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(after.alpha, wanted)


def test_a_grey_image_stays_grey_as_the_mean_of_the_channels(tmp_path):
    images = keras.Input((None, None, 3))
    factors = layers.Rescaling([1.0, 0.0, -1.0], [0.0, 0.0, 0.3])(images)
    network = keras.Model(images, factors)  # the mean of the channels is 0.1
    values = noise(0)[..., 0] % 64 + 96  # so that nothing is clipped
    picture = read_picture(
        upscale_files(
            network, 1, saved(values, tmp_path / "x.bmp"), tmp_path / "y.tif"
        )[0]
    )
    assert picture.grey and (picture.rgb == round(1.1 * 127.5)).all()


def test_folders_keep_their_structure_and_broken_files_are_reported(
    tmp_path, doubling, caplog
):
    source = tmp_path / "photos.2"
    good = {"a.png": "a", "b/a.bmp": "b/a", "b/c.d.png": "b/c.d"}
    same = {"same.png": "same.png", "Same.bmp": "Same.bmp"}
    for name in good | same:
        saved(noise(len(name), 9, 11), source / name)
    (source / "empty.png").write_bytes(b"")
    (source / "text.jpg").write_text("no image")
    torn = (source / "a.png").read_bytes()
    (source / "torn.png").write_bytes(torn[: len(torn) // 2])
    large = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + large
    head = (
        torn[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    (source / "bomb.png").write_bytes(head + torn[33:])
    written = upscale_files(doubling, 2, source)
    wanted = {
        tmp_path / "photos.2_x2" / f"{n}.png": p for p, n in (good | same).items()
    }
    assert set(written) == set(wanted) and isinstance(written, LeftOut)
    for path, name in wanted.items():
        assert np.array_equal(
            read_picture(path).rgb, _repeated(read_picture(source / name).rgb)
        )
    *messages, last = [record.getMessage() for record in caplog.records]
    assert last == "4 of 9 images were left out"
    assert [message.split(": ")[1] for message in sorted(messages)] == [
        str(source / name) for name in ("bomb.png", "empty.png", "text.jpg", "torn.png")
    ]
    assert all("\n" not in message for message in messages)


def test_files_that_cannot_be_read_are_refused(tmp_path, doubling):
    for name, content, words in (
        ("empty.png", b"", "is empty"),
        ("text.png", b"no image", "found a text; "),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"^{tmp_path / name}.*{words}"):
            upscale_files(doubling, 2, tmp_path / name)
    with pytest.raises(UserError, match="no such file"):
        upscale_files(doubling, 2, tmp_path / "none.png")
    with pytest.raises(UserError, match="none of the 2 image files .* the first: "):
        upscale_files(
            doubling, 2, tmp_path, tmp_path.with_name(f"{tmp_path.name}_other")
        )
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UserError, match="no images in"):
        upscale_files(doubling, 2, tmp_path / "nothing")
    assert not list(tmp_path.glob("*_x2*"))


def test_files_are_replaced_only_with_overwrite_and_sources_never(tmp_path, doubling):
    source = saved(noise(1), tmp_path / "in" / "x.png")
    content = source.read_bytes()
    target = tmp_path / "y.png"
    assert upscale_files(doubling, 2, source, target) == [target]
    with pytest.raises(UserError, match="y.png exists already"):
        upscale_files(doubling, 2, source, target)
    target.write_bytes(b"")
    upscale_files(doubling, 2, source, target, overwrite=True)
    assert read_picture(target).rgb.shape == (32, 32, 3)
    link = tmp_path / "link.png"
    link.symlink_to(source)
    for out in (source, link, tmp_path / "in" / ".." / "in" / "x.png"):
        with pytest.raises(UserError, match="is an image to be enlarged"):
            upscale_files(doubling, 2, source, out, overwrite=True)
    assert not isinstance(upscale_files(doubling, 2, source.parent), LeftOut)
    for folder in (source.parent, source.parent / "new"):
        with pytest.raises(UserError, match="is in the folder to be enlarged"):
            upscale_files(doubling, 2, source.parent, folder, overwrite=True)
    assert source.read_bytes() == content


def test_impossible_targets_are_refused(tmp_path, doubling):
    source = saved(noise(1), tmp_path / "in" / "x.png")
    (tmp_path / "file").write_bytes(b"")
    for out, words in (
        (tmp_path / "y.gif", "expected a name ending in"),
        (tmp_path / "file" / "y.png", "cannot write .*Not a directory"),
    ):
        with pytest.raises(UserError, match=words):
            upscale_files(doubling, 2, source, out)
    with pytest.raises(UserError, match="is a file; expected a folder"):
        upscale_files(doubling, 2, source.parent, tmp_path / "file")
    with pytest.raises(UserError, match="tile must be at least 20"):
        upscale_files(doubling, 2, source, tile=19)
    (tmp_path / "out").mkdir()
    written = upscale_files(doubling, 2, source, tmp_path / "out")
    assert written == [tmp_path / "out" / "x_x2.png"]


def test_an_error_while_writing_names_what_was_written(
    tmp_path, doubling, monkeypatch, caplog
):
    caplog.set_level("INFO")
    for name in "abc":
        saved(noise(1), tmp_path / "in" / f"{name}.png")
    write = upscale.write_picture

    def fill_the_disk(path, picture):
        if path.name == "c.png":
            raise cannot_write(path, OSError(28, "No space left on device"))
        write(path, picture)

    monkeypatch.setattr(upscale, "write_picture", fill_the_disk)
    with pytest.raises(WritingError, match="cannot write .*c.png: No space left"):
        upscale_files(doubling, 2, tmp_path / "in")
    out = tmp_path / "in_x2"
    (record,) = caplog.records
    assert record.getMessage() == f"written before: {out / 'a.png'}, {out / 'b.png'}"
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize("shape", [(1, 1), (24, 7)])
def test_images_of_any_size_are_enlarged(tmp_path, doubling, shape):
    source = saved(noise(2, *shape), tmp_path / "x.png")
    for compare in (False, True):
        target = tmp_path / f"{compare}.png"
        made = upscale_files(doubling, 2, source, target, compare=compare)
        assert np.array_equal(read_picture(made[0]).rgb, _repeated(noise(2, *shape)))


def test_names_that_are_no_utf8_or_have_line_ends_are_kept(tmp_path, doubling):
    names = ["caf\udce9.png", "two\nlines.png", "esc\x1b[31m.png"]
    for name in names:
        saved(noise(2), tmp_path / "in" / "x.png").rename(tmp_path / "in" / name)
    upscale_files(doubling, 2, tmp_path / "in", compare=True)
    made = {path.name for path in (tmp_path / "in_x2").iterdir()}
    assert made >= set(names) and len(made) == 6


@pytest.mark.parametrize("shape", [(9, 11), (150, 300)])
def test_comparisons_show_the_most_detailed_part(tmp_path, doubling, shape):
    image = np.full((*shape, 3), 90, np.uint8)
    image[-9:, -11:] = noise(3, 9, 11)
    source = saved(image, tmp_path / "x.png")
    made = upscale_files(
        doubling, 2, source, tmp_path / "y.jpg", compare=True, name="net"
    )
    assert made == [tmp_path / "y.jpg", tmp_path / "y_compare.png"]
    sheet = read_picture(made[1]).rgb
    assert sheet.shape[0] > 2 * 448 and 2 * 448 < sheet.shape[1] < 2.2 * 448
    low = sheet[len(sheet) // 2 :, sheet.shape[1] // 2 :]
    assert (low.std(axis=-1) > 20).mean() > 0.01  # the coloured noise
    with pytest.raises(UserError, match="exists already"):
        upscale_files(doubling, 2, source, tmp_path / "z.png", compare=True)
        upscale_files(doubling, 2, source, tmp_path / "z.jpg", compare=True)


def test_the_comparison_of_a_16_bit_image_equals_that_of_8_bits(tmp_path, doubling):
    """The 16-bit values 257 v - 100 are nearest to the 8-bit values v."""
    values = noise(4, 24, 20) % 255 + 1
    sheets = []
    for name, pixels in (("8", values), ("16", values.astype(np.uint16) * 257 - 100)):
        source = tmp_path / name / "x.png"
        source.parent.mkdir()
        write_picture(source, Picture(pixels, None, False))
        made = upscale_files(doubling, 2, source, compare=True)
        assert read_picture(made[0]).bits == int(name)
        sheets.append(read_picture(made[1]).rgb)
    np.testing.assert_array_equal(*sheets)
