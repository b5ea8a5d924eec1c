"""Training: from clean film to the weights that ship. Needs the extra `[train]`."""
