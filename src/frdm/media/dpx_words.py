"""How code values lie in the words of a DPX element: one table, read by decoding and by replacement alike.

A packing is a group of words that repeats along a line, with the bits of each of the group's components. Bits that belong to no component
(padding) are in no field, so replacement can't touch them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from frdm.film import Codes, Mask

Method = Literal["packed", "filled A", "filled B"]
_ROWS = 64  # lines decoded at once, so that the words stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Field:
    """Bits shift … shift+width-1 of word `word` hold bits low … low+width-1 of a code."""

    word: int
    shift: int
    width: int
    low: int = 0


@dataclass(frozen=True, slots=True)
class Packing:
    """`fields[j]` are the parts of component j of a group of `words` words of `size` bytes."""

    size: Literal[1, 2, 4]
    words: int
    fields: tuple[tuple[Field, ...], ...]

    def words_for(self, components: int) -> int:
        """Number of words that hold so many components."""
        groups, rest = divmod(components, len(self.fields))
        return groups * self.words + (1 + max(f.word for f in self.fields[rest - 1]) if rest else 0)

    def for_channels(self, channels: int) -> "Packing":
        """The same with a group that holds whole pixels of so many components."""
        times = channels // math.gcd(channels, len(self.fields))
        shifted = [
            tuple(Field(f.word + turn * self.words, f.shift, f.width, f.low) for f in fields)
            for turn in range(times)
            for fields in self.fields
        ]
        return Packing(self.size, self.words * times, tuple(shifted))


def packing(bits: int, method: Method, *, single: bool) -> Packing:
    """The packing of `bits`-bit components; `single`: the element has one component a pixel."""
    if bits in (8, 16):
        return Packing(1 if bits == 8 else 2, 1, ((Field(0, 0, bits),),))
    if method == "packed":
        group = math.lcm(bits, 32) // bits
        return Packing(4, group * bits // 32, tuple(tuple(_run(j * bits, bits)) for j in range(group)))
    if bits == 12:
        return Packing(2, 1, ((Field(0, 4 if method == "filled A" else 0, 12),),))
    free = 2 if method == "filled A" else 0
    places = [(Field(0, free + shift, 10),) for shift in (20, 10, 0)]
    return Packing(4, 1, tuple(places[::-1] if single else places))  # single components fill a word from its low end


def _run(start: int, bits: int) -> Iterator[Field]:
    word, shift = divmod(start, 32)
    width = min(bits, 32 - shift)
    yield Field(word, shift, width)
    if width < bits:
        yield Field(word + 1, 0, bits - width, width)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an element's lines lie in the file; `lines` is 1 where the words run on over the picture's lines."""

    offset: int  # bytes from the file's start
    stride: int  # bytes from line to line
    lines: int
    pixels: int  # in such a line
    order: Literal["<", ">"]

    def words(self, data: bytearray | memoryview, layout: Packing, channels: int) -> NDArray[Any]:
        """(lines, words) view of the file's bytes, writable where they are."""
        columns = layout.words_for(self.pixels * channels)
        kind = np.dtype(f"{self.order}u{layout.size}")
        return np.ndarray((self.lines, columns), kind, data, self.offset, (self.stride, layout.size))


def decode(words: NDArray[Any], layout: Packing, *, pixels: int, channels: int) -> tuple[Codes, ...]:
    """(lines, pixels) codes of each channel, from (lines, words)."""
    layout = layout.for_channels(channels)
    kind = np.uint8 if layout.size == 1 else np.uint16
    planes = tuple(np.empty((len(words), pixels), kind) for _ in range(channels))
    pace = len(layout.fields) // channels
    rows = _ROWS if len(words) > 1 else 1
    for top in range(0, len(words), rows):
        native = words[top : top + rows].astype(words.dtype.newbyteorder("="))
        for index, fields in enumerate(layout.fields):
            target = planes[index % channels][top : top + rows, index // channels :: pace]
            if target.size:
                _gather(native, layout, fields=fields, target=target)
    return planes


def _gather(native: NDArray[Any], layout: Packing, *, fields: tuple[Field, ...], target: Codes) -> None:
    whole = layout.size * 8
    for number, f in enumerate(fields):
        part = native[:, f.word :: layout.words][:, : target.shape[1]]
        shifted = (part >> f.shift if f.shift else part).astype(target.dtype)
        if f.shift + f.width < whole:
            shifted &= np.array((1 << f.width) - 1, target.dtype)
        if number:
            target |= shifted << f.low
        else:
            target[...] = shifted


def replace(words: NDArray[Any], layout: Packing, *, channel: int, codes: Codes, changed: Mask, channels: int) -> None:
    """Put `codes` of one channel, (lines, pixels), into the writable `words` where `changed`; every other bit stays."""
    layout = layout.for_channels(channels)
    pace = len(layout.fields) // channels
    places = np.flatnonzero(changed)
    values = codes.reshape(-1)[places].astype(np.uint32)
    rows, columns = np.divmod(places, changed.shape[1])
    groups, phases = np.divmod(columns, pace)
    for phase in range(pace):
        here = phases == phase if pace > 1 else slice(None)
        for f in layout.fields[phase * channels + channel]:
            at = rows[here], groups[here] * layout.words + f.word
            held = ((1 << f.width) - 1) << f.shift
            bits = (values[here] >> f.low << f.shift) & held
            words[at] = (words[at].astype(np.uint32) & (held ^ 0xFFFFFFFF) | bits).astype(words.dtype)
