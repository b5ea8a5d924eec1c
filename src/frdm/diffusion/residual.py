"""The global residual: at every step z is drawn towards a reference, the frames as they were restored whole at low resolution, strongly
at first and not at all at the end, so that tiles agree on colour and structure.

z and reference must carry one noise field: two independent ones would leave 0.71 of the noise at c = 0.5, and a net takes too little noise
for fine detail. Source: HaineiFRDM §4.2.
"""

from math import cos, pi

from frdm.diffusion.arrays import Array
from frdm.diffusion.schedule import LAST, Schedule, noised


def weight(t: float) -> float:
    """c_t: 0.5 at t = LAST, 0 at t = 0. Source: HaineiFRDM Eq. 2."""
    return 0.25 * (1 + cos(pi * (LAST - t) / LAST))


def fused(z: Array, reference: Array, t: float) -> Array:
    """z_t^RS drawn towards z_t^GR, both noised alike. Source: HaineiFRDM Eq. 1 (which prints z^GS for z^GR)."""
    c = weight(t)
    return (1 - c) * z + c * reference


def drawn_to(z: Array, reference: Array, noise: Array, *, t: float, schedule: Schedule) -> Array:
    """z_t drawn towards the clean reference, to which the noise that z carries is added."""
    return fused(z, noised(reference, noise, t, schedule), t)
