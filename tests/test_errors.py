"""The one error tree: every class crosses the wire both ways, and says what happened and what to do."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from nemo_server import NemoServer

from game_music_maker import errors
from game_music_maker.client.nemo import Nemo
from game_music_maker.client.tokens import FixedToken
from game_music_maker.contract.envelope import failure, read_failure
from game_music_maker.errors import ALL, BY_CODE, BY_WIRE, MusicMakerError, TokenRefused

INTERFACE_CODES = [
    "token_refused", "session_gone", "no_credits", "plan_required", "rate_limited", "unsupported_media",
    "file_too_large", "not_allowed_path", "nothing_to_export", "busy", "not_found", "output_exists", "disk_full",
    "cancelled", "timeout", "outcome_unknown", "backend_unreachable", "backend_error", "bad_answer",
    "render_failed", "invalid_argument",
]  # fmt: skip

CONCRETE = [cls for cls in ALL if BY_CODE.get(cls.code) is cls]
HEADERS = {"X-Skill-Source": "s", "X-Skill-Version": "1", "X-Skill-Platform": "test"}


def test_the_words_are_those_of_the_interface() -> None:
    assert sorted(BY_CODE) == sorted(INTERFACE_CODES)
    assert {cls.code for cls in ALL} == set(INTERFACE_CODES)


def test_numbers_are_unique() -> None:
    assert len(BY_WIRE) == len(BY_CODE) == len(CONCRETE)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_each_stands_in_the_docstring_and_names_a_next_step(cls: type[MusicMakerError]) -> None:
    if cls is not MusicMakerError:
        assert re.search(rf"\b{cls.__name__}\b", errors.__doc__ or "")
    error = cls("Something happened.")
    assert error.next.endswith(".")
    assert error.to_dict()["code"] == cls.code
    assert set(error.to_dict()) >= {"code", "message", "retryable", "next"}


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.__name__)
def test_each_comes_back_from_its_envelope(cls: type[MusicMakerError]) -> None:
    sent = cls("The words.", next="The step.", retry_after_s=7, link="https://example.com/")
    body = json.loads(json.dumps(failure(sent)))
    for status in (200, cls.status):
        back = read_failure(status, body)
        assert type(back) is cls
        assert (back.message, back.next, back.retry_after_s, back.link) == (
            "The words.",
            "The step.",
            7,
            "https://example.com/",
        )


def test_each_crosses_a_real_wire() -> None:
    async def given() -> str:
        return nemo.url

    async def ask() -> list[BaseException]:
        client = Nemo(given, FixedToken(nemo.token), HEADERS)
        found: list[BaseException] = []
        for cls in CONCRETE:
            sent = cls(f"About {cls.code}.", next="The step.", retry_after_s=3600)
            body = json.dumps(failure(sent)).encode()
            nemo.rule("POST /api/tasks", times=1, status=cls.status, body=body)
            found += await asyncio.gather(client.open_session(), return_exceptions=True)
        await client.close()
        return found

    with NemoServer() as nemo:
        found = asyncio.run(ask())
    for cls, back in zip(CONCRETE, found, strict=True):
        assert type(back) is cls
        assert isinstance(back, MusicMakerError)
        if cls is TokenRefused:  # said by this side: the service cannot know where the token came from
            assert "NEMO_TOKEN" in back.message
        else:
            assert (back.message, back.next, back.retry_after_s) == (f"About {cls.code}.", "The step.", 3600)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, {"code": 1001}, "token_refused"),
        (200, {"code": "2001"}, "no_credits"),
        (401, None, "token_refused"),
        (402, {"message": "x"}, "plan_required"),
        (413, None, "file_too_large"),
        (429, {}, "rate_limited"),
        (200, {"success": False, "error": "x"}, "backend_error"),
        (500, {"detail": [{"msg": "x"}]}, "backend_error"),
        (418, "text", "backend_error"),
    ],
)
def test_what_other_servers_say_is_read_by_the_table(status: int, body: object, code: str) -> None:
    found = read_failure(status, body)
    assert found.code == code
    assert found.message.endswith((".", "x"))


def test_a_session_that_is_gone_is_told_from_a_page_that_is_missing() -> None:
    assert read_failure(404, {"detail": "Session not found"}, on_session=True).code == "session_gone"
    assert read_failure(404, {"detail": "Not Found"}).code == "backend_error"
