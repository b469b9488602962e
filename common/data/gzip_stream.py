"""Reading gzip files block by block, so that a small one cannot fill the memory."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from common.errors import UserError

GZIP = b"\x1f\x8b"  # first bytes of every gzip file
_BLOCK = 2**16  # bytes that are read at once


def inflating(path: Path, file: BinaryIO) -> Callable[[int], bytearray]:
    """Return a function that decompresses at most a given number of bytes.

    A small file that would decompress to a huge one can therefore not fill the memory.
    The function returns fewer bytes only at the end of the data. It raises a UserError
    if the file is damaged, truncated, or goes on after the end of its data.

    Args:
        path: path of the file, for messages.
        file: the open gzip file, at its start.
    """
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def read(count: int) -> bytearray:
        data = bytearray()
        while len(data) < count and not stream.eof:
            packed = stream.unconsumed_tail or file.read(_BLOCK)
            if not packed:
                raise torn(path, "truncated", "more gzip data", "its end")
            try:
                data += stream.decompress(packed, count - len(data))
            except zlib.error as error:
                raise UserError(
                    f"{path} is a damaged gzip file ({error}); download it again"
                ) from error
        if stream.eof and (stream.unused_data or file.read(1)):
            raise torn(path, "too long", "one stream of gzip data", "more")
        return data

    return read


def torn(path: Path, how: str, expected: str, found: str) -> UserError:
    """Return the error for a file that is too short or too long.

    Args:
        path: path of the file.
        how: what is wrong, such as "truncated".
        expected: what the file should contain.
        found: what it contains.
    """
    return UserError(
        f"{path} is {how}: expected {expected}, found {found}; download it again"
    )
