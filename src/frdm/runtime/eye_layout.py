"""What the eye is shown and what it answers: the order of the pictures, the same for the net and for those who run it."""

SLOTS = 4  # neighbours that are shown, nearest first
FULL = ("luma", "aligned 1", "aligned 2", "aligned 3", "aligned 4", "as it lies 1", "as it lies 2", "halfway", "halfway against")
HALF = ("astray 1", "astray 2", "astray 3", "astray 4", "blue change", "red change", "blue", "red", "noise")
ALONE_FULL, ALONE_HALF = (0,), (6, 7)  # what of these a frame without neighbours has: noise is measured between frames
SCALE = 1 / 48  # what a code is multiplied by before the net
CLASSES = ("dirt", "line")
CELL = 32  # sides of the pictures that a net is given must be multiples of it
