"""What was found, what was mended, what a person decided. `store` has the only SQL, `patches` the pixels on disk."""
