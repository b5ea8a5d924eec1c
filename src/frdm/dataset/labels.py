"""What a shot shows, in words: measured tags always; a caption, shot size and camera angle where a person gives a model on disk.

The models are run by the library transformers, which is not installed with frdm, from a local folder; nothing is fetched.
(The paper's §3 has every shot captioned by CogVLM2 and labelled with camera angle and shot size.)
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from frdm.errors import DatasetError
from frdm.film import Codes
from frdm.motion.tags import measured_tags, plain_caption

SHOT_SIZES = ("extreme close-up", "close-up", "medium shot", "full shot", "wide shot", "extreme wide shot")
CAMERA_ANGLES = ("eye level", "low angle", "high angle", "overhead view", "dutch angle")
LONGEST = 60  # words of a caption
LOOKS = 3  # frames whose answers are added

Picture = NDArray[np.uint8]  # (H, W, 3), R G B


class Captioner(Protocol):
    """Says in a sentence what a picture shows."""

    def caption(self, picture: Picture) -> str: ...


class Classifier(Protocol):
    """Says how likely each of some descriptions of a picture is; they add up to 1."""

    def likely(self, picture: Picture, words: tuple[str, ...]) -> NDArray[np.float64]: ...


@dataclass(frozen=True, slots=True)
class Models:
    """The models that describe shots; None: not asked for."""

    captioner: Captioner | None = None
    classifier: Classifier | None = None


def described(codes: Codes, models: Models, *, gauge: str = "unknown", caption: str = "") -> dict[str, Any]:
    """`tags`, `caption`, `caption_by` (person, model or measured) and, with a classifier, `labels` of one shot's frames (T, H, W, C)."""
    tags = measured_tags(codes, gauge=gauge)
    said: dict[str, Any] = {"tags": tags, "caption": caption or plain_caption(tags), "caption_by": "person" if caption else "measured"}
    if models.captioner is not None:
        said |= {"caption": models.captioner.caption(eight_bits(codes[len(codes) // 2])), "caption_by": "model"}
        if caption:
            said["given_caption"] = caption
    if models.classifier is not None:
        said["labels"] = labelled(codes, models.classifier)
    return said


def labelled(codes: Codes, classifier: Classifier) -> dict[str, str]:
    """`shot_size` and `camera_angle`, by a few frames' answers together."""
    pictures = [eight_bits(codes[at]) for at in sorted({round(part * (len(codes) - 1) / (LOOKS - 1)) for part in range(LOOKS)})]
    found = {}
    for name, words in (("shot_size", SHOT_SIZES), ("camera_angle", CAMERA_ANGLES)):
        likely = sum(np.asarray(classifier.likely(picture, words), np.float64) for picture in pictures)
        found[name] = words[int(np.argmax(likely))]
    return found


def eight_bits(picture: Codes) -> Picture:
    """A picture (H, W, 1 or 3) as models take it."""
    codes = (picture >> 8).astype(np.uint8) if picture.dtype == np.uint16 else np.asarray(picture, np.uint8)
    return np.ascontiguousarray(np.repeat(codes, 3, axis=2) if codes.shape[2] == 1 else codes)


def open_models(captioner: Path | None = None, classifier: Path | None = None) -> Models:
    """The models in these folders, as transformers saves them. Raises `DatasetError`."""
    return Models(
        None if captioner is None else LocalCaptioner(captioner),
        None if classifier is None else LocalClassifier(classifier),
    )


class LocalCaptioner:
    """A captioning model of a folder (BLIP, GIT, Florence, CogVLM and their like, as far as transformers runs them by itself)."""

    def __init__(self, folder: Path) -> None:
        self._processor, self._model = _opened(folder, "AutoModelForImageTextToText")

    def caption(self, picture: Picture) -> str:
        inputs = self._processor(images=picture, return_tensors="pt")
        words = self._model.generate(**inputs, max_new_tokens=LONGEST, do_sample=False)
        return " ".join(str(self._processor.batch_decode(words, skip_special_tokens=True)[0]).split())


class LocalClassifier:
    """A model of a folder that compares pictures with texts (CLIP, SigLIP)."""

    def __init__(self, folder: Path) -> None:
        self._processor, self._model = _opened(folder, "AutoModelForZeroShotImageClassification")

    def likely(self, picture: Picture, words: tuple[str, ...]) -> NDArray[np.float64]:
        texts = [f"a film still, {each}" for each in words]
        inputs = self._processor(text=texts, images=picture, return_tensors="pt", padding=True)
        scores = np.asarray(self._model(**inputs).logits_per_image.detach().numpy(), np.float64).ravel()
        powers = np.exp(scores - scores.max())
        return np.asarray(powers / powers.sum())


def _opened(folder: Path, kind: str) -> tuple[Any, Any]:
    """(processor, model) of a folder, from disk alone. Raises `DatasetError`."""
    if not (folder / "config.json").is_file():
        raise DatasetError(f"{folder}: holds no config.json, so it is no model that transformers saved; name a model's folder")
    try:
        transformers = import_module("transformers")
    except ImportError:
        raise DatasetError(f"{folder}: running it needs the library transformers; pip install transformers torch pillow") from None
    try:
        processor = transformers.AutoProcessor.from_pretrained(str(folder), local_files_only=True)
        model = getattr(transformers, kind).from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as error:
        raise DatasetError(f"{folder}: the model can't be opened as {kind} ({error}); name one of that kind") from None
    model.eval()
    return processor, model
