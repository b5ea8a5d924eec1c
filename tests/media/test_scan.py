"""Which reader and which writer a name gets, and what is loaded for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from frdm.errors import MediaError
from frdm.media.scan import open_scan
from media.dpx_author import Author, Part, noise


def dpx_folder(at: Path) -> Path:
    at.mkdir()
    (at / "1.dpx").write_bytes(Author([Part(6, 10, 1, [noise(1, height=4, width=4, bits=10)])]).file())
    return at


@pytest.mark.parametrize("name", ["none", "none.dpx", "none/deep.mov", "a%04d.dpx", "a.####.tif"])
def test_what_is_not_there_is_said_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match=r"no such file|no file fits") as caught:
        open_scan(tmp_path / name)
    assert str(tmp_path) in str(caught.value)


def test_text_paths_serve(tmp_path: Path) -> None:
    assert open_scan(str(dpx_folder(tmp_path / "s"))).info.length == 1


def test_dpx_loads_neither_movie_nor_picture_libraries(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from frdm.media.scan import open_scan
        from frdm.media.writer import open_writer
        scan = open_scan(sys.argv[1])
        with open_writer(scan, __import__("pathlib").Path(sys.argv[2]), start=0, stop=1) as writer:
            writer.write(scan.frame(0), None)
            writer.finish()
        print(sorted({"av", "OpenImageIO", "cv2", "torch"} & sys.modules.keys()))
    """
    run = subprocess.run(
        [sys.executable, "-c", code, dpx_folder(tmp_path / "s"), tmp_path / "out"], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_fields_are_refused_unless_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "1.dpx").write_bytes(Author([Part(6, 10, 1, [noise(1, height=4, width=4, bits=10)])], fields={1928: b"\1"}).file())
    with pytest.raises(MediaError, match="--fields"):
        open_scan(folder)
    assert open_scan(folder, fields=True).info.length == 1
