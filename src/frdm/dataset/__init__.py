"""Training data: pairs of real film, synthesised damage, and packs that training reads with numpy and OpenCV alone.

`shards.read` gives samples, `shards.Pack` any one of them; docs/dataset.md describes the files.
"""
