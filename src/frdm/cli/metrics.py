"""`frdm metrics`: how two films differ, in numbers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console
from rich.progress import track

from frdm.cli.settings import frames_in
from frdm.display import colours
from frdm.errors import MetricError
from frdm.film import Frame, Mask, Real
from frdm.media.scan import Scan, open_scan
from frdm.metrics import comparing
from frdm.metrics.comparing import FACTS, Meter, Pair
from frdm.metrics.noreference import load_brisque, load_niqe
from frdm.metrics.perceptual import fvd, load_dists, load_i3d, load_lpips
from frdm.metrics.vmaf import vmaf, vmaf_ffmpeg
from frdm.signal.transfer import perceptual_from_linear

Name = Literal["ms-ssim", "vmaf", "lpips", "dists", "fvd", "brisque", "niqe"]
ALONE = ("brisque", "niqe")
WARNING = "BRISQUE and NIQE reward invention and punish grain: never quote them without PSNR, the grain ratio, and A's own."


def metrics(
    reference: Annotated[Path, Parameter(help="A: what the other is measured by: the truth, or the scan. A movie, a folder or a picture.")],
    output: Annotated[Path, Parameter(help="B: the film that is judged, of the same size and length.")],
    /,
    *,
    mask: Annotated[
        Path | None, Parameter(help="Where the damage is: masks as a film or folder, one a frame, or one picture for all.")
    ] = None,
    damaged: Annotated[
        Path | None, Parameter(help="The scan before it was restored, when A is the truth: what was mended, what harmed.")
    ] = None,
    found: Annotated[Path | None, Parameter(help="Mattes of a detector (`frdm detect`), judged by --mask.")] = None,
    scores: Annotated[
        tuple[Name, ...], Parameter(name="--score", help="Also this score (repeat it); PSNR, SSIM and flicker are always there.")
    ] = (),
    weights: Annotated[
        tuple[str, ...], Parameter(help="NAME=FILE, a learned score's weights: lpips, dists, fvd, niqe, brisque (MODEL,RANGES).")
    ] = (),
    every: Annotated[int, Parameter(help="Learned scores look at every so many frames.")] = 1,
    frames: Annotated[str | None, Parameter(name="--range", help="Frames FIRST-LAST, both included, counted from 0.")] = None,
    transfer: Annotated[
        Literal["video", "srgb", "log", "linear"] | None, Parameter(help="What the codes mean, where the films can't say.")
    ] = None,
    as_json: Annotated[bool, Parameter(name="--json", help="Print JSON.")] = False,
) -> int:
    """Measure how one film differs from another: fidelity, flicker, and with a mask what was mended, what was harmed and how it looks.

    Nothing but sums is kept in memory. docs/metrics.md says what each number means and what it rewards wrongly.
    """
    files = weight_files(weights)
    for name in sorted(files.keys() - set(scores)):
        raise MetricError(f"--weights {name}: found weights of a score that wasn't asked for; add --score {name} or leave them out")
    meters = chosen(scores, files, every=max(every, 1))
    with ExitStack() as stack:
        films = Films.opened(stack, [reference, output, mask, damaged, found], transfer=transfer, frames=frames)
        meters += masked_meters(films)
        console = Console(stderr=True)
        for pair in track(films.pairs(), "measuring", total=len(films.frames), console=console, disable=not console.is_terminal):
            for meter in meters:
                meter.see(pair)
        values = {name: value for meter in meters for name, value in meter.say().items()} | whole_film(scores, films, files)
    tell(reference, output, films, values, as_json=as_json)
    return 0


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """The films of one comparison, open, and the frames that are wanted."""

    reference: Scan
    output: Scan
    mask: Scan | None
    damaged: Scan | None
    found: Scan | None
    frames: range

    @staticmethod
    def opened(stack: ExitStack, paths: Sequence[Path | None], *, transfer: str | None, frames: str | None) -> "Films":
        """Open all that are given. Raises `MetricError` where they don't go together."""
        scans: list[Scan | None] = []
        for path, part in zip(paths, ("A", "B", "mask", "damaged", "found"), strict=True):
            given = transfer if part in ("A", "B", "damaged") else "video"
            scans.append(stack.enter_context(open_scan(path, transfer=given, fields=True)) if path else None)  # type: ignore[arg-type]
        reference, output, mask, damaged, found = scans
        assert reference and output and paths[0]
        if mask is None and (damaged or found):
            raise MetricError(f"{paths[3] or paths[4]}: no mask given, wanted where the damage is; give --mask as well")
        for other in (output, mask, damaged, found):
            if other is not None:
                must_match(reference, other, pictures=other in (output, damaged), still=other is mask)
        wanted = frames_in(frames, reference.info.length, where=paths[0])
        return Films(reference, output, mask, damaged, found, wanted)

    def pairs(self) -> Iterator[Pair]:
        """Every pair of frames that is wanted, one by one."""
        start, stop = self.frames.start, self.frames.stop
        still = self.mask is not None and self.mask.info.length == 1
        always = shown_mask(self.mask.frame(0), self.mask) if self.mask is not None and still else None
        others = [None if film is None or (film is self.mask and still) else film.frames(start, stop) for film in self._all()]
        for index in self.frames:
            ours, theirs, mask, damaged, found = (None if frames is None else next(frames) for frames in others)
            assert ours and theirs
            yield Pair(
                index - start,
                picture(ours, self.reference),
                picture(theirs, self.output),
                changed=changed(ours, theirs, self),
                mask=shown_mask(mask, self.mask) if mask and self.mask else always,
                damaged=picture(damaged, self.damaged) if damaged and self.damaged else None,
                found=matte(found, self.found) if found and self.found else None,
            )

    def _all(self) -> tuple[Scan | None, ...]:
        return self.reference, self.output, self.mask, self.damaged, self.found


