"""TIFF files of 8 to 16 bits: layouts, photometric interpretation, extra samples."""

import io

import numpy as np
import pytest
from pictures import noise, tiff
from PIL import Image

from common.images import tiff as reading
from common.images.image_file import ImageError, decode_image
from common.images.reading import read_image

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2
LAYOUTS = [
    {},
    {"order": ">"},
    {"separate": True},
    {"separate": True, "order": ">", "codec": 8, "tile": 16},
    {"codec": 5},
    {"codec": 5, "order": ">", "tile": 16},
    {"codec": 8, "separate": True},
    {"codec": 32773},
]


def stored(bits: int, samples: int) -> np.ndarray:
    """Return random samples, uint8 or uint16 (17, 20, S)."""
    dtype = np.uint16 if bits == 16 else np.uint8
    return np.random.default_rng(0).integers(0, 2**bits, (17, 20, samples), dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bits", [8, 16])
def test_all_layouts_give_the_stored_samples(bits, layout):
    for samples, photometric, extra in ((1, 1, ()), (3, 2, ()), (4, 2, (2,))):
        values = stored(bits, samples)
        content = tiff(values, photometric, extra, **layout)
        header = reading.read_header(io.BytesIO(content))
        assert header == reading.Header((17, 20), False, False)
        found = reading.read_samples(content).values
        assert found.dtype == values.dtype and np.array_equal(found, values)


@pytest.mark.parametrize(
    ("photometric", "extra", "pixel", "wanted"),
    [
        (WHITE_IS_ZERO, (), (65535 - 7,), (7,)),
        (WHITE_IS_ZERO, (UNASSOCIATED,), (65535 - 7, 9), (7, 9)),
        (WHITE_IS_ZERO, (UNSPECIFIED,), (65535 - 7, 9), (7,)),
        (BLACK_IS_ZERO, (UNASSOCIATED,), (300, 9), (300, 9)),
        # A third of the opacity: colours are stored as a third.
        (BLACK_IS_ZERO, (ASSOCIATED,), (10_000, 21_845), (30_000, 21_845)),
        (RGB, (ASSOCIATED,), (9, 10_000, 21_845, 21_845), (27, 30_000, 65_535, 21_845)),
        (RGB, (ASSOCIATED,), (9, 10_000, 0, 0), (0, 0, 0, 0)),
        (RGB, (UNASSOCIATED,), (9, 10_000, 0, 0), (9, 10_000, 0, 0)),
        (RGB, (UNSPECIFIED,), (9, 10_000, 0, 0), (9, 10_000, 0)),
        (RGB, (UNSPECIFIED, UNASSOCIATED), (9, 10_000, 0, 5, 6), (9, 10_000, 0, 6)),
        (RGB, (), (9, 10_000, 0, 5), (9, 10_000, 0)),  # no tag says what it is
        (CMYK, (), (65_535, 0, 0, 32_768), (0, 32_767, 32_767)),
        (CMYK, (UNASSOCIATED,), (0, 0, 65_535, 0, 77), (65_535, 65_535, 0, 77)),
    ],
)
def test_interpretation_and_alpha(tmp_path, photometric, extra, pixel, wanted):
    path = tmp_path / "x.tif"
    for separate in (False, len(pixel) > 1):
        values = np.full((9, 8, len(pixel)), pixel, np.uint16)
        path.write_bytes(tiff(values, photometric, extra, separate=separate))
        decoded = decode_image(path)
        assert decoded.pixels.dtype == np.uint16
        assert decoded.pixels[3, 3].tolist() == list(wanted)
        assert decoded.is_grey == (len(wanted) < 3)
        shown = read_image(path)[3, 3].tolist()
        alpha = wanted[-1] / 65535 if len(wanted) in (2, 4) else 1
        colours = np.array(wanted[: 1 if len(wanted) < 3 else 3]) / 257
        assert np.abs(shown - (alpha * colours + 255 * (1 - alpha))).max() <= 0.51


def test_8_bits_follow_the_same_rules(tmp_path):
    for photometric, extra, pixel, wanted in (
        (WHITE_IS_ZERO, (), (250,), (5, 5, 5)),
        (WHITE_IS_ZERO, (UNASSOCIATED,), (250, 255), (5, 5, 5)),
        (RGB, (ASSOCIATED,), (0, 50, 85, 85), (170, 220, 255)),
        (RGB, (UNSPECIFIED,), (0, 50, 85, 85), (0, 50, 85)),
        (CMYK, (), (255, 0, 0, 0), (0, 255, 255)),
        (YCBCR, (), (77, 128, 128), (77, 77, 77)),
    ):
        for separate in {False, len(pixel) > 1 and photometric != YCBCR}:
            values = np.full((9, 8, len(pixel)), pixel, np.uint8)
            path = tmp_path / "x.tif"
            path.write_bytes(tiff(values, photometric, extra, separate=separate))
            assert read_image(path)[3, 3].tolist() == list(wanted), (photometric, extra)


def test_12_bits_are_scaled_to_16(tmp_path):
    # Two values of 12 bits in three bytes: 0xFFF and 0x800.
    values = np.tile(np.array([0xFF, 0xF8, 0x00], np.uint8), (8, 4))[..., None]
    content = tiff(values, BLACK_IS_ZERO, tags={256: 8, 258: 12})
    (tmp_path / "x.tif").write_bytes(content)
    pixels = decode_image(tmp_path / "x.tif").pixels
    assert pixels[0, :2, 0].tolist() == [65535, round(0x800 / 0xFFF * 65535)]


@pytest.mark.parametrize("turn", range(1, 9))
def test_tiff_is_turned_upright(tmp_path, turn):
    values = np.arange(17 * 20, dtype=np.uint16).reshape(17, 20, 1)
    (tmp_path / "x.tif").write_bytes(tiff(values, BLACK_IS_ZERO, tags={274: turn}))
    turned = values[..., 0] if turn < 5 else values[..., 0].T
    rows = slice(None, None, -1 if turn in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if turn in (2, 3, 6, 7) else 1)
    assert np.array_equal(
        decode_image(tmp_path / "x.tif").pixels[..., 0], turned[rows, columns]
    )


@pytest.mark.parametrize(
    ("photometric", "samples", "tags", "kind"),
    [
        (LAB, 3, {}, "16-bit CIELAB colours"),
        (YCBCR, 3, {}, "16-bit YCBCR colours"),
        (PALETTE, 1, {}, "16-bit PALETTE colours"),
        (32803, 1, {}, "16-bit CFA colours"),
        (BLACK_IS_ZERO, 1, {339: 2}, "16-bit signed integers"),
        (BLACK_IS_ZERO, 1, {339: 3}, "16-bit floating-point numbers"),
        (BLACK_IS_ZERO, 1, {258: 32}, "32-bit unsigned integers"),
        (BLACK_IS_ZERO, 1, {259: 34712}, "16-bit colours with JPEG2000 compression"),
        (RGB, 3, {258: 8, 259: 34933}, "8-bit colours with PNG compression"),
        (RGB, 2, {}, "2 samples per pixel"),
        (BLACK_IS_ZERO, 1, {32997: 5}, "a volume"),
    ],
)
def test_other_kinds_are_named(tmp_path, photometric, samples, tags, kind):
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(stored(16, samples), photometric, tags=tags))
    message = f"expected a TIFF of grey, RGB or CMYK in .* found {kind}; save it with"
    with pytest.raises(ImageError, match=message):
        decode_image(path)


def test_truncated_and_sparse_files_are_refused(tmp_path):
    path = tmp_path / "x.tif"
    for codec in (1, 5, 8, 32773):
        # Strips that are too short: their data lie before the tags.
        whole = tiff(stored(16, 3), RGB, codec=codec)
        short = tiff(stored(16, 3)[:, :18], RGB, codec=codec, tags={256: 20})
        for content in (whole[:-30], short, tiff(stored(16, 3), RGB, tags={279: 0})):
            path.write_bytes(content)
            with pytest.raises(ImageError, match="damaged or truncated"):
                decode_image(path)


def test_further_pages_are_reported_and_previews_are_not(tmp_path):
    pages = [Image.fromarray(noise(seed)) for seed in range(2)]
    for preview in (False, True):
        options = {"tiffinfo": {254: 1}} if preview else {}
        path = tmp_path / "x.tif"
        pages[0].save(path, save_all=True, append_images=pages[1:], **options)
        assert reading.read_header(io.BytesIO(path.read_bytes())).several == (
            not preview
        )
