"""Damage made by us: procedural dirt, hairs, lines and stains on clean film, and what printing and copying do to it."""
