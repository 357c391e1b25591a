"""Fixtures for everything that needs a running studio: the real process on loopback, with a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from media import Media

for _name in list(os.environ):
    # No setting of the machine, nor its data folder, takes part: every test says what it means and has its own home.
    if _name.startswith(("NEMO_", "GAME_MUSIC_MAKER_", "XDG_DATA_HOME", "LOCALAPPDATA")) or _name == "SKILL_SOURCE":
        del os.environ[_name]


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """Makes test clips, each once in a session: the workers of pytest-xdist share them."""
    base = tmp_path_factory.getbasetemp()
    return Media((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "media")


@dataclass
class RunningStudio:
    """A studio process. `http` asks it as its owner; `new` begins another client, without a token by default."""

    process: subprocess.Popen[bytes]
    url: str
    token: str
    home: Path
    http: httpx.Client

    def new(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def end(self, how: int | None = None) -> int:
        """Close its standard input, or send the signal `how`; its exit status."""
        self.http.close()
        if self.process.poll() is None and how is not None:
            self.process.send_signal(how)
        assert self.process.stdin is not None
        if how is None or how != signal.SIGSTOP:
            self.process.stdin.close()
        status = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture
def start_studio(tmp_path: Path) -> Iterator[Callable[..., RunningStudio]]:
    """Start as many studios as wanted; they share one home unless told otherwise. All are ended at the end."""
    begun: list[RunningStudio] = []

    def start(*arguments: str, home: Path | None = None) -> RunningStudio:
        place = home or tmp_path / "home"
        place.mkdir(exist_ok=True)
        with (place / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "game_music_maker.studio", "--home", str(place), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ},
            )
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline() or b"{}")
        assert set(ready) == {"url", "token"}, (place / "log.txt").read_text()
        http = httpx.Client(
            base_url=ready["url"],
            headers={"Authorization": f"Bearer {ready['token']}"},
            timeout=60,
            trust_env=False,
        )
        begun.append(RunningStudio(process, ready["url"], ready["token"], place, http))
        return begun[-1]

    yield start
    for studio in begun:
        studio.end()


@pytest.fixture
def studio(start_studio: Callable[..., RunningStudio]) -> RunningStudio:
    return start_studio()
