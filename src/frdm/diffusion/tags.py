"""What is said of a shot in words that a compact net knows: a value for each of a few tags, or nothing. No torch."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.errors import RecipeError

TAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "shot size": ("close", "medium", "wide"),
        "camera angle": ("level", "high", "low"),
        "motion": ("still", "slow", "fast"),
        "colour": ("mono", "colour"),
        "gauge": ("8mm", "super8", "16mm", "35mm"),
    }
)
MEASURED: Mapping[str, Mapping[str, str]] = MappingProxyType(  # words of `frdm.motion.tags` as nets are trained with them
    {
        "motion": {"still": "still", "slow": "slow", "moderate": "fast", "fast": "fast"},
        "colour": {"mono": "mono", "toned": "colour", "colour": "colour"},
        "gauge": {gauge: gauge for gauge in TAGS["gauge"]},
    }
)


def numbers_of(said: Mapping[str, str]) -> NDArray[np.int64]:
    """(tags,) what is known of a shot, such as {"gauge": "16mm"}, in the order of `TAGS`; 0 where nothing is said.

    Raises `RecipeError` on a tag or value there is not.
    """
    for name in said:
        if name not in TAGS:
            raise RecipeError(f"tag {name!r}: there is none of this name; give one of {', '.join(TAGS)}")
    return np.array([_number(said, name) for name in TAGS], np.int64)


def _number(said: Mapping[str, str], name: str) -> int:
    if name not in said:
        return 0
    if said[name] not in TAGS[name]:
        raise RecipeError(f"tag {name}: {said[name]!r} is none of its values; give one of {', '.join(TAGS[name])}, or leave it out")
    return 1 + TAGS[name].index(said[name])


def tags_in(prompt: str) -> dict[str, str]:
    """The tags of a prompt such as `motion: fast, gauge: 16mm`. Raises `RecipeError` on a caption, and on a tag that is given twice."""
    said: dict[str, str] = {}
    start = prompt if len(prompt) <= 40 else prompt[:40].rstrip() + "…"
    for part in filter(None, (part.strip() for part in prompt.split(","))):
        name, colon, value = (word.strip() for word in part.partition(":"))
        if not colon:
            raise RecipeError(f"prompt {start!r}: a caption found, these weights know tags alone; write NAME: VALUE, … of {_all()}")
        if name in said:
            raise RecipeError(f"prompt {start!r}: too long, {name} is said twice; say each of {', '.join(TAGS)} once at most")
        said[name] = value
    return said


def _all() -> str:
    return ", ".join(f"{name} ({' | '.join(values)})" for name, values in TAGS.items())


def told_by(said: Mapping[str, Any], known: Mapping[str, Mapping[str, str]] = MEASURED) -> dict[str, str]:
    """What of that which is said of a shot, such as its measured tags (`frdm.motion.tags.measured_tags`), a net knows a word for."""
    return {name: words[said[name]] for name, words in known.items() if said.get(name) in words}
