"""Which codec, pixel format and settings a movie is written with: one table of codecs, and the choice among them."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from av.codec import Codec
from av.codec.codec import find_best_pix_fmt_of_list

from frdm.errors import OutputError
from frdm.film import Encoding, ScanInfo
from frdm.media.movie_formats import PIXEL_FORMATS, described, holding

CONTAINERS: Mapping[str, str] = MappingProxyType(  # suffix → FFmpeg's name of the container
    {".mkv": "matroska", ".mov": "mov", ".mp4": "mp4", ".m4v": "mp4", ".avi": "avi", ".mxf": "mxf"}
)
CONSTANT_RATE = frozenset({"avi", "mxf"})  # containers whose frames have no times of their own


@dataclass(frozen=True, slots=True)
class CodecRule:
    """How frdm uses one encoder; `copies`: packets stand alone, so that those of unrepaired frames can be copied."""

    encoder: str
    lossless: bool
    copies: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


_X264 = "mbtree=0:lookahead-threads=1"  # x264's macroblock tree gives other bytes from run to run
_CODECS: Mapping[str, CodecRule] = MappingProxyType(
    {
        "ffv1": CodecRule("ffv1", True, options={"level": "3", "g": "1", "slicecrc": "1"}),
        "rawvideo": CodecRule("rawvideo", True, copies=True),
        "v210": CodecRule("v210", True, copies=True),
        "v410": CodecRule("v410", True),
        "r210": CodecRule("r210", True),
        "huffyuv": CodecRule("huffyuv", True),
        "ffvhuff": CodecRule("ffvhuff", True),
        "utvideo": CodecRule("utvideo", True),
        "magicyuv": CodecRule("magicyuv", True),
        "png": CodecRule("png", True),
        "qtrle": CodecRule("qtrle", True),
        "prores": CodecRule("prores_ks", False, copies=True, options={"vendor": "apl0"}),
        "dnxhr": CodecRule("dnxhd", False, copies=True),
        "mjpeg": CodecRule("mjpeg", False, copies=True, options={"qmin": "2", "qmax": "2", "strict": "unofficial"}),
        "h264": CodecRule("libx264", False, options={"crf": "12", "preset": "medium", "x264-params": _X264}),
        "h265": CodecRule(
            "libx265", False, options={"crf": "14", "preset": "medium", "x265-params": "log-level=error:pools=4:frame-threads=1"}
        ),
    }
)
_OURS = MappingProxyType({"prores_ks": "prores", "dnxhd": "dnxhr", "hevc": "h265", "raw": "rawvideo"})  # other names → ours
_PRORES = ("proxy", "lt", "standard", "hq", "4444", "4444xq")  # the encoder's profiles 0 … 5
_PRORES_TAGS = MappingProxyType({"apco": "proxy", "apcs": "lt", "apcn": "standard", "apch": "hq", "ap4h": "4444", "ap4x": "4444xq"})
_DNXHR = ("lb", "sq", "hq", "hqx", "444")


_HOMES: Mapping[str, tuple[str, ...]] = (
    MappingProxyType(  # codecs that readers expect in a container, in the order in which they are taken unasked
        {
            "mov": ("v210", "r210", "v410", "utvideo", "rawvideo", "png", "qtrle", "magicyuv", "prores", "dnxhr", "mjpeg"),
            "avi": ("ffv1", "utvideo", "huffyuv", "ffvhuff", "magicyuv", "v210", "rawvideo", "png", "mjpeg"),
            "mxf": ("ffv1", "prores", "dnxhr"),
        }
    )
)
_RAW: Mapping[str, tuple[str, ...]] = MappingProxyType(  # uncompressed forms that a container's readers know
    {
        "mov": ("rgb24", "argb", "rgb48be", "rgba64be", "uyvy422", "yuyv422", "gray"),
        "avi": ("bgr24", "bgra", "uyvy422", "yuyv422", "yuv420p", "gray"),
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a movie is written as. `source` is the pixel format that takes the scan's codes, `target` the encoder's."""

    name: str  # ours, with the profile that was asked for
    family: str  # … without it
    same: bool  # the scan's own codec and profile, and pictures of the same form
    rule: CodecRule
    container: str
    source: str
    target: str
    options: Mapping[str, str]

    @property
    def converts(self) -> bool:
        return self.source != self.target


