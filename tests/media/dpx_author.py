"""Writes DPX files a bit at a time, straight from the standard's figures and without a line of frdm's reader."""

import random
import struct
from dataclasses import dataclass, field

import numpy as np

PACKED, FILLED_A, FILLED_B = 0, 1, 2


@dataclass
class Part:
    """One element: `planes` in the order they lie in the file."""

    descriptor: int
    bits: int
    method: int
    planes: list[np.ndarray]
    transfer: int = 1


@dataclass
class Author:
    """How a file is made; `lines` is "aligned" to 32 bits, "tight" to whole words of the packing, or "running" on over lines."""

    parts: list[Part]
    order: str = ">"
    lines: str = "aligned"
    line_padding: int = 0
    tail: int = 0
    clean: bool = False  # unused bits of words are 0: other readers let those of method B into the codes
    seed: int = 1
    fields: dict[int, bytes] = field(default_factory=dict)  # header byte → other bytes to put there

    def file(self) -> bytes:
        chance = random.Random(self.seed)
        height, width = self.parts[0].planes[0].shape
        head = bytearray(chance.randbytes(2048 + 333))  # header fields that nobody reads and a user area, all garbage
        bodies = [self._body(part, chance) for part in self.parts]
        head[0:4] = b"SDPX" if self.order == ">" else b"XPDS"
        put = lambda at, form, *values: struct.pack_into(self.order + form, head, at, *values)  # noqa: E731
        put(4, "I", len(head))
        put(16, "IIIII", len(head) + sum(map(len, bodies)) + self.tail, 1, 1664, 384, len(head) - 2048)
        put(768, "HHII", 0, len(self.parts), width, height)
        at = len(head)
        for number, (part, body) in enumerate(zip(self.parts, bodies, strict=True)):
            put(780 + 72 * number, "IIfIf", 0, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0)
            put(800 + 72 * number, "BBBBHHIII", part.descriptor, part.transfer, 2, part.bits, part.method, 0, at, self.line_padding, 0)
            at += len(body)
        put(1628, "II", 1, 1)
        put(1724, "f", 24.0)
        head[1928] = 0
        for place, value in self.fields.items():
            head[place : place + len(value)] = value
        return bytes(head) + b"".join(bodies) + chance.randbytes(self.tail)

    def _body(self, part: Part, chance: random.Random) -> bytes:
        rows = [[int(v) for pixel in zip(*line, strict=True) for v in pixel] for line in zip(*part.planes, strict=True)]
        if self.lines == "running":
            return self._line(part, [value for row in rows for value in row], chance)
        out = b""
        for row in rows:
            line = self._line(part, row, chance)
            if self.lines == "aligned":
                line += chance.randbytes(-len(line) % 4)
            out += line + chance.randbytes(self.line_padding)
        return out

    def _line(self, part: Part, values: list[int], chance: random.Random) -> bytes:
        if part.bits == 8:
            return bytes(values)
        if part.bits == 16:
            return b"".join(struct.pack(self.order + "H", value) for value in values)
        if part.method == PACKED:
            return self._packed(part.bits, values, chance)
        if part.bits == 12:
            pad = lambda: format(0 if self.clean else chance.randrange(16), "04b")  # noqa: E731
            words = [format(v, "012b") + pad() if part.method == FILLED_A else pad() + format(v, "012b") for v in values]
            return b"".join(struct.pack(self.order + "H", int(word, 2)) for word in words)
        return self._tens(part, values, chance)

    def _packed(self, bits: int, values: list[int], chance: random.Random) -> bytes:
        """The line is one long number, its first component lowest, cut into words from its low end."""
        number, used = 0, 0
        for value in values:
            number |= value << used
            used += bits
        count = -(-used // 32)
        number |= chance.getrandbits(32 * count - used + 1) >> 1 << used
        return b"".join(struct.pack(self.order + "I", number >> 32 * word & 0xFFFFFFFF) for word in range(count))

    def _tens(self, part: Part, values: list[int], chance: random.Random) -> bytes:
        out = b""
        for at in range(0, len(values), 3):
            three = values[at : at + 3]
            three += [chance.randrange(1024) for _ in range(3 - len(three))]
            if len(part.planes) == 1:
                three = three[::-1]
            text = "".join(format(value, "010b") for value in three)
            pad = format(0 if self.clean else chance.randrange(4), "02b")
            out += struct.pack(self.order + "I", int(text + pad if part.method == FILLED_A else pad + text, 2))
        return out


def noise(seed: int, *, height: int, width: int, bits: int) -> np.ndarray:
    """Random codes over the whole range, ends included."""
    codes = np.random.default_rng(seed).integers(0, 1 << bits, (height, width))
    codes.flat[0], codes.flat[-1] = (1 << bits) - 1, 0
    return codes.astype(np.uint8 if bits == 8 else np.uint16)
