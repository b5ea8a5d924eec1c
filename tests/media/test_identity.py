"""What tells films apart stays what it is: projects find their film by it."""

from pathlib import Path

from frdm.media.identity import files_identity

PINNED = "7440ad0b8941cb1bb345435eb537d126"
"""Of the files below, by hand:

    one() { s=$(stat -c %s $1); t=$((s > 32768 ? 16384 : s > 16384 ? s - 16384 : 0))
            { printf '%s\\0' $1; python -c "import sys; sys.stdout.buffer.write(($s).to_bytes(8, 'little'))"
              head -c 16384 $1; tail -c $t $1; } | b2sum -l 128 | cut -c1-32; }
    for f in film_*.dpx; do one $f; done | xxd -r -p | b2sum -l 128
"""


def films(folder: Path) -> list[Path]:
    """Twenty files: an empty one, small ones, one that is a little more than its head, one whose middle is not read."""
    sizes = {0: 0, 7: 16384, 8: 16389, 9: 50000}
    paths = [folder / f"film_{number:04d}.dpx" for number in range(20)]
    for number, path in enumerate(paths):
        size = sizes.get(number, 10 * number)
        path.write_bytes((bytes(range(number, 251)) * 300)[:size])
    return paths


def test_it_can_t_change_unnoticed(tmp_path: Path) -> None:
    assert files_identity(films(tmp_path)) == PINNED


def test_it_hangs_on_order_names_sizes_heads_and_tails_alone(tmp_path: Path) -> None:
    paths = films(tmp_path)
    first = files_identity(paths)
    assert files_identity(paths[::-1]) != first
    large = paths[9].read_bytes()
    for at, seen in ((0, True), (16383, True), (16384, False), (33615, False), (33616, True), (49999, True)):
        paths[9].write_bytes(large[:at] + b"\xff" + large[at + 1 :])
        assert (files_identity(paths) != first) == seen, at
