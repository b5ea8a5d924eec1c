"""Every exception that frdm raises on purpose.

A message is one sentence that says where, what was found, what was wanted and what to do. The command line prints it as one line
and exits with 2; anything that is not a `FrdmError` is a bug of ours and keeps its traceback.

    FrdmError
    ├── MediaError            a scan or an output that can't be read or written
    │   ├── UnreadableFrame   one frame is missing, broken or of another size
    │   ├── UnsupportedFilm   a format, codec or field order that frdm refuses
    │   └── TransferUnknown   log or linear can't be known: the user must say
    ├── OutputError           where to write: exists, equals the input, no permission, disk full
    ├── LedgerError           a project that is newer, foreign, moved or broken
    │   ├── SettingsChanged   an old project was made with other settings
    │   └── ChangedMeanwhileError (ledger/made.py)   somebody else decided in the same moment
    ├── NotThereError (studio/telling.py)   a page asked for what a project does not have
    ├── RecipeError           a setting that is not understood or out of range
    ├── WeightsError          weights that are missing, changed or made for another version
    ├── DamageError           a damage recipe, template pack or clean film that can't be used
    ├── DatasetError          films that can't be paired, packed or read as training data
    ├── MetricError           a score that can't be computed from what was given (sizes, ranges, missing weights)
    ├── BenchError            a suite, method or peer that can't be run
    │   └── EndedBadly (bench/watched.py)   a program that was measured failed
    └── VerifyError           a restored film differs from its scan outside the recorded repairs
"""


class FrdmError(Exception):
    """Base of all errors that a user can cause and mend."""


class MediaError(FrdmError):
    """A scan or an output can't be read or written."""


class UnreadableFrame(MediaError):
    """One frame is missing, broken or of another size."""


class UnsupportedFilm(MediaError):
    """A format, codec or field order that frdm refuses."""


class TransferUnknown(MediaError):
    """Whether the codes are log, linear or video can't be known from the film."""


class OutputError(FrdmError):
    """The output can't be put where it was asked for."""


class LedgerError(FrdmError):
    """A project is newer, foreign, moved or broken."""


class SettingsChanged(LedgerError):
    """An old project was made with other settings or of another film."""


class RecipeError(FrdmError):
    """A setting is not understood or out of its range."""


class WeightsError(FrdmError):
    """Weights are missing, changed, or made for another version."""


class DamageError(FrdmError):
    """A damage recipe, a template pack or a clean film can't be used."""


class DatasetError(FrdmError):
    """Films can't be paired, packed or read as training data."""


class MetricError(FrdmError):
    """A score can't be computed from what was given."""


class BenchError(FrdmError):
    """A suite, a method or a peer can't be run."""


class VerifyError(FrdmError):
    """A restored film differs from its scan outside the recorded repairs."""
