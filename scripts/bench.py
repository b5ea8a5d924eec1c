"""How fast is `frdm restore`, and how much memory does it take? Prints Markdown rows for docs/benchmark.md.

    python scripts/bench.py                    # 2048 × 1556, 10-bit DPX; speed on 24 frames, memory at 50 and 500
    python scripts/bench.py --long             # memory at 5,000 frames too: at a quarter of the size, for the disk's sake
    python scripts/bench.py --size 1024x778 --speed 12 --memory 50
    python scripts/bench.py --spotless PYTHON  # beside it VapourSynth's SpotLess, run by a Python ≥ 3.12 that has it (docs/bench.md)

The film is drawn by the program (`frdm demo`'s), dirtied, and repeated as often as needed. In the same run and on the same film: the plain
script that everyone writes first (SDIp test at 24/255 after DIS motion, mean of the two neighbours), and the floor (the bytes moved: every
file copied). SpotLess reads and writes 8-bit PNG, for VapourSynth has no DPX of its own: its row is of its whole process on these.
Needs psutil.
"""

import argparse
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil

import frdm
from frdm.demo.dirt import Dirtiness, dirtied, marks
from frdm.demo.scene import Stage, film

SEED = 1925
DRAWN = 24  # different frames; longer films repeat them
THRESHOLD = 24 / 255


