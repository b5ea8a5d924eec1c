"""Scores: how near a restored film is to the truth, what was mended, and what was harmed. docs/metrics.md lists every one."""
