"""Whether the files of a restored sequence are the scan's own bytes, but for the words of repaired codes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from frdm.film import Frame, Mask
from frdm.media.dpx import Dpx, parse, replace_words
from frdm.media.scan import Scan
from frdm.media.sequence import SequenceScan
from frdm.media.still import read_bytes


def first_other_byte(scan: Scan, made: Scan, wanted: Frame, changed: Sequence[Mask] | None, *, place: int) -> tuple[Path, int] | None:
    """(file, offset) of the first byte of `made`'s frame `place` that isn't as frdm writes `wanted`; None where all are.

    Movies and repaired frames of formats that are written anew have no bytes of their own: None.
    """
    if not isinstance(scan, SequenceScan) or not isinstance(made, SequenceScan):
        return None
    form = scan.form_at(wanted.index)
    if form.container != made.form_at(place).container:
        return None
    source, file = scan.files[wanted.index], made.files[place]
    repaired = changed is not None and any(mask.any() for mask in changed)
    if repaired and not isinstance(form, Dpx):
        return None
    data = read_bytes(source)
    if repaired and changed is not None:
        replace_words(data, parse(data, source), source, planes=wanted.planes, changed=changed)
    found = read_bytes(file)
    if found == data:
        return None
    least = min(len(found), len(data))
    other = np.flatnonzero(np.frombuffer(found, np.uint8)[:least] != np.frombuffer(data, np.uint8)[:least])
    return file, int(other[0]) if other.size else least
