"""Nets run by ONNX Runtime: on a graphics card where one is present and its provider installed, else on the processor.

Source: ONNX Runtime (execution providers).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.runtime.weights import find_weights

PROVIDERS = ("CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider", "CPUExecutionProvider")  # best first
THREADS = 2  # of one run on the processor: a fixed number, for sums must not hang on the machine


class Net:
    """A net that is ready to run; safe to call from several threads."""

    def __init__(self, data: bytes, *, providers: Sequence[str] | None = None, threads: int = THREADS) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait must not take time from decoding
        self._session = onnxruntime.InferenceSession(data, options, providers=list(providers or available()))
        self.provider: str = self._session.get_providers()[0]

    def __call__(self, **inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The net's first output for named inputs."""
        wanted = {one.name for one in self._session.get_inputs()}
        out: NDArray[np.float32] = self._session.run(None, {name: value for name, value in inputs.items() if name in wanted})[0]
        return out


def available() -> list[str]:
    """The providers of this machine, best first; the processor is always the last."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return [name for name in PROVIDERS if name in there]


@cache
def load_net(name: str) -> Net:
    """The net that ships under a name. Raises `WeightsError`."""
    return Net(find_weights(name).data)