@dataclass(frozen=True, slots=True)
class Origin:
    """What the choice must know of a movie scan beyond its `ScanInfo`."""

    pixel_format: str
    tag: str  # four letters
    profile: str


def container_of(out: Path) -> str:
    """FFmpeg's name of the container that the suffix asks for. Raises `OutputError`."""
    try:
        return CONTAINERS[out.suffix.lower()]
    except KeyError:
        found = f"suffix {out.suffix}" if out.suffix else "no suffix"
        raise OutputError(f"{out}: {found} names no movie container; use one of {', '.join(CONTAINERS)}") from None


def candidates(info: ScanInfo, out: Path, codec: str | None, origin: Origin | None) -> list[Choice]:
    """Ways to write `out`, best first, to be tried until the container takes one. `origin`: of a movie scan. Raises `OutputError`."""
    container = container_of(out)
    names = [codec] if codec is not None else _defaults(info, container)
    if len(names) == 1:
        return _choices(info, out, names[0], container, origin)
    found = []
    for name in names:
        with contextlib.suppress(OutputError):
            found += _choices(info, out, name, container, origin)
    if not found:
        raise OutputError(
            f"{out}: no lossless codec in {out.suffix} holds {described(info.encoding)}; use .mkv, or a lossy --codec such as prores"
        )
    return found


def _choices(info: ScanInfo, out: Path, codec: str, container: str, origin: Origin | None) -> list[Choice]:
    """One codec with each pixel format that will do."""
    name, _, profile = codec.partition(":")
    name = info.codec if name == "same" else name
    name = _OURS.get(name, name)
    if name not in _CODECS:
        raise OutputError(f"{out}: codec {name or 'of a folder of pictures'} is not one that frdm writes; use one of {', '.join(_CODECS)}")
    rule, choices = _CODECS[name], []
    for source, target in _formats(info.encoding, out, name, container, origin):
        options = dict(rule.options) | _profile(name, profile, target, origin)
        if name == "ffv1":
            options["slices"] = slices_of(info.encoding, width=info.width, height=info.height)
        same = origin is not None and _is_same(info, name, origin, target, options)
        choices.append(Choice(codec if codec != "same" else name, name, same, rule, container, source, target, options))
    return choices


def _defaults(info: ScanInfo, container: str) -> list[str]:
    """The scan's own codec where it is lossless or its packets can be copied, else a lossless one.

    Matroska is always FFV1; MP4 is for players and H.264.
    """
    if container in ("matroska", "mp4"):
        return ["ffv1" if container == "matroska" else "h264"]
    own = _OURS.get(info.codec, info.codec)
    rule = _CODECS.get(own)
    keep = [own] if rule is not None and (rule.lossless or rule.copies) and own in _HOMES[container] else []
    return keep + [name for name in _HOMES[container] if _CODECS[name].lossless and name != own]


def _formats(encoding: Encoding, out: Path, name: str, container: str, origin: Origin | None) -> list[tuple[str, str]]:
    """(the pixel format that holds the scan's codes, the encoder's). They differ only for lossy codecs."""
    rule = _CODECS[name]
    offered = [entry.name for entry in Codec(rule.encoder, "w").video_formats or ()]
    first = origin.pixel_format if origin else ""
    exact = holding(encoding, offered or _RAW.get(container, PIXEL_FORMATS), first=first)
    if exact:
        return [(format_, format_) for format_ in exact]
    source = first or next(iter(holding(encoding, PIXEL_FORMATS)), "")
    if rule.lossless or not source:
        advice = "write a folder of numbered frames" if name == "ffv1" else "use .mkv with --codec ffv1"
        raise OutputError(f"{out}: {name} can't hold the scan's {described(encoding)} codes exactly; {advice}")
    target, _ = find_best_pix_fmt_of_list([format_ for format_ in offered if format_ in PIXEL_FORMATS], source, bool(encoding.extra))
    assert target is not None, "every lossy encoder of the table offers formats"
    return [(source, target.name)]


