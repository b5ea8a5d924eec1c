"""What people made by hand, as an export carries it: the pixels of repairs and the masks of protected places, as text."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np
import xxhash

from frdm.film import Box, Defect, Encoding, Mask, Patch, Provenance, Repair, ScanInfo
from frdm.jobs.estimating import frame_bytes
from frdm.jobs.project import Project
from frdm.ledger.made import Protection, protected_mask, protections
from frdm.ledger.masks import packed, unpacked
from frdm.ledger.patches import PatchFile, StoredPatch, pack, unpack
from frdm.ledger.reading import reaching, turned
from frdm.ledger.records import RepairRow

ROOM = 1 << 16  # bytes of a packed repair beside its samples


def pixels_text(project: Project, row: RepairRow) -> str:
    """A recorded repair's pixels. Raises `LedgerError`."""
    frame = row.box.frame
    with PatchFile(project.patches / row.file) as file:
        stored = file.frame(frame)[row.place]
    defect = Defect(row.kind, row.polarity, stored.defect_box, stored.mask, row.confidence, row.track)
    return base64.b64encode(pack(frame, [Repair(row.id, defect, stored.patch, row.provenance)])).decode("ascii")


def pixels_of(text: str, box: Box, info: ScanInfo) -> StoredPatch:
    """The pixels of a repair whose defect has this box. Raises `ValueError` for what can't be laid on a frame of this film."""
    (stored,) = unpack(_bytes(text), box.frame, most=4 * frame_bytes(info) + ROOM)
    patch, encoding = stored.patch, info.encoding
    if stored.defect_box != box or not _inside(box, info) or not _inside(patch.box, info):
        raise ValueError("its box isn't the defect's, or lies outside of the picture")
    if len(patch.codes) != encoding.pictures or any(matte.dtype != np.uint16 for matte in patch.mattes):
        raise ValueError("its planes aren't those of the film")
    for number, (matte, codes) in enumerate(zip(patch.mattes, patch.codes, strict=True)):
        _check_plane(patch, encoding, number, shapes=(matte.shape, codes.shape), codes=codes)
    return stored


def _check_plane(patch: Patch, encoding: Encoding, number: int, *, shapes: tuple[tuple[int, ...], ...], codes: Any) -> None:
    rows, columns = patch.box.on_plane(encoding, number)
    if any(shape != (rows.stop - rows.start, columns.stop - columns.start) for shape in shapes) or codes.dtype != encoding.dtype:
        raise ValueError("its samples aren't those of its box in this film")
    if not encoding.floating and codes.size and int(codes.max()) >> encoding.bits:
        raise ValueError(f"it has codes of more than {encoding.bits} bits")


def _inside(box: Box, info: ScanInfo) -> bool:
    return 0 <= box.top < box.bottom <= info.height and 0 <= box.left < box.right <= info.width


def digest_of(stored: StoredPatch) -> str:
    """What tells one repair's pixels from another's."""
    digest = xxhash.xxh3_128(repr((stored.patch.box, stored.defect_box)).encode())
    for array in (stored.mask, *stored.patch.mattes, *stored.patch.codes):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def repair_of(values: Mapping[str, Any], box: Box, stored: StoredPatch) -> Repair:
    """A repair with what an export says of it."""
    nature = (values["kind"], values["polarity"], box, stored.mask, values["confidence"], values["track"])
    made = Provenance(
        values["engine"], tuple(values["sources"]), values["weights"] or "", values["seed"], values["trust"], values["detector"]
    )
    return Repair("", Defect(*nature), stored.patch, made)


def places(project: Project) -> list[dict[str, Any]]:
    """All protected places as plain values, lifted ones too."""
    ledger, found = project.ledger, []
    into, changed = reaching(ledger), turned(ledger)
    for row in protections(ledger, 0, 1 << 62):
        box = row.box
        found.append(
            {
                "action": row.action,
                "who": row.who,
                "at": row.at,
                "start": row.start,
                "stop": row.stop,
                "box": [box.top, box.left, box.bottom, box.right],
                "mask": base64.b64encode(packed(protected_mask(ledger, row.number))).decode("ascii"),
                "note": row.note,
                "live": row.live,
                "turned": list(changed[row.action]) if row.action in changed else None,
                "repairs": into.get(row.number, []),
            }
        )
    return found


def place_of(values: Mapping[str, Any], info: ScanInfo) -> Protection:
    """A protected place with its mask. Raises `ValueError` where it can't lie in this film."""
    box = Box(values["start"], *values["box"])
    if not _inside(box, info) or not 0 <= values["start"] < values["stop"] <= info.length:
        raise ValueError("its box or its frames lie outside of the film")
    mask: Mask = unpacked(_bytes(values["mask"]), box.bottom - box.top, box.right - box.left)
    return Protection(values["start"], values["stop"], box, mask, values["note"])


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64 ({error})") from None
