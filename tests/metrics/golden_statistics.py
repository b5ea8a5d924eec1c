"""Makes the golden statistics of test_noreference.py with other people's hands: piq 0.8.0 (BRISQUE) and scikit-video 1.1.11 (NIQE).

Neither is needed to run the tests. Unpack both wheels somewhere, then: python golden_statistics.py PIQ_FOLDER SCIKIT_VIDEO_FOLDER
"""

import importlib
import sys
import types
from typing import Any

import numpy as np
from numpy.typing import NDArray


def picture() -> NDArray[np.float64]:
    """A drawn luma (192, 288) of whole codes: waves, an edge, and grain that depends on the tone."""
    rows, columns = np.mgrid[:192, :288].astype(np.float64)
    tone = 120 + 50 * np.sin(columns / 17) * np.cos(rows / 11) + 30 * (columns > 140) + 15 * np.sin(rows * columns / 400)
    return np.clip(np.rint(tone + np.random.default_rng(3).normal(0, 1, tone.shape) * (2 + tone / 60)), 0, 255)


def package(name: str, folder: str) -> None:
    """A package whose own start isn't run."""
    module: Any = types.ModuleType(name)
    module.__path__ = [folder]
    sys.modules[name] = module


def brisque(folder: str) -> NDArray[np.float64]:
    package("piq", f"{folder}/piq")
    sys.modules["torchvision"] = types.ModuleType("torchvision")
    torch, theirs, functional = (importlib.import_module(name) for name in ("torch", "piq.brisque", "piq.functional"))
    x, found = torch.from_numpy(picture())[None, None], []
    for _ in range(2):
        found.append(theirs._natural_scene_statistics(x, 7, 7 / 6)[0].numpy())
        x = functional.imresize(x, sizes=(x.size(2) // 2, x.size(3) // 2))
    return np.concatenate(found)


def niqe(folder: str) -> NDArray[np.float64]:
    """Of the first patch at full size; scikit-video repeats the left side for the right in the diagonals, which is put right here."""
    package("skvideo", f"{folder}/skvideo")
    package("skvideo.utils", f"{folder}/skvideo/utils")
    stats, mscn = (importlib.import_module(f"skvideo.utils.{name}") for name in ("stats", "mscn"))
    patch = mscn.compute_image_mscn_transform(picture(), extend_mode="nearest")[0][:96, :96].astype(np.float64)
    shape, _, left, right, _, _ = stats.aggd_features(patch.copy())
    found = [shape, (left + right) / 2]
    for product in stats.paired_product(patch):
        found += stats.aggd_features(product.copy())[:4]
    return np.array(found)


if __name__ == "__main__":
    for name, values in (("BRISQUE", brisque(sys.argv[1])), ("NIQE", niqe(sys.argv[2]))):
        print(name, np.array2string(values, precision=6, separator=", ", suppress_small=True, max_line_width=120))
