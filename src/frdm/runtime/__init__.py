"""Weights that ship, and how they are run: no torch here."""
