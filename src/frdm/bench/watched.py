"""A command run in a process of its own, with what it cost: seconds and peak memory, its children's included."""

import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from frdm.errors import BenchError

EVERY = 0.05  # seconds between two looks at the memory
TOLD = 300  # characters of what a failed command said


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took: seconds from start to end (start-up included), and the peak of resident memory of it and its children, in bytes."""

    seconds: float
    peak: int


class EndedBadly(BenchError):
    """A command that was started ended with an exit `code` other than 0; `said` is the last line that it wrote, "" where it wrote none."""

    def __init__(self, program: str, code: int, said: str) -> None:
        super().__init__(f"{program} ended with {code}: {said or 'it said nothing'}")
        self.code, self.said = code, said


def run_watched(command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command in `folder` to its end. Raises `EndedBadly` where it fails, `BenchError` where it can't be started."""
    psutil = loaded_psutil()
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        try:
            process = subprocess.Popen(
                list(command), cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            )
        except OSError as error:
            raise BenchError(f"{command[0]}: can't be started ({error.strerror}); install it or give another path") from None
        with Watch(process.pid, psutil) as watch:
            try:
                code = process.wait()
            except BaseException:
                watch.stop()
                process.wait()
                raise
            seconds = time.perf_counter() - began
        if code:
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").replace(str(folder), ".").strip().splitlines()
            raise EndedBadly(Path(command[0]).name, code, lines[-1][-TOLD:] if lines else "")
    return Cost(seconds, watch.peak)


class Watch:
    """Keeps the peak of resident memory of a process and its children while it is entered.

    It never waits for the process: two threads that do take each other's exit code away.
    """

    def __init__(self, pid: int, psutil: Any) -> None:
        self.psutil = psutil
        self.peak = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look, args=(pid,), daemon=True)
        self.pid = pid

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over.set()
        self.thread.join()

    def look(self, pid: int) -> None:
        """Look again and again, until it is over."""
        while True:
            with suppress(self.psutil.Error):
                process = self.psutil.Process(pid)
                self.peak = max(self.peak, sum(one.memory_info().rss for one in (process, *process.children(recursive=True))))
            if self.over.wait(EVERY):
                return

    def stop(self) -> None:
        """End the process and its children: a benchmark that is interrupted leaves nothing running."""
        with suppress(self.psutil.Error):
            process = self.psutil.Process(self.pid)
            for one in (*process.children(recursive=True), process):
                one.kill()


def loaded_psutil() -> Any:
    """The library that measures memory. Raises `BenchError` where it is not installed."""
    try:
        import psutil
    except ImportError:
        raise BenchError("the benchmark measures memory with psutil, which isn't installed; pip install 'frdm[bench]'") from None
    return psutil
