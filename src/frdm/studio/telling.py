"""What the page is told: rows of the ledger as JSON."""

import json
from typing import Any

from frdm.errors import FrdmError
from frdm.film import Box
from frdm.jobs.project import Project
from frdm.ledger.browsing import state_of
from frdm.ledger.records import ActionRow, By, ClaimRow, DefectRow, ProtectionRow


class NotThereError(FrdmError):
    """Something was asked for that isn't there."""


def box_of(box: Box) -> list[int]:
    """Top, left, bottom, right."""
    return [box.top, box.left, box.bottom, box.right]


def version(project: Project) -> dict[str, int]:
    """What changes whenever a list does."""
    action, repairs, analysed = state_of(project.ledger)
    return {"action": action, "repairs": repairs, "analysed": analysed}


def defect(row: DefectRow) -> dict[str, Any]:
    """One defect."""
    came = row.provenance
    return {
        "id": row.id,
        "frame": row.box.frame,
        "shot": row.shot,
        "kind": row.kind,
        "polarity": row.polarity,
        "confidence": row.confidence,
        "size": round(row.box.area**0.5, 2),
        "box": box_of(row.box),
        "status": row.status,
        "reviewed": row.reviewed,
        "repair": row.repair is not None,
        "painted": row.painted,
        "aside": row.aside,
        "engine": None if came is None else came.engine,
        "sources": [] if came is None else list(came.sources),
        "trust": None if came is None else came.trust,
        "seed": None if came is None else came.seed,
        "weights": "" if came is None else came.weights,
        "detector": "" if came is None else came.detector,
        "altered": row.altered,
        "reason": row.reason,
        "track": row.track,
        "replaces": row.replaces,
    }


def action(row: ActionRow, asker: By) -> dict[str, Any]:
    """One thing that a person did."""
    return {
        "number": row.number,
        "verb": row.verb,
        "about": row.about,
        "who": row.who,
        "at": row.at,
        "selection": json.loads(row.selection),
        "changed": row.changed,
        "frame": row.frame,
        "undone": row.undone,
        "of": row.undoes,
        "mine": row.who == asker.who,
    }


def claim(row: ClaimRow, asker: By) -> dict[str, Any]:
    """One claim."""
    return {"shot": row.shot, "seat": row.seat, "who": row.who, "at": row.at, "until": row.until, "mine": row.seat == asker.seat}


def protection(row: ProtectionRow) -> dict[str, Any]:
    """One protected place."""
    return {
        "number": row.number,
        "action": row.action,
        "start": row.start,
        "stop": row.stop,
        "box": box_of(row.box),
        "note": row.note,
        "who": row.who,
        "at": row.at,
        "live": row.live,
    }
