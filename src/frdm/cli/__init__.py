"""The command line: one small file a verb, loaded only when that verb is asked for, so that `frdm --help` is quick.

Exit codes: 0 all that was asked is done; 1 `verify` found a difference; 2 the user can mend it (one line says how); 130 interrupted.
"""

import sys
from collections.abc import Sequence
from difflib import get_close_matches

from cyclopts import App, CycloptsError, Parameter

from frdm import __version__
from frdm.errors import FrdmError, VerifyError

VERBS = (
    ("restore", "restore:restore", "Mend a film: scan in, restored film out, every repair on record."),
    ("detect", "detect:detect", "Find defects and write them as one matte a frame; no film is written."),
    ("preview", "preview:preview", "Restore two seconds and show them as a wipe between before and after."),
    ("inspect", "inspect:inspect", "Say what a film is: encoding, shots, grain, damage; with a contact sheet."),
    ("compare", "compare:compare", "Make a wipe between two films, moving or still."),
    ("render", "render:render", "Make the restored film again from a project's accepted repairs."),
    ("report", "report:report", "Write a project's treatment report (JSON and HTML) again."),
    ("verify", "verify:verify", "Prove that nothing outside the recorded repairs was changed."),
    ("accept", "decide:accept", "Accept repairs, by number, kind, shot or confidence."),
    ("reject", "decide:reject", "Reject repairs: `frdm render` then leaves the scan as it is there."),
    ("undo", "decide:undo", "Take the last decision back."),
    ("export", "export:export", "Give the ledger, markers, repairs or mattes to other programs."),
    ("import", "import_:import_decisions", "Take over decisions that were exported from a copy of the project."),
    ("studio", "studio:studio", "Look at repairs in the browser: accept, reject, undo, paint, render."),
    ("bench", "bench:bench", "Score restorers: build suites, run methods over them, report."),
    ("damage", "damage:damage", "Make a clean film dirty, scratched and worn, with the truth kept."),
    ("metrics", "metrics:metrics", "Measure how one film differs from another, and what was mended or harmed."),
    ("dataset", "dataset:dataset", "Make training data of film: pairs, synthesised damage, packs; and look at it."),
    ("train", "train:train", "Train the nets that find defects and mend them."),
    ("demo", "demo:demo", "Draw a short film, damage it, restore it, and show what came of it."),
)
HAND_OVER = 0.0005  # seconds after which a thread lets another one in: ours mostly wait for each other's short steps
NAMES = tuple(name for name, _, _ in VERBS)


def app(verb: str | None = None) -> App:
    """The command line's tree; verbs are named by their place, so that none is imported before it is called. `verb` may explain itself."""
    tree = App(
        name="frdm",
        help="Film restoration that leaves every undamaged code value as it was.",
        version=__version__,
        default_parameter=Parameter(negative=""),
        suppress_keyboard_interrupt=False,
    )
    for order, (name, place, sentence) in enumerate(VERBS):
        tree.command(f"frdm.cli.{place}", name=name, help=None if name == verb else sentence, sort_key=order)
    return tree


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code; a user's mistake is one line on stderr."""
    sys.setswitchinterval(HAND_OVER)
    asked = list(sys.argv[1:] if arguments is None else arguments)
    if asked and not asked[0].startswith("-") and asked[0] not in NAMES:
        near = get_close_matches(asked[0], NAMES, 1)
        wanted = f"did you mean {near[0]}?" if near else f"give one of {', '.join(NAMES)}"
        return complain(f"{asked[0]}: not a verb; {wanted}", 2)
    try:
        done = app(verb_of(asked))(asked, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        manual = f"frdm {verb_of(asked)} --help" if verb_of(asked) else "frdm --help"
        return complain(f"{str(error).strip()} See `{manual}`.", 2)
    except FrdmError as error:
        return complain(str(error), 1 if isinstance(error, VerifyError) else 2)
    except KeyboardInterrupt:
        return complain("Interrupted; what is done is kept, and the same command goes on from there.", 130)
    return done if isinstance(done, int) else 0


def verb_of(arguments: Sequence[str]) -> str | None:
    """The verb that is asked for, if one is."""
    return arguments[0] if arguments and arguments[0] in NAMES else None


def complain(sentence: str, code: int) -> int:
    """Print one line on stderr; `code` is handed back."""
    print("frdm: " + " ".join(sentence.split()), file=sys.stderr)
    return code
