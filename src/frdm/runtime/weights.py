"""Weights that ship with frdm: where they lie, that they are whole, and what they say of themselves.

`weights.json` beside them lists every file with its sha256; a file that is not listed, or not the one listed, is refused.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from frdm.errors import WeightsError

LIST = "weights.json"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """One file of weights, checked."""

    name: str
    sha256: str
    data: bytes
    about: dict[str, Any]  # what the list says: kind of net, params, data, licence, date

    @property
    def version(self) -> str:
        """What a ledger calls these weights."""
        return f"{self.name} {self.sha256[:12]}"


@cache
def find_weights(name: str) -> Weights:
    """The weights that ship under a name, such as `eye`. Raises `WeightsError` where they are missing or changed."""
    folder = files("frdm.runtime")
    listed: dict[str, Any] = json.loads(folder.joinpath(LIST).read_text(encoding="utf-8"))
    if name not in listed:
        raise WeightsError(f"weights {name}: none of this name ship with frdm; give one of {', '.join(sorted(listed))}")
    about = dict(listed[name])
    where = folder.joinpath(f"{name}.onnx")
    try:
        data = where.read_bytes()
    except OSError as error:
        raise WeightsError(f"{where}: can't be read ({error.strerror}); install frdm again") from None
    found, wanted = hashlib.sha256(data).hexdigest(), about.pop("sha256")
    if found != wanted:
        raise WeightsError(f"{where}: sha256 {found[:12]}… found, {wanted[:12]}… wanted; the file was changed, install frdm again")
    return Weights(name, found, data, about)