def must_match(reference: Scan, other: Scan, *, pictures: bool, still: bool = False) -> None:
    """Raises `MetricError` unless the other film has A's size and length and, of `pictures`, codes that can be compared with A's.

    `still`: it may be one picture, as a mask may be.
    """
    a, b = reference.info, other.info
    if (a.width, a.height) != (b.width, b.height):
        raise MetricError(f"{b.path}: {b.width} × {b.height} found, {a.width} × {a.height} wanted as {a.path} has; bring them to one size")
    if a.length != b.length and not (still and b.length == 1):
        raise MetricError(f"{b.path}: {b.length} frames found, {a.length} wanted as {a.path} has; cut them to the same frames")
    meanings = {a.encoding.transfer, b.encoding.transfer}
    if pictures and len(meanings) > 1 and meanings & {"log", "linear"}:
        raise MetricError(
            f"{b.path}: {b.encoding.transfer} codes found, {a.encoding.transfer} wanted as {a.path} has; say --transfer if it is so"
        )


def picture(frame: Frame, scan: Scan) -> Real:
    """R G B of a frame, black 0 and white 1, in the film's own transfer; linear light made perceptual."""
    levels = colours(frame, scan.info.encoding)
    return np.asarray(perceptual_from_linear(levels) if scan.info.encoding.transfer == "linear" else levels, np.float32)


def shown_mask(frame: Frame, scan: Scan) -> Mask:
    """Where a mask is above black: any of its planes, or its luma."""
    encoding = scan.info.encoding
    planes = frame.planes[:3] if encoding.layout == "rgb" else frame.planes[:1]
    return np.asarray(np.any([plane > encoding.black for plane in planes], axis=0))


def matte(frame: Frame, scan: Scan) -> Real:
    """A detector's matte, 0 … 1."""
    encoding = scan.info.encoding
    largest = max((plane.astype(np.float32) for plane in frame.planes[: encoding.pictures]), key=lambda plane: float(plane.sum()))
    return np.asarray(np.clip(largest / np.float32(1.0 if encoding.floating else 2**encoding.bits - 1), 0, 1), np.float32)


def changed(ours: Frame, theirs: Frame, films: Films) -> float | None:
    """The share of pixels of which any code differs; None when the films' codes can't be compared."""
    encoding = films.reference.info.encoding
    if encoding != films.output.info.encoding or encoding.subsampling != (1, 1):
        return None
    pairs = zip(ours.planes[: encoding.pictures], theirs.planes[: encoding.pictures], strict=True)
    return float(np.any([a != b for a, b in pairs], axis=0).mean())


