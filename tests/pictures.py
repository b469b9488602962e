"""Images for tests, and a function that writes them to files."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def smooth(height: int, width: int) -> np.ndarray:
    """Return a colour gradient, uint8 (H, W, 3).

    Red grows downwards, green to the right, and blue upwards.
    """
    y, x = np.mgrid[:height, :width]
    red, green = 255 * y / (height - 1), 255 * x / (width - 1)
    return np.stack([red, green, 255 - red], axis=-1).astype(np.uint8)


def noise(seed: int, height: int = 16, width: int = 16) -> np.ndarray:
    """Return random pixels, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def saved(image: Image.Image | np.ndarray, path: Path, **options: object) -> Path:
    """Write an image to a file and create its folder if needed; return the path."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def lzw(data: bytes) -> bytes:
    """Compress bytes by TIFF's LZW without using its table, so that they grow."""
    codes = []
    for start in range(0, len(data), 200):  # so that all codes have nine bits
        codes += [256, *data[start : start + 200]]
    bits = [code >> shift & 1 for code in [*codes, 257] for shift in range(8, -1, -1)]
    return np.packbits(bits).tobytes()


def packbits(data: bytes) -> bytes:
    """Compress bytes by TIFF's PackBits without runs, so that they grow."""
    parts = (data[i : i + 128] for i in range(0, len(data), 128))
    return b"".join(bytes([len(part) - 1]) + part for part in parts)


TIFF_CODECS = {1: bytes, 5: lzw, 8: zlib.compress, 32773: packbits}


def tiff(
    values: np.ndarray,
    photometric: int,
    extra: tuple[int, ...] = (),
    *,
    separate: bool = False,
    order: str = "<",
    codec: int = 1,
    tile: int | None = None,
    tags: dict[int, int] | None = None,
) -> bytes:
    """Return a TIFF file, written by hand.

    Args:
        values: samples as stored, uint8 or uint16 (H, W, S).
        photometric: PhotometricInterpretation.
        extra: ExtraSamples.
        separate: whether each sample has a plane of its own.
        order: "<" for little-endian, ">" for big-endian.
        codec: Compression, a key of `TIFF_CODECS`.
        tile: edge of the tiles; default strips of five rows.
        tags: further tags, each with one number, in place of those above.
    """
    height, width, samples = values.shape
    planes = np.moveaxis(values, -1, 0)[..., None] if separate else values[None]
    high, wide = (tile, tile) if tile else (5, width)
    blocks = []
    for plane in planes:
        for top in range(0, height, high):
            for left in range(0, width, wide):
                block = plane[top : top + high, left : left + wide]
                if tile:
                    rest = high - block.shape[0], wide - block.shape[1]
                    block = np.pad(block, ((0, rest[0]), (0, rest[1]), (0, 0)))
                stored = block.astype(values.dtype.newbyteorder(order))
                blocks.append(TIFF_CODECS[codec](stored.tobytes()))
    starts = np.cumsum([8, *map(len, blocks)]).tolist()
    places, sizes, edges = (324, 325, (322, 323)) if tile else (273, 279, (278,))
    entries = {
        **{256: [width], 257: [height], 258: [8 * values.itemsize] * samples},
        **{259: [codec], 262: [photometric], 277: [samples], 284: [1 + separate]},
        **{places: starts[:-1], sizes: list(map(len, blocks))},
        **dict.fromkeys(edges, [high]),
        **({338: list(extra)} if extra else {}),
        **{tag: [number] for tag, number in (tags or {}).items()},
    }
    later = starts[-1] + 2 + 12 * len(entries) + 4
    directory, longer = struct.pack(order + "H", len(entries)), b""
    for tag, numbers in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            longer += packed
            packed = struct.pack(order + "I", later + len(longer) - len(packed))
        directory += struct.pack(order + "HHI", tag, 4, len(numbers)) + packed
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, starts[-1])
    return head + b"".join(blocks) + directory + bytes(4) + longer


def png(values: np.ndarray, bits: int, kind: int, **chunks: bytes) -> bytes:
    """Return a PNG file, written by hand.

    Args:
        values: integers below 2 ** `bits`, (H, W, C).
        bits: bits per value, 1 to 16.
        kind: colour type.
        chunks: further chunks by name, before the pixels.
    """
    rows = values.reshape(len(values), -1).astype(">u2").view(np.uint8)
    stored = np.unpackbits(rows.reshape(*rows.shape[:1], -1, 2), axis=-1)[..., -bits:]
    packed = np.packbits(stored.reshape(len(values), -1), axis=-1)
    pixels = zlib.compress(np.insert(packed, 0, 0, axis=1).tobytes())
    header = struct.pack(">IIBBBBB", *values.shape[1::-1], bits, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *((k.encode(), v) for k, v in chunks.items())]
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in [*parts, (b"IDAT", pixels), (b"IEND", b"")]:
        crc = zlib.crc32(name + data)
        content += struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)
    return content
