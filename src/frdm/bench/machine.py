"""What a result depends on besides the film: versions, commit, hardware. No host, user or place is named."""

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import xxhash

import frdm

PACKAGE = Path(frdm.__file__).parent
LIBRARIES = ("numpy", "opencv-python-headless", "av", "OpenImageIO", "scikit-image", "torch")
RESTORING = (
    "jobs",
    "mending.py",
    "rendering.py",
    "fills",
    "diffusion",
    "defects",
    "motion",
    "media",
    "ledger",
    "signal",
    "model",
    "runtime",
    "presets.py",
    "recipe.py",
    "film.py",
    "cli/restore.py",
    "cli/settings.py",
)
SCORING = (
    "metrics/restoration.py",
    "metrics/places.py",
    "metrics/detection.py",
    "metrics/temporal.py",
    "metrics/texture.py",
    "metrics/fidelity.py",
    "motion/flow.py",
    "motion/scale.py",
    "signal/grain.py",
    "signal/luma.py",
    "bench/crops.py",
    "bench/scoring.py",
    "bench/case.py",
)
REFERENCES = ("bench/reference.py", "bench/oracle.py", "bench/worker.py", "signal/luma.py")


def machine() -> dict[str, str | int]:
    """Processor, cores, memory (GiB), system and versions."""
    said: dict[str, str | int] = {
        "processor": processor(),
        "cores": os.cpu_count() or 0,
        "memory GiB": memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "frdm": frdm.__version__,
        "commit": commit(),
    }
    return said | {name: found for name in LIBRARIES if (found := library(name))}


def processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory() -> int:
    """GiB of memory; 0 where it can't be known."""
    try:
        import psutil
    except ImportError:
        return 0
    total: int = psutil.virtual_memory().total
    return round(total / 2**30)


def library(name: str) -> str | None:
    """The version of an installed library."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def commit() -> str:
    """The commit of the program's own repository, with "-dirty" where it was changed since; "" for an installed package."""
    command = ["git", "-C", str(PACKAGE), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        inside = subprocess.run([*command[:3], "ls-files", "--error-unmatch", "__init__.py"], capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 and inside.returncode == 0 else ""


def digest(parts: Iterable[str]) -> str:
    """A digest of parts (files or folders) of the program, learnt weights included: a result is kept only while they stay as they are."""
    hashed = xxhash.xxh3_64()
    for part in parts:
        place = PACKAGE / part
        inside = sorted(path for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc")
        for path in [place] if place.is_file() else inside:
            hashed.update(path.relative_to(PACKAGE).as_posix().encode())
            hashed.update(path.read_bytes())
    return hashed.hexdigest()
