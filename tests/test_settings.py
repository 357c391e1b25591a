"""Settings: defaults, every variable, and a wrong value named."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from game_music_maker.errors import SettingError
from game_music_maker.settings import DEFAULT_API_URL, DEFAULT_WEB_URL, Settings

HOME = {"HOME": "/home/someone"}


def read(**more: str) -> Settings:
    return Settings.from_environ({**HOME, **more})


def test_without_anything_set_the_studio_is_used_with_defaults() -> None:
    found = read()
    assert found.backend == "auto"
    assert found.nemo_token is None
    assert not found.api_url_given
    assert (found.api_url, found.web_url) == (DEFAULT_API_URL, DEFAULT_WEB_URL)
    assert found.client_id_file == Path("/home/someone/.config/nemovideo/client_id")
    waits = (
        found.retry_seconds,
        found.recovery_seconds,
        found.still_working_seconds,
        found.idle_seconds,
        found.turn_seconds,
    )
    assert waits == (30, 30, 120, 600, 900)
    assert found.poll_seconds is None
    assert Path("/home/someone") in found.allowed_dirs
    assert Path.cwd() in found.allowed_dirs


@pytest.mark.parametrize(
    ("system", "data", "exports"),
    [
        ("linux", ".local/share/game-music-maker", "Videos/game-music-maker"),
        ("darwin", "Library/Application Support/game-music-maker", "Movies/game-music-maker"),
        ("win32", "AppData/Local/game-music-maker", "Videos/game-music-maker"),
    ],
)
def test_folders_are_the_platforms_own(monkeypatch: pytest.MonkeyPatch, system: str, data: str, exports: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    found = read()
    assert found.home == Path("/home/someone") / data
    assert found.output_dir == Path("/home/someone") / exports


GIVEN = {
    "NEMO_TOKEN": ("nemo_token", "tok", "tok"),
    "NEMO_API_URL": ("api_url", "http://127.0.0.1:9/", "http://127.0.0.1:9"),
    "NEMO_WEB_URL": ("web_url", "https://web.example", "https://web.example"),
    "NEMO_CLIENT_ID": ("client_id", "id-1", "id-1"),
    "SKILL_SOURCE": ("skill_source", "cursor", "cursor"),
    "GAME_MUSIC_MAKER_BACKEND": ("backend", "cloud", "cloud"),
    "GAME_MUSIC_MAKER_HOME": ("home", "/data/gmm", Path("/data/gmm")),
    "GAME_MUSIC_MAKER_OUTPUT_DIR": ("output_dir", "/out", Path("/out")),
    "GAME_MUSIC_MAKER_ALLOWED_DIRS": ("allowed_dirs", "/a:/b", (Path("/a"), Path("/b"))),
    "GAME_MUSIC_MAKER_POLL_SECONDS": ("poll_seconds", "2.5", 2.5),
    "GAME_MUSIC_MAKER_RETRY_SECONDS": ("retry_seconds", "1", 1),
    "GAME_MUSIC_MAKER_RECOVERY_SECONDS": ("recovery_seconds", "0.1", 0.1),
    "GAME_MUSIC_MAKER_STILL_WORKING_SECONDS": ("still_working_seconds", "5", 5),
    "GAME_MUSIC_MAKER_IDLE_SECONDS": ("idle_seconds", "6", 6),
    "GAME_MUSIC_MAKER_TURN_SECONDS": ("turn_seconds", "7", 7),
    "GAME_MUSIC_MAKER_HTTP_TOKEN": ("http_token", "t", "t"),
    "GAME_MUSIC_MAKER_HTTP_ALLOWED_HOSTS": ("http_allowed_hosts", "a.example, b.example", ("a.example", "b.example")),
    "GAME_MUSIC_MAKER_SKILL_DIR": ("skill_dir", "/skills/gmm", Path("/skills/gmm")),
}


@pytest.mark.parametrize("name", GIVEN)
def test_every_variable_is_read(name: str) -> None:
    field, value, wanted = GIVEN[name]
    assert getattr(read(**{name: value}), field) == wanted


@pytest.mark.parametrize("name", GIVEN)
def test_an_unexpanded_or_empty_value_counts_as_unset(name: str) -> None:
    for value in ("${" + name + "}", "", "  "):
        found, plain = read(**{name: value}), read()
        for field in dataclasses.fields(Settings):
            assert getattr(found, field.name) == getattr(plain, field.name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (f"GAME_MUSIC_MAKER_{what}_SECONDS", value)
            for what in ("POLL", "RETRY", "RECOVERY", "STILL_WORKING", "IDLE", "TURN")
            for value in ("0", "-1", "soon", "nan", "inf", "1e9")
        ),
        ("GAME_MUSIC_MAKER_BACKEND", "clowd"),
        ("NEMO_API_URL", "mega-api"),
        ("NEMO_API_URL", "ftp://x"),
        ("NEMO_API_URL", "https://user:pw@x.example"),
        ("NEMO_API_URL", "https://x.example/?a=b"),
        ("NEMO_API_URL", "http://[::1"),
        ("NEMO_WEB_URL", "https://"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name) as caught:
        read(**{name: value})
    assert value not in caught.value.message or len(value) < 5


def test_a_token_never_stands_in_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingError) as caught:
        read(NEMO_TOKEN="nmv_usr_secret", NEMO_API_URL="https://u:nmv_usr_secret@x.example")
    assert "secret" not in repr(read(NEMO_TOKEN="nmv_usr_secret", NEMO_CLIENT_ID="id_secret"))
    assert "secret" not in str(caught.value) + caught.value.next + "".join(capsys.readouterr())
