"""A film drawn by the program, dirtied with known truth, restored through the normal path and scored."""
