"""Finds broken FFV1 slices by their own check sums: FFmpeg conceals them with other pixels and says so in its log alone."""

import zlib

_TURNED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))  # FFV1 counts bits from the other end than zlib
_ENDS = (0, 0x79408C7A)  # start and end of the sum in slicecrc modes 1 and 2
_FOOTER = 8  # bytes after a slice: size (3), state (1), sum (4)


class SliceCheck:
    """Checks packet after packet; knows after the first one whether the film has check sums at all."""

    def __init__(self) -> None:
        self._summed = False

    def is_broken(self, packet: bytes) -> bool:
        """Whether a slice's sum is wrong, or its size where the film's other packets have sums."""
        slices = _slices(packet)
        if slices is None:
            return self._summed
        if all(_is_right(piece) for piece in slices):
            self._summed = True
            return False
        return True


def _slices(packet: bytes) -> list[bytes] | None:
    """The slices with their footers, found from the end; None where sizes don't add up, as in films without sums."""
    found, end = [], len(packet)
    while end > 0:
        begin = end - _FOOTER - int.from_bytes(packet[max(0, end - _FOOTER) : max(0, end - _FOOTER + 3)], "big")
        if begin < 0 or end < _FOOTER:
            return None
        found.append(packet[begin:end])
        end = begin
    return found


def _is_right(piece: bytes) -> bool:
    turned = piece.translate(_TURNED)
    return any(_sum(turned, end) == end for end in _ENDS)


def _sum(turned: bytes, start: int) -> int:
    """CRC-32 with polynomial 04C11DB7, highest bit first, from `start`, of bytes whose bits were turned."""
    begin = int(f"{start:032b}"[::-1], 2) ^ 0xFFFFFFFF
    return int(f"{zlib.crc32(turned, begin) ^ 0xFFFFFFFF:032b}"[::-1], 2)