def _profile(name: str, asked: str, target: str, origin: Origin | None) -> dict[str, str]:
    """The encoder's profile option: the one asked for, the scan's own, or the best that fits the picture."""
    rich = "444" in target or "gbr" in target
    if name == "prores":
        own = _PRORES_TAGS.get(origin.tag, "") if origin else ""
        chosen = asked or own or ("4444" if rich else "hq")
        return {"profile": str(_known(chosen, _PRORES, name))}
    if name == "dnxhr":
        own = origin.profile.lower().removeprefix("dnxhr").strip() if origin and origin.profile.startswith("DNXHR") else ""
        chosen = asked or own or ("444" if rich else "hqx" if "10" in target else "hq")
        return {"profile": f"dnxhr_{_DNXHR[_known(chosen, _DNXHR, name)]}"}
    if asked:
        raise OutputError(f"--codec {name}:{asked}: {name} has no profiles here; leave :{asked} out")
    return {}


def _known(asked: str, names: tuple[str, ...], codec: str) -> int:
    if asked not in names:
        raise OutputError(f"--codec {codec}:{asked}: {codec} has no profile {asked}; use one of {', '.join(names)}")
    return names.index(asked)


def _is_same(info: ScanInfo, name: str, origin: Origin, target: str, options: Mapping[str, str]) -> bool:
    """Whether the encoder makes what the scan's stream holds (its header is compared later)."""
    if _OURS.get(info.codec, info.codec) != name:
        return False
    if name == "prores":  # decoders give 12 bits of what encoders take as 10
        form, ours = PIXEL_FORMATS[origin.pixel_format], PIXEL_FORMATS[target]
        tag = _PRORES_TAGS.get(origin.tag)
        return (
            tag is not None
            and str(_PRORES.index(tag)) == options["profile"]
            and form.samples == ours.samples
            and form.subsampling == ours.subsampling
        )
    if name == "dnxhr" and origin.profile.lower().replace(" ", "_") != options["profile"]:
        return False
    return origin.pixel_format == target


def slices_of(encoding: Encoding, *, width: int, height: int) -> str:
    """Slices of an FFV1 frame: fixed by the picture's size, so that the file doesn't depend on the machine.

    Of odd sizes the last column and row of slices must be odd too where chroma is subsampled: that is FFmpeg's condition.
    """
    pixels = width * height
    wanted = 4 if pixels < 640 * 480 else 12 if pixels < 1920 * 1080 else 24
    least = 2 if width > 352 or height > 288 else 1  # rows of slices that FFmpeg begins with
    horizontal, vertical = encoding.subsampling if encoding.layout == "ycbcr" else (1, 1)
    grids = [
        (across, down)
        for down in range(least, 9)
        for across in range(down, 2 * down + 1)
        if _divides(width, across, horizontal) and _divides(height, down, vertical)
    ]
    across, down = min(grids, key=lambda grid: (abs(grid[0] * grid[1] - wanted), grid), default=(1, 1))
    return str(across * down)


def _divides(length: int, slices: int, subsampling: int) -> bool:
    """Whether `slices` may cut this length; of 4:1:1 FFmpeg takes cuts that leave the last chroma sample out."""
    begin = length * (slices - 1) // slices
    whole = begin // subsampling - -(length - begin) // subsampling >= -(-length // subsampling)
    return slices <= length and whole and (length % subsampling == 0 or (length - begin) % subsampling != 0)
