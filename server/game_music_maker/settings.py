"""All settings, read from the environment in one place.

`Settings.from_environ` is the only reader of environment variables in the package. A value that still holds an
unexpanded ``${…}`` counts as unset (hosts pass such values through); a wrong value raises `SettingError` naming the
variable.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from .errors import SettingError

Backend = Literal["auto", "local", "cloud"]
DEFAULT_API_URL = "https://mega-api-prod.nemovideo.ai"
DEFAULT_WEB_URL = "https://nemovideo.com"
_T = TypeVar("_T")


def _get(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name, "").strip()
    return None if not value or "${" in value else value


def _parse(environ: Mapping[str, str], name: str, default: _T, read: Callable[[str], _T], wants: str) -> _T:
    value = _get(environ, name)
    if value is None:
        return default
    try:
        return read(value)
    except ValueError:
        raise SettingError(f"{name} has a value that cannot be used: it takes {wants}.") from None


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86_400:
        raise ValueError(text)
    return value


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ValueError(text)
    return text.rstrip("/")


def _backend(text: str) -> Backend:
    if text not in ("auto", "local", "cloud"):
        raise ValueError(text)
    return text  # type: ignore[return-value]


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(Path(part).expanduser() for part in text.split(os.pathsep) if part.strip())


def _home_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or Path("~").expanduser())


def _data_folder(environ: Mapping[str, str]) -> Path:
    """The platform's folder for an application's data: XDG, Application Support, or LOCALAPPDATA."""
    home = _home_folder(environ)
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "game-music-maker"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "game-music-maker"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "game-music-maker"


def _videos_folder(environ: Mapping[str, str]) -> Path:
    return _home_folder(environ) / ("Movies" if sys.platform == "darwin" else "Videos") / "game-music-maker"


@contextmanager
def ray_environment() -> Iterator[None]:
    """What Ray finds in the environment while it starts: unless its user says otherwise it reports nothing home."""
    name = "RAY_USAGE_STATS_ENABLED"
    given = name in os.environ
    os.environ.setdefault(name, "0")
    try:
        yield
    finally:
        if not given:
            os.environ.pop(name, None)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default filled in. Times are in seconds; folders are not made here."""

    nemo_token: str | None = field(repr=False)
    api_url: str
    web_url: str
    api_url_given: bool
    client_id: str | None = field(repr=False)
    client_id_file: Path
    skill_source: str | None
    skill_dir: Path | None
    backend: Backend
    home: Path
    output_dir: Path
    allowed_dirs: tuple[Path, ...]
    poll_seconds: float | None
    retry_seconds: float
    recovery_seconds: float
    still_working_seconds: float
    idle_seconds: float
    turn_seconds: float
    http_token: str | None = field(repr=False)
    http_allowed_hosts: tuple[str, ...]
    soundfont: Path | None
    llm_url: str | None
    llm_model: str | None
    llm_key: str | None = field(repr=False)

    @classmethod
    def load(cls) -> Settings:
        """The settings of this process. Raises: SettingError, as `from_environ`."""
        return cls.from_environ(os.environ)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read every variable of ``docs/settings.md`` from `environ`.

        Raises:
            SettingError: a variable holds a value that cannot be used; the sentence names it.
        """
        home = _home_folder(environ)
        prefix = "GAME_MUSIC_MAKER_"

        def text(name: str) -> str | None:
            return _get(environ, name)

        def number(name: str, default: float) -> float:
            return _parse(environ, prefix + name, default, _seconds, "a number of seconds above 0")

        def path(name: str) -> Path | None:
            value = text(name)
            return Path(value).expanduser() if value else None

        default_allowed = (home, Path.cwd(), Path(tempfile.gettempdir()))
        return cls(
            nemo_token=text("NEMO_TOKEN"),
            api_url=_parse(environ, "NEMO_API_URL", DEFAULT_API_URL, _url, "an http or https address"),
            web_url=_parse(environ, "NEMO_WEB_URL", DEFAULT_WEB_URL, _url, "an http or https address"),
            api_url_given=text("NEMO_API_URL") is not None,
            client_id=text("NEMO_CLIENT_ID"),
            client_id_file=home / ".config" / "nemovideo" / "client_id",
            skill_source=text("SKILL_SOURCE"),
            skill_dir=path(prefix + "SKILL_DIR"),
            backend=_parse(environ, prefix + "BACKEND", "auto", _backend, "auto, local or cloud"),
            home=path(prefix + "HOME") or _data_folder(environ),
            output_dir=path(prefix + "OUTPUT_DIR") or _videos_folder(environ),
            allowed_dirs=_parse(environ, prefix + "ALLOWED_DIRS", default_allowed, _paths, "folders"),
            poll_seconds=_parse(
                environ, prefix + "POLL_SECONDS", None, lambda v: _seconds(v), "a number of seconds above 0"
            ),
            retry_seconds=number("RETRY_SECONDS", 30.0),
            recovery_seconds=number("RECOVERY_SECONDS", 30.0),
            still_working_seconds=number("STILL_WORKING_SECONDS", 120.0),
            idle_seconds=number("IDLE_SECONDS", 600.0),
            turn_seconds=number("TURN_SECONDS", 900.0),
            http_token=text(prefix + "HTTP_TOKEN"),
            http_allowed_hosts=tuple(
                host.strip() for host in (text(prefix + "HTTP_ALLOWED_HOSTS") or "").split(",") if host.strip()
            ),
            soundfont=path(prefix + "SOUNDFONT"),
            llm_url=_parse(environ, prefix + "LLM_URL", None, lambda v: _url(v), "an http or https address"),
            llm_model=text(prefix + "LLM_MODEL"),
            llm_key=text(prefix + "LLM_KEY"),
        )
