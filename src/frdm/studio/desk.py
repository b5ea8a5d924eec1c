"""What the studio has on its desk: a project with its film, the frames and pictures that were looked at last, the brush, the job."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from frdm.errors import LedgerError, SettingsChanged
from frdm.film import ScanInfo
from frdm.jobs.by_hand import sweep
from frdm.jobs.layers import LayerStore
from frdm.jobs.outputs import default_out
from frdm.jobs.painting import Brush
from frdm.jobs.project import Project, existing, film_of, project_folder
from frdm.jobs.reading import Frames
from frdm.ledger import store
from frdm.ledger.reading import one_state
from frdm.media.scan import open_scan, warnings_of
from frdm.recipe import Recipe, recipe_from
from frdm.studio.keeping import Kept
from frdm.studio.running import Runner

PICTURES = 96 << 20  # bytes of encoded pictures


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture as it is sent."""

    data: bytes
    media_type: str
    crop: tuple[int, int, int, int]
    scale: float

    @property
    def size(self) -> int:
        return len(self.data)


class Desk:
    """An open studio. Every request opens the ledger anew, so that whatever happens to the project in between is seen."""

    def __init__(self, frames: Frames, folder: Path, recipe: Recipe) -> None:
        self.frames, self.folder, self.recipe = frames, folder, recipe
        self.mark = secrets.token_hex(8)  # of this studio, in the tags of its pictures
        self.layers = LayerStore()
        self.pictures: Kept[Encoded] = Kept(PICTURES)
        self.runner = Runner(frames.info.path, folder)
        self.painting = Lock()  # one repair is made at a time: each may take all cores
        self.closing = False  # the server is about to end: streams end with it
        self._brush: tuple[Recipe, Brush] | None = None

    @staticmethod
    def open(place: Path) -> "Desk":
        """A project's folder or a film. Raises `FrdmError` where there is none, it is newer, or the film moved or changed."""
        if (place / store.NAME).is_file():
            return Desk._of_project(place)
        scan = open_scan(place)
        folder = project_folder(default_out(scan.info), None)
        if (folder / store.NAME).is_file():
            scan.close()
            return Desk._of_project(folder)
        return Desk(Frames(scan), folder, Recipe())

    @staticmethod
    def _of_project(folder: Path) -> "Desk":
        with existing(folder, alone=False) as project:
            row, recipe = project.row, recipe_from(json.loads(project.row.recipe), str(folder))
            film = film_of(project)
            sweep(project)
        scan = open_scan(film, transfer=recipe.transfer, fields=recipe.fields, stills=recipe.stills)
        if scan.identity() != row.identity:
            scan.close()
            raise SettingsChanged(f"{film}: not the film that {folder} was made of, or changed since; bring that film back")
        return Desk(Frames(scan), folder, recipe)

    @property
    def info(self) -> ScanInfo:
        return self.frames.info

    @property
    def begun(self) -> bool:
        """Whether there is a ledger yet."""
        return (self.folder / store.NAME).is_file()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about the film that a user must read."""
        return warnings_of(self.frames.scan)

    @contextmanager
    def project(self) -> Iterator[Project]:
        """The project as it stands now. Raises `LedgerError` when there is none yet."""
        if not self.begun:
            raise LedgerError(f"{self.folder.name}: nothing was restored yet; run the restoration first")
        with existing(self.folder, alone=False) as project:
            yield project

    @contextmanager
    def looking(self) -> Iterator[Project]:
        """The same for questions: all that is read inside is of one moment. To be left soon. Raises `LedgerError`."""
        with self.project() as project, one_state(project.ledger):
            yield project

    def recipe_of(self, project: Project) -> Recipe:
        """The project's own recipe as its ledger has it now."""
        return recipe_from(json.loads(project.row.recipe), str(self.folder))

    def brush(self, project: Project) -> Brush:
        """The brush with the project's own recipe."""
        recipe = self.recipe_of(project)
        if self._brush is None or self._brush[0] != recipe:
            self._brush = recipe, Brush(self.frames, recipe, self.layers)
        return self._brush[1]

    def close(self) -> None:
        """Stop the job at its next whole frame and let go of the film."""
        self.closing = True
        self.runner.close()
        self.frames.close()
