"""One message, one POST: what a broken, silent, lying or endless connection comes to."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from nemo_server import NemoServer, adk

from game_music_maker.client.nemo import Nemo
from game_music_maker.client.reply import TurnResult
from game_music_maker.client.stream import Clocks
from game_music_maker.errors import (
    BackendError,
    BackendUnreachable,
    BadAnswer,
    MusicMakerError,
    NoCredits,
    RateLimited,
    SessionGone,
    TokenRefused,
)

RUN = "POST /run_sse"


async def say(client: Nemo, text: str = "add music", session: str | None = None, **how: Any) -> TurnResult:
    try:
        opened = session or (await client.open_session()).session_id
        async with client.run(opened, text, **how) as turn:
            return await turn.finish()
    finally:
        await client.close()


def test_a_turn_carries_headers_body_and_comes_back(nemo: NemoServer, kit: Any) -> None:
    result = asyncio.run(say(kit.client(), "loop, please 🎮", score_plan={"seed": 7}))
    assert result.status == "done"
    assert result.text == "Looking at the clip.\n\nThe music is on the timeline."
    assert (result.tools, result.changed) == (("generate_music",), True)
    (request,) = nemo.seen(RUN)
    body = request.json()
    assert body["new_message"] == {"parts": [{"text": "loop, please 🎮"}]}
    assert (body["app_name"], body["user_id"]) == ("nemo_agent", "me")
    assert isinstance(body["session_id"], str)
    assert body["state_delta"] == {"score_plan": {"seed": 7}}
    assert request.headers["accept"] == "text/event-stream"
    for each in nemo.requests:
        assert each.headers["authorization"] == f"Bearer {nemo.token}"
        assert each.headers["x-skill-source"] == "game-music-maker"
        assert each.headers["x-skill-version"]
        assert each.headers["x-skill-platform"]
        assert each.headers["accept-encoding"] == "identity"
        assert nemo.token not in each.target


def test_without_a_plan_the_body_has_no_state_delta(nemo: NemoServer, kit: Any) -> None:
    asyncio.run(say(kit.client()))
    assert set(nemo.seen(RUN)[0].json()) == {"app_name", "user_id", "session_id", "new_message"}


def test_a_stream_cut_anywhere_is_lost_and_sent_once(nemo: NemoServer, kit: Any) -> None:
    nemo.agent = lambda *_: [adk("First."), adk("Second is ", partial=True), adk("half", partial=True)]
    whole = len(b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in nemo.agent(nemo, "", "")))

    async def cut_everywhere() -> list[TurnResult]:
        client = kit.client()
        session = (await client.open_session()).session_id
        found = []
        for at in range(0, whole, 23):
            for reset in (True, False):
                nemo.rule(RUN, times=1, cut=at, reset=reset)
                async with client.run(session, "x") as turn:
                    found.append(await turn.finish())
        await client.close()
        return found

    results = asyncio.run(cut_everywhere())
    assert nemo.count(RUN) == len(results) == 2 * len(range(0, whole, 23))
    assert {result.end for result in results} == {"cut"}
    assert {result.status for result in results} == {"lost"}
    assert max(results, key=lambda result: result.events).text == "First."
    assert any(result.tail == "Second is" for result in results)


@pytest.mark.parametrize("how", [{"mute": True, "work": True}, {"mute": True, "reset": False}, {"refuse": True}])
def test_closed_before_the_status_line_is_lost_and_sent_once(nemo: NemoServer, kit: Any, how: dict[str, Any]) -> None:
    nemo.rule(RUN, **how)
    result = asyncio.run(say(kit.client()))
    assert (result.status, result.end, result.text) == ("lost", "cut", "")
    assert nemo.count(RUN) == 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_lost_the_answer_is_lost_and_sent_once(nemo: NemoServer, kit: Any, status: int) -> None:
    nemo.rule(RUN, status=status, body=b"<html>Bad gateway</html>", work=True)
    assert asyncio.run(say(kit.client())).status == "lost"
    assert nemo.count(RUN) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_is_said_and_sent_once(nemo: NemoServer, kit: Any, status: int) -> None:
    nemo.rule(RUN, status=status, body=b'{"detail":"broken"}', headers={"Retry-After": "1"})
    with pytest.raises(BackendError):
        asyncio.run(say(kit.client()))
    assert nemo.count(RUN) == 1


def test_a_refused_connection_is_said_and_nothing_is_sent(nemo: NemoServer, kit: Any) -> None:
    nemo.__exit__()
    with pytest.raises(BackendUnreachable, match="cannot be reached") as caught:
        asyncio.run(say(kit.client(), session="1"))
    assert "local" in caught.value.next
    assert nemo.requests == []


@pytest.mark.parametrize(("status", "body"), [(401, b""), (200, b'{"code":1001,"message":"expired"}')])
def test_a_refused_token_is_renewed_and_the_message_sent_once_more(
    nemo: NemoServer, kit: Any, status: int, body: bytes
) -> None:
    async def run() -> TurnResult:
        client = kit.anonymous()
        session = (await client.open_session()).session_id
        nemo.expire()
        nemo.rule(RUN, times=1, status=status, body=body)
        return await say(client, session=session)

    assert asyncio.run(run()).status == "done"
    assert nemo.count(RUN) == 2
    first, second = nemo.seen(RUN)
    assert first.token != second.token
    assert nemo.count("POST /api/auth/anonymous-token") == 2


def test_a_given_token_that_is_refused_is_said_without_a_repeat(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(RUN, status=401)
    with pytest.raises(TokenRefused, match="NEMO_TOKEN"):
        asyncio.run(say(kit.client()))
    assert nemo.count(RUN) == 1


def test_a_message_gets_one_repeat_in_all(nemo: NemoServer, kit: Any) -> None:
    async def run() -> None:
        client = kit.anonymous()
        session = (await client.open_session()).session_id
        nemo.expire()
        nemo.rule(RUN, skip=1, status=429)
        await say(client, session=session)

    with pytest.raises(RateLimited):
        asyncio.run(run())
    assert nemo.count(RUN) == 2


def test_a_short_429_is_waited_for_once(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(RUN, times=1, status=429)
    assert asyncio.run(say(kit.client())).status == "done"
    assert nemo.count(RUN) == 2
    nemo.rule(RUN, status=429)
    with pytest.raises(RateLimited):
        asyncio.run(say(kit.client()))
    assert nemo.count(RUN) == 4


def test_a_long_429_comes_back_at_once_with_its_wait(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(RUN, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimited) as caught:
        asyncio.run(say(kit.client()))
    assert caught.value.retry_after_s == 3600
    assert nemo.count(RUN) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b'{"detail":"Session not found"}', SessionGone),
        (200, b'{"code":1002,"message":"gone"}', SessionGone),
        (200, b'{"code":2001,"message":"no credits"}', NoCredits),
        (422, b'{"detail":[{"msg":"Field required"}]}', BackendError),
        (200, b'{"code":0,"data":{}}', BadAnswer),
        (200, b"<html>Sign in</html>", BadAnswer),
        (200, b"", BadAnswer),
        (302, b"", BadAnswer),
    ],
)
def test_anything_but_a_stream_is_an_error_that_says_so(
    nemo: NemoServer, kit: Any, status: int, body: bytes, error: type[MusicMakerError]
) -> None:
    nemo.rule(RUN, status=status, body=body, headers={"Location": "http://127.0.0.1:1/"})
    with pytest.raises(error) as caught:
        asyncio.run(say(kit.client()))
    assert type(caught.value) is error
    assert caught.value.message
    assert nemo.count(RUN) == 1


def test_a_compressed_stream_is_refused(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(RUN, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadAnswer, match="compressed"):
        asyncio.run(say(kit.client()))


def test_an_empty_event_stream_is_a_silent_turn(nemo: NemoServer, kit: Any) -> None:
    nemo.agent = lambda *_: []
    assert asyncio.run(say(kit.client())).status == "silent"


def test_an_endless_event_ends_in_bounded_memory(nemo: NemoServer, kit: Any) -> None:
    nemo.agent = lambda *_: [adk("Good."), b"data: "]
    nemo.rule(RUN, drip=b"x" * 65536, every=0.0)
    result = asyncio.run(say(kit.client()))
    assert (result.end, result.status, result.text) == ("unreadable", "lost", "Good.")


def test_heartbeats_alone_end_by_the_progress_limit(nemo: NemoServer, kit: Any) -> None:
    nemo.agent = lambda *_: [adk("Working on it.", partial=True)]
    nemo.rule(RUN, drip=b": still here\n\n")
    result = asyncio.run(say(kit.client(clocks=Clocks(silence=20, idle=0.4, total=30, note=20))))
    assert (result.end, result.tail) == ("idle", "Working on it.")
    assert result.heartbeats > 1


def test_news_that_never_ends_ends_by_the_total_limit(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(RUN, drip=b"data: " + json.dumps(adk("more")).encode() + b"\n\n")
    assert asyncio.run(say(kit.client(clocks=Clocks(silence=20, idle=20, total=0.5, note=20)))).end == "total"


def test_no_bytes_at_all_end_by_the_byte_limit(nemo: NemoServer, kit: Any) -> None:
    import threading

    nemo.rule(RUN, stall=threading.Event())
    assert asyncio.run(say(kit.client(clocks=Clocks(silence=0.3, idle=20, total=30, note=20)))).end == "stalled"


def test_a_dripping_head_ends_by_the_total_limit(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(RUN, drip_head=b"X-Drip: 1\r\n")
    result = asyncio.run(say(kit.client(clocks=Clocks(silence=20, idle=20, total=0.5, note=20))))
    assert result.status == "lost"
    assert nemo.count(RUN) == 1


def test_waiting_notes_come_while_nothing_is_new(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(RUN, drip=b": still here\n\n")

    async def run() -> list[str]:
        client = kit.client(clocks=Clocks(silence=20, idle=1.0, total=30, note=0.2))
        session = (await client.open_session()).session_id
        async with client.run(session, "x") as turn:
            kinds = [note.kind async for note in turn]
        await client.close()
        return kinds

    kinds = asyncio.run(run())
    assert kinds.count("waiting") >= 2
    assert "tool" in kinds
    assert "text" in kinds


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_pieces_on_the_wire_changes_nothing(nemo: NemoServer, kit: Any, size: int) -> None:
    whole = asyncio.run(say(kit.client()))
    nemo.rule(RUN, chunk=size)
    assert asyncio.run(say(kit.client())) == whole


def test_a_done_marker_ends_the_turn_though_the_connection_stays(nemo: NemoServer, kit: Any) -> None:
    import threading

    nemo.agent = lambda *_: [adk("All done."), b"data: [DONE]\n\n"]
    nemo.rule(RUN, stall=threading.Event())
    assert asyncio.run(say(kit.client())).status == "done"
