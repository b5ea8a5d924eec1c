"""Nets in torch: what they are, and how they leave torch as ONNX. torch is imported at load, so nothing that restores imports this room."""