def weight_files(given: Sequence[str]) -> dict[str, list[str]]:
    """NAME=FILE[,FILE] as a table. Raises `MetricError`."""
    files = {}
    for text in given:
        name, sign, paths = text.partition("=")
        if not sign or name not in ("lpips", "dists", "fvd", "niqe", "brisque"):
            raise MetricError(f"--weights {text}: NAME=FILE wanted, NAME one of lpips, dists, fvd, niqe, brisque")
        files[name] = paths.split(",")
    return files


def chosen(asked: Sequence[str], files: Mapping[str, Sequence[str]], *, every: int) -> list[Meter]:
    """The meters of the scores asked for; PSNR, SSIM and flicker always. Raises `MetricError` at once where weights are missing."""
    meters: list[Meter] = [comparing.FidelityMeter(), comparing.SimilarityMeter(scales="ms-ssim" in asked), comparing.FlickerMeter()]
    if "vmaf" in asked:
        vmaf_ffmpeg()
    if "fvd" in asked:
        load_i3d(first(files, "fvd"))
    if "lpips" in asked:
        lpips = load_lpips(first(files, "lpips"))
        name = "ST-LPIPS" if lpips.net.startswith("st-") else "LPIPS"
        meters.append(comparing.PairMeter(name, lambda a, b: lpips(a, b, peak=1.0), every=every))
    if "dists" in asked:
        dists = load_dists(first(files, "dists"))
        meters.append(comparing.PairMeter("DISTS", lambda a, b: dists(a, b, peak=1.0), every=every))
    if "niqe" in asked:
        niqe = load_niqe(first(files, "niqe"))
        meters.append(comparing.AloneMeter("NIQE", lambda plane: niqe(plane, peak=1.0), every=every))
    if "brisque" in asked:
        brisque = load_brisque(first(files, "brisque"), next(iter(files.get("brisque", [])[1:]), None))
        meters.append(comparing.AloneMeter("BRISQUE", lambda plane: brisque(plane, peak=1.0), every=every))
    return meters


def first(files: Mapping[str, Sequence[str]], name: str) -> str | None:
    """The file given for a score, if one is."""
    return files[name][0] if name in files else None


def masked_meters(films: Films) -> list[Meter]:
    """The meters that a mask, a damaged film and a detector's mattes make possible."""
    wanted = ((films.mask, comparing.MaskMeter), (films.damaged, comparing.RestorationMeter), (films.found, comparing.DetectionMeter))
    return [meter() for film, meter in wanted if film is not None]


def whole_film(asked: Sequence[str], films: Films, files: Mapping[str, Sequence[str]]) -> dict[str, float | None]:
    """The scores that want to read the films themselves, once more."""
    found: dict[str, float | None] = {}
    if "vmaf" in asked:
        judged = vmaf((comparing.luma(pair.reference), comparing.luma(pair.output)) for pair in films.pairs())
        found |= {"VMAF": judged.mean, "VMAF, worst frame": judged.worst}
    if "fvd" in asked:
        ours, theirs = (pair.reference for pair in films.pairs()), (pair.output for pair in films.pairs())
        found["FVD"] = fvd(ours, theirs, load_i3d(first(files, "fvd")), peak=1.0)
    return found


def tell(a: Path, b: Path, films: Films, values: Mapping[str, float | None], *, as_json: bool) -> None:
    """Print the scores: as JSON, or a line each with unit, direction and range."""
    alone = any(name.upper() in values for name in ALONE)
    if as_json:
        scores = {name: {"value": value, **asdict(FACTS[name])} for name, value in values.items()}
        told = {"a": str(a), "b": str(b), "first": films.frames.start, "frames": len(films.frames), "scores": scores}
        print(json.dumps(told | ({"warning": WARNING} if alone else {}), indent=1, ensure_ascii=False))
        return
    info = films.reference.info
    print(f"A {a}\nB {b}\n{len(films.frames)} frames of {info.width} × {info.height}")
    for name, value in values.items():
        fact = FACTS[name]
        shown = "–" if value is None else f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
        print(f"  {name:38}{shown:>10} {fact.unit:6} {fact.better:7} {fact.span}".rstrip())
    if alone:
        print(WARNING)