def main() -> None:
    asked = arguments()
    width, height = (int(side) for side in asked.size.split("x"))
    print(f"commit {commit()}, Python {platform.python_version()}, {os.cpu_count()} cores, seed {SEED}: `{' '.join(sys.argv)}`\n")
    with tempfile.TemporaryDirectory(dir=asked.dir) as place:
        frames = drawn(Path(place) / "drawn", Stage(height=height, width=width, shot=DRAWN // 2, seed=SEED))
        speed(Path(place), frames, asked.speed, spotless=asked.spotless)
        for count in asked.memory:
            memory(Path(place), frames, count)
        if asked.long:
            small = drawn(Path(place) / "small", Stage(height=height // 4, width=width // 4, shot=DRAWN // 2, seed=SEED))
            for count in (50, 5000):
                memory(Path(place), small, count)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="2048x1556")
    parser.add_argument("--speed", type=int, default=24, help="frames of the speed film")
    parser.add_argument("--memory", type=int, nargs="*", default=[50, 500], help="lengths of the memory films")
    parser.add_argument("--long", action="store_true", help="memory at 5,000 frames of a quarter of the size")
    parser.add_argument("--spotless", metavar="PYTHON", help="a Python ≥ 3.12 with vapoursynth, its mvtools and zsmooth, numpy and pillow")
    parser.add_argument("--dir", help="where to work; needs room for two films")
    return parser.parse_args()


def commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"


def drawn(folder: Path, stage: Stage) -> list[Path]:
    """Draw, dirty and write the film's different frames."""
    folder.mkdir()
    random = np.random.default_rng(SEED)
    paths = []
    for index, clean in enumerate(film(stage)):
        made = marks(index, clean.shape[:2], random, Dirtiness())
        codes = np.round(dirtied(clean, made, random) * 1023).astype(np.uint32)
        paths.append(folder / f"{index:05d}.dpx")
        paths[-1].write_bytes(dpx(codes))
    return paths


def dpx(codes: np.ndarray) -> bytes:
    """A 10-bit R G B DPX, filled method A, big-endian."""
    height, width = codes.shape[:2]
    head = bytearray(b"\xff" * 2048)
    struct.pack_into(">4sI8sIIII", head, 0, b"SDPX", 2048, b"V1.0\0\0\0\0", 2048 + 4 * width * height, 1, 1664, 384)
    head[36:664] = bytes(628)
    struct.pack_into(">HHII", head, 768, 0, 1, width, height)
    element = struct.pack(">IIfIfBBBBHHIII", 0, 0, 0.0, 1023, 2.0, 50, 6, 6, 10, 1, 0, 2048, 0, 0)
    head[780 : 780 + len(element)] = element
    words = codes[..., 0] << 22 | codes[..., 1] << 12 | codes[..., 2] << 2
    return bytes(head) + words.astype(">u4").tobytes()


def median_filtered(scan: Path, place: Path, python: str) -> float:
    """Seconds of SpotLess on the same film as 8-bit PNG; making the PNG is not counted."""
    script = Path(frdm.__file__).parent / "bench" / "peers" / "spotless.py"
    (place / "in").mkdir(parents=True)
    paths = sorted(scan.iterdir())
    width, height = struct.unpack_from(">II", paths[0].read_bytes()[:800], 772)
    for path in paths:
        eight = np.round(undpx(path, width, height) * (255 / 1023)).astype(np.uint8)
        cv2.imwrite(str(place / "in" / f"{path.stem}.png"), eight[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    began = time.perf_counter()
    subprocess.run([python, str(script), str(place / "in"), str(place / "out")], check=True)
    seconds = time.perf_counter() - began
    shutil.rmtree(place)
    return seconds


def undpx(path: Path, width: int, height: int) -> np.ndarray:
    words = np.frombuffer(path.read_bytes(), ">u4", offset=2048).astype(np.uint32).reshape(height, width)
    return np.dstack([words >> 22 & 1023, words >> 12 & 1023, words >> 2 & 1023])


def reel(folder: Path, frames: list[Path], count: int) -> Path:
    """A film of `count` frames; links where the disk allows, for the same frames come again."""
    folder.mkdir()
    for index in range(count):
        target = folder / f"{index:06d}.dpx"
        try:
            os.link(frames[index % len(frames)], target)
        except OSError:
            shutil.copyfile(frames[index % len(frames)], target)
    return folder


def speed(place: Path, frames: list[Path], count: int, *, spotless: str | None) -> None:
    """Seconds a frame of frdm, of the plain script, of SpotLess where it is given, and of copying."""
    scan = reel(place / "scan", frames, count)
    rows = {"frdm restore": restored(scan, place / "out")[0]}
    for name, task in (("plain SDIp + DIS script", plain), ("floor: bytes copied", copied)):
        began = time.perf_counter()
        task(scan, place / "other")
        rows[name] = time.perf_counter() - began
        shutil.rmtree(place / "other")
    if spotless:
        rows["SpotLess (VapourSynth), 8-bit PNG"] = median_filtered(scan, place / "png", spotless)
    print("| | s/frame | of the plain script |\n|---|---|---|")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds / count:.3f} | {seconds / rows['plain SDIp + DIS script']:.2f} |")
    print("\n| frames | size | peak memory, MiB |\n|---|---|---|")
    clear(place, scan)


def clear(place: Path, scan: Path) -> None:
    for folder in (scan, place / "out", place / "out.frdm"):
        shutil.rmtree(folder, ignore_errors=True)


def memory(place: Path, frames: list[Path], count: int) -> None:
    """Peak memory of restoring `count` frames."""
    scan = reel(place / "scan", frames, count)
    needed, free = count * frames[0].stat().st_size, shutil.disk_usage(place).free
    if needed * 1.3 > free:
        print(f"| {count} | {frames[0].parent.name} | needs {needed / 1e9:.0f} GB of disk, {free / 1e9:.0f} free: give --dir |")
    else:
        print(f"| {count} | {frames[0].parent.name} | {restored(scan, place / 'out')[1] / 2**20:.0f} |", flush=True)
    clear(place, scan)


def restored(scan: Path, out: Path) -> tuple[float, int]:
    """Seconds and peak resident bytes of `frdm restore` with all its children."""
    command = [sys.executable, "-m", "frdm", "restore", str(scan), "-o", str(out), "--transfer", "video"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak, over = [0], threading.Event()
    watcher = threading.Thread(target=lambda: peak.__setitem__(0, max(sizes(process.pid, over), default=0)))
    watcher.start()
    _, said = process.communicate()
    seconds = time.perf_counter() - began
    over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(said.decode())
    return seconds, peak[0]


def sizes(pid: int, over: threading.Event) -> Iterator[int]:
    """Resident bytes of a process and its children, twenty times a second; it never waits for it, which would take its exit code away."""
    while not over.wait(0.05):
        try:
            process = psutil.Process(pid)
            yield sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
        except psutil.NoSuchProcess:
            continue


def copied(scan: Path, out: Path) -> None:
    """The floor: every byte read, written and safe on disk."""
    out.mkdir()
    for path in sorted(scan.iterdir()):
        with (out / path.name).open("wb") as target:
            target.write(path.read_bytes())
            target.flush()
            os.fsync(target.fileno())


def plain(scan: Path, out: Path) -> None:
    """The script that everyone writes first."""
    out.mkdir()
    paths = sorted(scan.iterdir())
    width, height = struct.unpack_from(">II", paths[0].read_bytes()[:800], 772)
    motion = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    films = {}
    for index, path in enumerate(paths):
        window = [near for near in (index - 1, index, index + 1) if 0 <= near < len(paths)]
        films = {near: films[near] if near in films else undpx(paths[near], width, height) for near in window}
        centre = films[index]
        mended = sdip(centre, [films[near] for near in films if near != index], motion) if len(films) == 3 else centre
        (out / path.name).write_bytes(path.read_bytes()[:2048] + dpx(mended)[2048:])


def sdip(centre: np.ndarray, neighbours: list[np.ndarray], motion: cv2.DISOpticalFlow) -> np.ndarray:
    """The centre with the neighbours' mean where it differs from both to the same side."""
    brought = [moved(centre, neighbour, motion) for neighbour in neighbours]
    one, other = (grey(centre) - grey(picture) for picture in brought)
    spikes = (np.minimum(np.abs(one), np.abs(other)) > THRESHOLD * 1023) & (one * other > 0)
    mask = cv2.dilate(spikes.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    mended = centre.copy()
    mended[mask] = np.round((brought[0][mask] + brought[1][mask]) / 2).astype(np.uint32)
    return mended


def moved(centre: np.ndarray, neighbour: np.ndarray, motion: cv2.DISOpticalFlow) -> np.ndarray:
    """The neighbour brought to the centre; motion at half size."""
    height, width = centre.shape[:2]
    small = [
        cv2.resize(grey(picture) / 4, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.uint8)
        for picture in (centre, neighbour)
    ]
    flow = cv2.resize(motion.calc(*small, None), (width, height)) * 2
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        neighbour.astype(np.float32), columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def grey(codes: np.ndarray) -> np.ndarray:
    return codes.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)


if __name__ == "__main__":
    main()
