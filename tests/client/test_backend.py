"""Which backend is chosen, and the studio as a child process: lazy, one, brought back, gone at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nemo_server import NemoServer

from game_music_maker.backend import Backend, choose, open_backend
from game_music_maker.errors import BackendUnreachable, InvalidArgument, NotFound, SettingError
from game_music_maker.settings import Settings


def settings(home: Path, **more: str) -> Settings:
    return Settings.from_environ({"HOME": str(home), "GAME_MUSIC_MAKER_HOME": str(home / "data"), **more})


@pytest.mark.parametrize(
    ("more", "wanted", "chosen"),
    [
        ({}, None, "local"),
        ({"NEMO_TOKEN": "t"}, None, "cloud"),
        ({"NEMO_API_URL": "http://127.0.0.1:1"}, None, "cloud"),
        ({"NEMO_TOKEN": "t"}, "local", "local"),
        ({}, "cloud", "cloud"),
        ({"GAME_MUSIC_MAKER_BACKEND": "cloud"}, None, "cloud"),
        ({"GAME_MUSIC_MAKER_BACKEND": "local", "NEMO_TOKEN": "t"}, None, "local"),
        ({"GAME_MUSIC_MAKER_BACKEND": "local", "NEMO_TOKEN": "t"}, "auto", "cloud"),
    ],
)
def test_the_backend_that_is_chosen(tmp_path: Path, more: dict[str, str], wanted: str | None, chosen: str) -> None:
    assert choose(settings(tmp_path, **more), wanted) == chosen


def test_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        choose(settings(tmp_path), "moon")


def test_nothing_heavy_is_loaded_before_a_backend_is_opened() -> None:
    heavy = ("httpx", "mcp", "starlette", "pydantic")
    code = f"import sys, game_music_maker.backend; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def running(home: Path) -> list[int]:
    """The studios of this home folder, as the system lists them.

    A worker that was forked and has not become its own program yet still bears its studio's name: it is no studio.
    """
    found: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"game_music_maker.studio" in words and str(home).encode() in words:
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return [pid for pid, parent in found.items() if parent not in found]


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads the process table of Linux")


@pytest.fixture
def python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


@needs_proc
def test_the_studio_starts_on_the_first_call_once_and_ends_with_the_backend(tmp_path: Path, python_path: None) -> None:
    async def run() -> None:
        backend = await open_backend(settings(tmp_path))
        assert (backend.kind, backend.anonymous) == ("local", False)
        assert running(tmp_path / "data") == []
        found = await asyncio.gather(*(backend.client.credits() for _ in range(8)))
        assert len(running(tmp_path / "data")) == 1
        assert all(one.available >= 0 for one in found)
        async with asyncio.timeout(5):
            await backend.close()
        assert running(tmp_path / "data") == []
        with pytest.raises(BackendUnreachable):
            await backend.client.credits()

    asyncio.run(run())


@needs_proc
def test_a_studio_that_was_killed_is_started_again_with_its_sessions(tmp_path: Path, python_path: None) -> None:
    async def run() -> None:
        backend = await open_backend(settings(tmp_path))
        session = (await backend.client.open_session()).session_id
        (first,) = running(tmp_path / "data")
        os.kill(first, signal.SIGKILL)
        assert (await backend.client.state(session)).session_id == session
        (second,) = running(tmp_path / "data")
        assert second != first
        await backend.close()

    asyncio.run(run())


@needs_proc
def test_a_studio_that_ignores_the_end_is_made_to(tmp_path: Path, python_path: None) -> None:
    async def run() -> None:
        backend = await open_backend(settings(tmp_path))
        await backend.client.credits()
        (process,) = running(tmp_path / "data")
        os.kill(process, signal.SIGSTOP)
        async with asyncio.timeout(5):
            await backend.close()
        assert running(tmp_path / "data") == []

    asyncio.run(run())


@needs_proc
def test_a_studio_that_is_just_coming_up_is_ended_too(tmp_path: Path, python_path: None) -> None:
    from game_music_maker.backend import Studio

    async def run() -> None:
        studio = Studio(tmp_path / "data")
        await studio.spawn()
        backend = await open_backend(settings(tmp_path), studio=studio)
        await backend.close()
        assert running(tmp_path / "data") == []

    asyncio.run(run())


def test_a_home_that_cannot_be_used_is_said_with_its_variable(tmp_path: Path, python_path: None) -> None:
    (tmp_path / "data").write_text("a file")

    async def run() -> None:
        backend = await open_backend(settings(tmp_path))
        try:
            await backend.client.credits()
        finally:
            await backend.close()

    with pytest.raises(BackendUnreachable) as caught:
        asyncio.run(run())
    assert "GAME_MUSIC_MAKER_HOME" in caught.value.next


def test_a_studio_that_does_not_start_points_to_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "lib" / "game_music_maker"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise SystemExit('the library is broken')")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))

    async def run() -> None:
        backend = await open_backend(settings(tmp_path))
        try:
            await backend.client.credits()
        finally:
            await backend.close()

    with pytest.raises(BackendUnreachable, match="does not start") as caught:
        asyncio.run(run())
    log = tmp_path / "data" / "studio.log"
    assert str(log) in caught.value.next
    assert "the library is broken" in log.read_text()


def cloud(nemo: NemoServer, home: Path, **more: str) -> Settings:
    return settings(home, NEMO_API_URL=nemo.url, **more)


async def credits_and_close(backend: Backend) -> Any:
    try:
        return await backend.client.credits()
    finally:
        await backend.close()


def test_the_cloud_with_a_token_and_without_one(nemo: NemoServer, tmp_path: Path) -> None:
    async def run(given: Settings) -> tuple[Any, bool]:
        backend = await open_backend(given)
        return await credits_and_close(backend), backend.anonymous

    found, anonymous = asyncio.run(run(cloud(nemo, tmp_path, NEMO_TOKEN=nemo.token)))
    assert (found.available, anonymous) == (100, False)
    assert nemo.count("POST /api/auth/anonymous-token") == 0
    found, anonymous = asyncio.run(run(cloud(nemo, tmp_path)))
    assert (found.available, anonymous) == (100, True)
    (asked,) = nemo.seen("POST /api/auth/anonymous-token")
    kept = tmp_path / ".config" / "nemovideo" / "client_id"
    assert asked.headers["x-client-id"] == kept.read_text().strip()
    assert asked.headers["x-skill-source"] == "game-music-maker"


def test_the_local_backend_sends_nothing_to_the_cloud(nemo: NemoServer, tmp_path: Path, python_path: None) -> None:
    async def run() -> None:
        backend = await open_backend(cloud(nemo, tmp_path, NEMO_TOKEN=nemo.token), "local")
        await credits_and_close(backend)

    asyncio.run(run())
    assert nemo.requests == []


def test_a_token_that_cannot_be_sent_is_refused_by_name(nemo: NemoServer, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="NEMO_TOKEN"):
        asyncio.run(open_backend(cloud(nemo, tmp_path, NEMO_TOKEN="ключ")))


def test_the_studio_speaks_the_contract(tmp_path: Path, python_path: None) -> None:
    """The same client methods against the embedded studio: ids as text, unlimited credits, honest refusals."""

    async def run() -> None:
        backend = await open_backend(settings(tmp_path))
        client = backend.client
        try:
            opened = await client.open_session("project", "zh")
            assert opened.session_id.isdigit()
            assert len(opened.session_id) == 19
            assert not (await client.state(opened.session_id)).state.draft
            with pytest.raises(NotFound):
                await client.render_status("render_none")
            with pytest.raises(NotFound):
                await client.cancel_job("render_none")
        finally:
            await backend.close()

    asyncio.run(run())
