"""The timecode that a sequence's first picture carries."""

from pathlib import Path

_PICTURES = frozenset({".dpx", ".exr"})  # the others have no place for it
_NONE = 0xFFFFFFFF
_DROP = 0x40  # the flag of drop-frame counting
_DIGITS = ((24, 0x3F), (16, 0x7F), (8, 0x7F), (0, 0x3F))  # where hours, minutes, seconds and frames lie, without their flags


def picture_timecode(picture: Path) -> str | None:
    """The SMPTE 12M timecode in a DPX's or EXR's header, `HH:MM:SS:FF` (`;` before the frames: drop-frame); None without a sane one."""
    import OpenImageIO

    if picture.suffix.lower() not in _PICTURES:
        return None
    file = OpenImageIO.ImageInput.open(str(picture))
    if file is None:
        OpenImageIO.geterror()
        return None
    try:
        found = file.spec().getattribute("smpte:TimeCode")
    finally:
        file.close()
    return None if found is None else timecode_words(int(found[0]))


def timecode_words(bits: int) -> str | None:
    """Timecode as binary-coded digits (hours in the highest byte, flags between them) in words; None where they are no time of day."""
    if bits & 0xFFFFFFFF == _NONE:
        return None
    digits = [bits >> place & kept for place, kept in _DIGITS]
    hours, minutes, seconds, frames = (10 * (two >> 4) + (two & 0xF) for two in digits)
    if any(two & 0xF > 9 for two in digits) or hours > 23 or minutes > 59 or seconds > 59:
        return None
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if bits & _DROP else ':'}{frames:02}"


def timecode_bits(words: str) -> int:
    """The digits of `HH:MM:SS:FF` as a header holds them."""
    hours, minutes, seconds, frames = (int(part) for part in words.replace(";", ":").split(":"))
    bits = 0
    for part in (hours, minutes, seconds, frames):
        bits = bits << 8 | part // 10 << 4 | part % 10
    return bits | (_DROP if ";" in words else 0)
