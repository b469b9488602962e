"""Sheets of images: plain grids, and rows with titles, labels and captions."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common.images.pixels import to_bytes

INK = (52, 58, 70)  # RGB colour of text


def to_picture(image: np.ndarray, size: int) -> np.ndarray:
    """Return one image as RGB, enlarged by a whole number so that pixels stay sharp.

    Args:
        image: (H, W) or (H, W, 1 or 3), uint8, or float in [-1, 1].
        size: smallest height of the result, pixels.

    Returns:
        uint8 (k H, k W, 3), where k is the smallest whole number with k H >= `size`.
    """
    if image.dtype != np.uint8:
        image = to_bytes(image)
    if image.ndim == 2:
        image = image[..., None]
    image = np.broadcast_to(image, (*image.shape[:2], 3))
    times = max(1, -(-size // len(image)))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def image_grid(
    images: np.ndarray, *, columns: int | None = None, size: int = 56
) -> np.ndarray:
    """Arrange images in a grid with narrow white gaps.

    Args:
        images: (N, H, W) or (N, H, W, 1 or 3), uint8, or float in [-1, 1].
        columns: number of images in a row; the default makes the grid about square.
        size: smallest height of an image in the grid, pixels; smaller images are
            enlarged by a whole number.

    Returns:
        The grid, uint8 (H, W, 3).
    """
    tiles = [to_picture(image, size) for image in images]
    columns = columns or int(np.ceil(np.sqrt(len(tiles))))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    gap = max(2, height // 28)
    grid = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8
    )
    for number, tile in enumerate(tiles):
        y = gap + (number // columns) * (height + gap)
        x = gap + (number % columns) * (width + gap)
        grid[y : y + height, x : x + width] = tile
    return grid


def sheet(
    rows: Sequence[Sequence[tuple[np.ndarray, str | None]]],
    *,
    title: str | None = None,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
) -> np.ndarray:
    """Arrange images in rows, with a title, labels and captions.

    Args:
        rows: rows of pairs: an image, uint8 (S, S, 3), and its caption or None.
        title: line above the whole sheet.
        row_labels: one text for each row, to its left.
        column_labels: one text for each column, above it.

    Returns:
        The sheet, uint8 (H, W, 3).
    """
    # All lengths below are in pixels and grow with the size of the images.
    tile = rows[0][0][0].shape[0]
    text = max(10, round(tile / 11))
    font = ImageFont.load_default(size=text)
    head_font = ImageFont.load_default(size=round(1.35 * text))
    line = round(1.7 * text)
    gap = max(2, tile // 40)
    # Reserve space at the left for the row labels, and at the top for the title and
    # the column labels.
    left = gap
    if row_labels is not None:
        left += gap + round(max(font.getlength(label) for label in row_labels))
    top = gap + (round(1.6 * line) if title else 0) + (line if column_labels else 0)
    # Captions are below the images, so they make each row higher.
    has_captions = any(caption for row in rows for _, caption in row)
    step = tile + gap + (line if has_captions else 0)
    width = left + max(len(row) for row in rows) * (tile + gap)
    if title:
        width = max(width, round(head_font.getlength(title)) + 2 * gap)
    page = Image.new("RGB", (width, top + len(rows) * step), "white")
    draw = ImageDraw.Draw(page)

    def write(x, y, words, anchor="mm", face=font):
        draw.text((x, y), str(words), fill=INK, font=face, anchor=anchor)

    if title:
        write(width / 2, gap + 0.7 * line, title, face=head_font)
    for column, words in enumerate(column_labels or ()):
        write(left + column * (tile + gap) + tile / 2, top - line / 2, words)
    for number, row in enumerate(rows):
        y = top + number * step
        if row_labels is not None:
            write(left - gap, y + tile / 2, row_labels[number], anchor="rm")
        for column, (picture, caption) in enumerate(row):
            x = left + column * (tile + gap)
            page.paste(Image.fromarray(picture), (x, y))
            if caption:
                write(x + tile / 2, y + tile + line / 2, caption)
    return np.asarray(page)
