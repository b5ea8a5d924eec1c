"""Masks as the ledger keeps them: packed bits, row after row, deflated."""

import zlib

import numpy as np

from frdm.film import Mask


def packed(mask: Mask) -> bytes:
    """A mask as bytes, from which `unpacked` with its shape makes it again."""
    return zlib.compress(np.packbits(mask).tobytes())


def unpacked(data: bytes, height: int, width: int) -> Mask:
    """The mask (height, width) of `packed` bytes. Raises `ValueError` where there are too few or they are broken."""
    try:
        bits = np.frombuffer(zlib.decompressobj().decompress(data, height * width // 8 + 1), np.uint8)
    except zlib.error as error:
        raise ValueError(f"a mask that can't be unpacked ({error})") from None
    if bits.size != -(-height * width // 8):
        raise ValueError(f"a mask of {bits.size} bytes where {height} × {width} bits were wanted")
    return np.unpackbits(bits, count=height * width).view(np.bool_).reshape(height, width)
