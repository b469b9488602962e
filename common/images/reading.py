"""Finding image files of common formats, and reading them as RGB at a given size."""

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image

from common.data.folders import find_files, no_files
from common.images.formats import SUFFIXES
from common.images.image_file import Decoded, decode_image
from common.images.pixels import in_bands, on_white, to_8_bits

# Smaller images show nothing that a network could learn.
MIN_SIDE = 8
Fit = Literal["crop", "stretch"]
_LOG = logging.getLogger(__name__)


def find_images(folder: Path | str, known: Collection[str] = ()) -> list[Path]:
    """Find the image files below a folder, at any depth, by their suffixes.

    See `find_files` for what is passed over.

    Args:
        folder: folder to search.
        known: names of other files that belong there, such as a table of labels.

    Returns:
        Paths that begin with `folder`, sorted by the part below it, with "/" as
        separator.

    Raises:
        UserError: there is no such folder, it or one below it cannot be read, or
            there are no image files.
    """
    found = find_files(folder, SUFFIXES, "images", known=known)
    if not found:
        raise no_files(folder, "images", f"{', '.join(SUFFIXES)} files")
    return found


def warn_of_more(path: Path) -> None:
    """Warn that only the first frame or page of a file is taken."""
    _LOG.warning("%s has several frames or pages; the first is taken", path)


def read_image(
    path: Path | str,
    size: tuple[int, int] | None = None,
    fit: Fit = "crop",
    tell_of_more: Callable[[Path], None] = warn_of_more,
) -> np.ndarray:
    """Read an image as RGB: upright, and on white where it is transparent.

    A 16-bit value v becomes round(v / 257), so that 65535 becomes 255. Resizing
    uses the Lanczos filter, which is antialiased. Damaged metadata is ignored; Pillow
    warns of it.

    Args:
        path: path of the file; its content decides the format, not its name.
        size: (height, width) of the result, pixels; default the image's own size.
        fit: "crop" cuts the largest part of the right proportions out of the middle,
            "stretch" resizes the whole image.
        tell_of_more: function that is called with the path if the file has further
            frames or pages, which are not read.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ImageError: the file is missing, unreadable, empty, not an image, damaged,
            truncated, of an unsupported kind, larger than 64 million pixels or less
            than 8 pixels wide or high.
        ValueError: `fit` is unknown, or `size` is below 1.
    """
    if fit not in get_args(Fit):
        raise ValueError(f"fit must be one of {get_args(Fit)}, is {fit!r}")
    if size is not None and min(size) < 1:
        raise ValueError(f"size must be at least 1 x 1, is {size}")
    path = Path(path)
    decoded = decode_image(path, MIN_SIDE, None if size is None else max(size))
    if decoded.has_more:
        tell_of_more(path)
    image = _to_rgb(decoded)
    return np.array(image if size is None else _resized(image, size, fit))


def read_image_and_alpha(
    path: Path | str, tell_of_more: Callable[[Path], None] = warn_of_more
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read an image as RGB as `read_image` does, and its opacity.

    Args:
        path: path of the file; its content decides the format, not its name.
        tell_of_more: function that is called with the path if the file has further
            frames or pages, which are not read.

    Returns:
        uint8 (H, W, 3), RGB on white where it is transparent; and the opacity, uint8
        (H, W), or None if the file has none.

    Raises:
        ImageError: as `read_image`.
    """
    path = Path(path)
    decoded = decode_image(path, MIN_SIDE)
    if decoded.has_more:
        tell_of_more(path)
    return np.array(_to_rgb(decoded)), _alpha(decoded.pixels)


def _alpha(pixels: Image.Image | np.ndarray) -> np.ndarray | None:
    """Return the opacity of decoded pixels, uint8 (H, W), or None."""
    if isinstance(pixels, np.ndarray):
        has_alpha = pixels.shape[-1] in (2, 4)
        return to_8_bits(pixels[..., -1]) if has_alpha else None
    if pixels.has_transparency_data:
        return np.array(pixels.convert("RGBA").getchannel("A"))
    return None


def _to_rgb(decoded: Decoded) -> Image.Image:
    """Return a decoded image as RGB of 8 bits on white."""
    image = decoded.pixels
    if isinstance(image, np.ndarray):
        return Image.fromarray(in_bands(_shown, image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _shown(values: np.ndarray) -> np.ndarray:
    """Return uint16 (H, W, 1 to 4) as uint8 (H, W, 3) on white."""
    if values.shape[-1] in (2, 4):
        values = on_white(values[..., :-1], values[..., -1:])
    return np.repeat(to_8_bits(values), 3 // values.shape[-1], axis=-1)


def _resized(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Resize an RGB image to (height, width)."""
    height, width = size
    if fit == "crop":
        # Crop at whole pixels: a crop without resizing must not blur the image.
        wide = min(image.width, max(1, round(image.height * width / height)))
        high = min(image.height, max(1, round(image.width * height / width)))
        left, top = (image.width - wide) // 2, (image.height - high) // 2
        image = image.crop((left, top, left + wide, top + high))
    # First shrink by whole numbers to at least three times the final size: this is
    # faster and looks the same.
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
