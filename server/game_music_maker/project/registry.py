"""Projects by name: which one is meant, and making new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidArgument, NotFound
from .clock import Clock
from .store import Project, Store
from .text import line, slug

if TYPE_CHECKING:
    from ..settings import Settings


class Registry:
    """The projects of one home folder."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock

    def kind(self, wanted: str | None) -> str:
        """``local`` or ``cloud`` for what was asked for; ``auto`` is the cloud where it is set up."""
        chosen = wanted or "auto"
        if chosen == "auto":
            chosen = self._settings.backend
        if chosen == "auto":
            chosen = "cloud" if self._settings.nemo_token or self._settings.api_url_given else "local"
        return chosen

    def find(self, name: str) -> Project | None:
        return self._store.project(slug(name) or name)

    def last(self, kind: str | None = None) -> Project | None:
        """The most recently used project, of backend `kind` where one is given."""
        return next((p for p in self._store.projects() if kind in (None, p.backend)), None)

    def make(self, name: str, kind: str | None, language: str | None, *, free_name: bool) -> Project:
        """A new project; `free_name` adds a number where the name is taken.

        Raises:
            InvalidArgument: the name holds no letters or digits.
        """
        readable = slug(name)
        if not readable:
            raise InvalidArgument("A project's name needs letters or digits.")
        backend = self.kind(kind)
        now = self._clock.now()
        origin = "" if backend == "local" else self._settings.api_url
        made = Project(readable, backend, origin, "", "", language or "en", now, now)
        return self._store.add_project(made, free_name=free_name)

    def meant(self, name: str | None, hint: str) -> Project:
        """The named project, or the last used one, or a first one called after `hint`.

        Raises:
            NotFound: no project has that name; the sentence lists some that exist.
        """
        if name is None:
            return self.last() or self.make(hint, None, None, free_name=True)
        found = self.find(name)
        if found is None:
            known = ", ".join(f"'{p.name}'" for p in self._store.projects()[:5]) or "none yet"
            raise NotFound(
                f"There is no project '{line(name, 80)}'; there is {known}.",
                next="Use one of these, or make it with connect.",
            )
        return found

    def check(self, project: Project) -> None:
        """Raises: InvalidArgument: the project lives at another service address than the one set now."""
        if project.backend == "cloud" and project.origin != self._settings.api_url:
            raise InvalidArgument(
                f"The project '{project.name}' lives at another service address than the one set now.",
                next="Set NEMO_API_URL as it was, or connect with another project name.",
            )
