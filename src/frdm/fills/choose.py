"""Which fill mends a defect: real film from frames nearby, the hand, or none.

Lines are mended across whatever the engine. With `auto` the neighbours' fill stands wherever motion around the hole can be confirmed; where
it can't, or where that fill is held, the hand is asked, and taken if it is sure enough, of the place and in a rehearsal beside it. But what
was found was found by its neighbours: a large thing that one frame alone shows, where their film can't be trusted, may as well be a hand
that moves fast. It must be more certain before anything is invented in its place. How the figures were chosen: docs/diffusion.md;
scripts/choose_engine.py measures those of trust anew with any weights.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from frdm.fills.halo import with_halo
from frdm.fills.hand import fill_all_by_hand
from frdm.fills.hand_job import HandJob
from frdm.fills.lines import fill_line
from frdm.fills.neighbours import FEWEST, Fill, Ground, Site, fill, least_trust, make_candidates, site_of, trust_of
from frdm.fills.rehearsal import rehearsed
from frdm.fills.surround import fill_from_surround
from frdm.film import Defect
from frdm.motion.window import Window
from frdm.recipe import Filling

SEEN = 0.8  # share of the ring that a neighbour shows along confirmed motion, from which on real film that is trusted stands …
PROVEN = 0.99  # … and the trust of the hand, at the place and in rehearsal, from which it is taken below that
MARGIN = 0.15  # where real film is held: by how much the hand's trust must lie above the belief in it, and above what the hole asks for
CERTAIN = 0.95  # trust of the hand that is enough whatever it lies above
LASTS = 3  # frames that show as much where the defect is, from which on its neighbours seem to be damaged there too
LARGE = 100.0  # px of a 480-line picture: where real film is held, larger defects are the hand's …
SURE = 0.8  # … only from this confidence on, which is asked of small pieces too (`defects.joint.LEAST`)
ASTRAY = 1.0  # px of there-and-back error above which a neighbour's motion is lost
NOT_SURE = "real film can't be trusted here, and a confidence of {:.3f} is too little to invent so much, {} is wanted: is it content?"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the neighbours' fill of a hole, each 0 … 1."""

    trust: float  # how well it continues the ring of sound film around the hole
    agreement: float  # how far the candidates say the same inside
    seen: float  # share of the ring that a neighbour shows along motion that goes there and back
    lasting: int = 1  # frames that show as much at this place, this one included

    @property
    def belief(self) -> float:
        """0 … 1: the weaker of trust and agreement; half of it where the neighbours seem to be damaged as well."""
        return min(self.trust, self.agreement) * (0.5 if self.lasting >= LASTS else 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A frame whose defects are to be mended, and with what."""

    window: Window
    ground: Ground
    settings: Filling
    stills: bool = False
    hand: HandJob | None = None  # None: real film alone


def fill_all(scene: Scene, defects: Sequence[Defect], lasting: Callable[[Defect], int], pool: Executor | None = None) -> list[Fill]:
    """A fill for each defect of a frame, by the engine that the settings name; `lasting` says in how many frames one stands."""
    engine, run = scene.settings.engine, map if pool is None else pool.map
    if engine == "diffusion":
        return _mended_by_hand(scene, defects)
    film = list(run(lambda one: by_film(one, scene), defects))
    if engine == "neighbours":
        return film
    places = [at for at, one in enumerate(defects) if one.kind != "line" and not too_unsure(one, scene)]
    unseen = run(lambda at: doubted(film[at], site_of(scene.window, defects[at], scene.ground), stills=scene.stills), places)
    doubts = [place for place, one in zip(places, unseen, strict=True) if one]
    known = {at: evidence_of(film[at], defects[at], scene, lasting(defects[at])) for at in doubts if film[at].patch is None}
    asking = [defects[place] for place in doubts]
    for place, made, shown in zip(doubts, by_hand(asking, scene), in_rehearsal(asking, scene), strict=True):
        asked_trust = least_trust(site_of(scene.window, defects[place], scene.ground), scene.settings)
        belief = known[place].belief if place in known else None
        film[place] = better(film[place], made, shown, least=asked_trust, belief=belief)
    return film


def _mended_by_hand(scene: Scene, defects: Sequence[Defect]) -> list[Fill]:
    """A fill for each defect: across lines, else the hand's where it is believed."""
    out: list[Fill | None] = [None] * len(defects)
    for place, one in enumerate(defects):
        if one.kind == "line":
            out[place] = fill_line(scene.window, one, scene.ground, scene.settings)
        elif too_unsure(one, scene) and by_film(one, scene).patch is None:
            out[place] = Fill(None, None, NOT_SURE.format(one.confidence, SURE))
    asked = [place for place, made in enumerate(out) if made is None]
    open_ones = [defects[place] for place in asked]
    for place, made, shown in zip(asked, by_hand(open_ones, scene), in_rehearsal(open_ones, scene), strict=True):
        out[place] = believed(made, shown, least=least_trust(site_of(scene.window, defects[place], scene.ground), scene.settings))
    return [made for made in out if made is not None]


def by_film(defect: Defect, scene: Scene) -> Fill:
    """What real film makes of a defect: across a line, from the surround in stills, else from neighbours."""
    if defect.kind == "line" or scene.stills:
        way = fill_line if defect.kind == "line" else fill_from_surround
        return way(scene.window, defect, scene.ground, scene.settings)
    return haloed(fill(scene.window, defect, scene.ground, scene.settings), defect, scene)


def haloed(made: Fill, defect: Defect, scene: Scene) -> Fill:
    """The fill, reaching to the end of a large defect's halo where one is seen and the film beyond continues better without it.

    Whether the defect is mended at all is not asked anew: without what surrounds it anything would look out of place.
    """
    wider = defect if made.patch is None else with_halo(defect, scene.window, scene.ground)
    if wider is defect:
        return made
    again = fill(scene.window, wider, scene.ground, scene.settings)
    if again.patch is None or again.provenance is None or made.provenance is None:
        return made
    return replace(made, patch=again.patch) if again.provenance.trust > made.provenance.trust else made


def by_hand(defects: Sequence[Defect], scene: Scene) -> list[Fill]:
    """What the hand makes of defects of a frame."""
    assert scene.hand is not None, "an engine that asks the hand was given none"
    job = scene.hand
    return fill_all_by_hand(scene.window, defects, scene.ground, scene.settings, hand=job.hand, how=job.how)


def in_rehearsal(defects: Sequence[Defect], scene: Scene) -> list[float]:
    """What trust the hand earns beside each defect."""
    assert scene.hand is not None, "an engine that asks the hand was given none"
    return rehearsed(scene.window, defects, scene.ground, scene.hand)


def evidence_of(film: Fill, defect: Defect, scene: Scene, lasting: int = 1) -> Evidence:
    """What speaks for a fill of real film. Stills have no neighbours: what the surround's fill trusts is all there is."""
    trust = 0.0 if film.provenance is None else film.provenance.trust
    site = site_of(scene.window, defect, scene.ground)
    if scene.stills or defect.kind == "line" or site.small_ring.sum() < FEWEST:
        return Evidence(trust, 1.0, 1.0)
    return Evidence(trust, _agreement(site), _seen(site), lasting)


def _agreement(site: Site) -> float:
    """How far the two best candidates say the same inside of the hole, in units of the film's noise."""
    first, *others = make_candidates(site)
    if not others or not site.small_hole.any():
        return 1.0
    apart = np.abs(cv2.GaussianBlur(first.luma - others[0].luma, (0, 0), 0.8))[site.small_hole]
    sigma = site.ground.noise[site.small.rows, site.small.columns][site.small_hole]
    return trust_of(float(apart.mean()), float(sigma.mean()))


def _seen(site: Site) -> float:
    """The share of the ring that some neighbour shows along motion that goes there and back."""
    rows, columns = site.small.rows, site.small.columns
    astray = np.min([one.aligned.inconsistency[rows, columns] for one in site.window.neighbours], axis=0)
    return float((astray[site.small_ring] <= ASTRAY).mean())


def doubted(film: Fill, site: Site, *, stills: bool = False) -> bool:
    """Whether the hand is asked: where real film is held, or where most of the motion around the hole is lost. Stills have no motion."""
    if film.patch is None:
        return True
    return not stills and bool(site.small_ring.any()) and _seen(site) < SEEN


def too_unsure(defect: Defect, scene: Scene) -> bool:
    """Whether a defect is large and not certain to be one. Stills are one frame alone whatever moves in them."""
    pixels = defect.mask.sum() / (scene.window.frame.planes[0].shape[0] / 480) ** 2
    return not scene.stills and pixels >= LARGE and defect.confidence < SURE


def believed(hand: Fill, shown: float, *, least: float) -> Fill:
    """The hand's fill with the trust that it earns at the place and in rehearsal; held where that is less than the hole asks for (`least`).

    The net copies sound film by construction, so that its trust of the place alone says little.
    """
    if hand.patch is None or hand.provenance is None:
        return hand
    trust = round(min(hand.provenance.trust, shown), 4)
    provenance = replace(hand.provenance, trust=trust)
    if trust < least:
        return Fill(None, provenance, f"the hand can't tell what it hides (trust {trust:.2f}, tried beside it)")
    return replace(hand, provenance=provenance)


def better(film: Fill, hand: Fill, shown: float, *, least: float, belief: float | None) -> Fill:
    """Which of two fills is taken. Where real film is trusted: the hand's from `PROVEN` on. Where it is held: the hand's where its trust,
    of the place and as `shown` in rehearsal, lies by `MARGIN` above what the hole asks for (`least`) and above the `belief` in real film.
    """
    trust = 0.0 if hand.provenance is None else min(hand.provenance.trust, shown)
    wanted = PROVEN if film.patch is not None else min(max(belief or 0.0, least) + MARGIN, CERTAIN)
    if hand.patch is not None and hand.provenance is not None and trust >= wanted:
        return replace(hand, provenance=replace(hand.provenance, trust=round(trust, 4)))
    if film.patch is not None:
        return film
    why = hand.reason or f"nor is the hand sure enough (trust {trust:.2f})"
    return replace(film, reason=f"{film.reason}; {why}")
