"""Plain calls: what is repeated, what never is, and what any answer may hold."""

from __future__ import annotations

import asyncio
import io
import time
from email.utils import formatdate
from typing import Any

import pytest
from nemo_server import NemoServer

from game_music_maker.client.http import HttpLimits
from game_music_maker.client.nemo import Nemo
from game_music_maker.client.upload import UploadPart
from game_music_maker.contract.render import RenderRequest
from game_music_maker.errors import (
    BackendError,
    BackendUnreachable,
    BadAnswer,
    Busy,
    FileTooLarge,
    MusicMakerError,
    NotFound,
    OutcomeUnknown,
    PlanRequired,
    RateLimited,
    SessionGone,
    TimedOut,
    UnsupportedMedia,
)

STATE, CREDITS, SESSION = "GET /api/state", "GET /api/credits", "POST /api/tasks"
UPLOAD, SUBMIT, RENDER = "POST /api/upload-video", "POST /api/render/proxy/lambda", "GET /api/render/proxy/lambda/"


def do(client: Nemo, act: Any) -> Any:
    async def run() -> Any:
        try:
            return await act(client)
        finally:
            await client.close()

    return asyncio.run(run())


def order(draft: Any = None) -> RenderRequest:
    return RenderRequest(id="render_1", sessionId="1", draft=draft or {"t": []})


def test_session_ids_are_text_even_where_the_service_sends_a_number(nemo: NemoServer, kit: Any) -> None:
    opened = do(kit.client(), lambda client: client.open_session("project", "zh"))
    assert len(opened.session_id) == 19
    assert nemo.seen(SESSION)[0].json() == {"task_name": "project", "language": "zh"}
    nemo.rule(SESSION, body=b'{"code":0,"data":{"task_id":7,"session_id":1234567890123456789}}')
    assert do(kit.client(), lambda client: client.open_session()).session_id == "1234567890123456789"


@pytest.mark.parametrize("how", [{"status": 503}, {"mute": True}, {"cut": 5}, {"status": 502, "body": b"<html>"}])
def test_a_get_is_repeated_until_it_works(nemo: NemoServer, kit: Any, how: dict[str, Any]) -> None:
    nemo.rule(CREDITS, times=4, **how)
    assert do(kit.client(), lambda client: client.credits()).available == 100
    assert nemo.count(CREDITS) == 5


@pytest.mark.parametrize("how", [{"status": 500}, {"mute": True}, {"refuse": True}])
def test_a_get_is_tried_five_times_at_most(nemo: NemoServer, kit: Any, how: dict[str, Any]) -> None:
    nemo.rule(CREDITS, **how)
    with pytest.raises(BackendError):
        do(kit.client(), lambda client: client.credits())
    assert nemo.count(CREDITS) == 5


def test_waits_between_tries_grow(nemo: NemoServer, kit: Any) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    client = kit.client(limits=HttpLimits(backoff=0.5))
    client.http.sleep = note
    nemo.rule(CREDITS, status=500)
    with pytest.raises(BackendError):
        do(client, lambda client: client.credits())
    assert len(waits) == 4
    for place, wait in enumerate(waits):
        assert 0.25 * 2**place <= wait <= 0.75 * 2**place


def test_a_wait_that_the_server_names_is_kept_in_seconds_and_as_a_date(nemo: NemoServer, kit: Any) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    client = kit.client(limits=HttpLimits(backoff=0.5))
    client.http.sleep = note
    nemo.rule(CREDITS, times=1, status=503, headers={"Retry-After": "7"})
    nemo.rule(CREDITS, times=1, status=429, headers={"Retry-After": formatdate(time.time() + 40, usegmt=True)})
    do(client, lambda client: client.credits())
    assert 30 < waits[0] <= 40
    assert waits[1] == 7


def test_waits_that_the_server_names_end_with_the_minute_of_a_plain_call(nemo: NemoServer, kit: Any) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    client = kit.client(limits=HttpLimits())
    client.http.sleep = note
    client.http.clock = lambda: sum(waits)
    nemo.rule(CREDITS, status=503, headers={"Retry-After": "25"})
    with pytest.raises(BackendError) as caught:
        do(client, lambda client: client.credits())
    assert waits == [25, 25]
    assert caught.value.retry_after_s == 25


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_beyond_a_minute_comes_back_as_an_error(nemo: NemoServer, kit: Any, status: int) -> None:
    nemo.rule(CREDITS, status=status, headers={"Retry-After": "600"})
    with pytest.raises(MusicMakerError) as caught:
        do(kit.client(), lambda client: client.credits())
    assert caught.value.retry_after_s == 600
    assert caught.value.to_dict()["retryable"]
    assert nemo.count(CREDITS) == 1


@pytest.mark.parametrize(
    "how", [{"status": 500}, {"status": 503}, {"mute": True}, {"mute": True, "work": True}, {"cut": 3}]
)
def test_a_post_is_never_repeated_blindly(nemo: NemoServer, kit: Any, how: dict[str, Any]) -> None:
    nemo.rule(SESSION, **how)
    with pytest.raises(BackendError):
        do(kit.client(), lambda client: client.open_session())
    assert nemo.count(SESSION) == 1


@pytest.mark.parametrize("how", [{"drip": b" "}, {"drip_head": b"X-Drip: 1\r\n"}])
def test_headers_and_bodies_that_drip_end_by_the_total_limit(nemo: NemoServer, kit: Any, how: dict[str, Any]) -> None:
    nemo.rule(CREDITS, bare=True, **how)
    with pytest.raises(TimedOut):
        do(kit.client(limits=HttpLimits(total=0.4)), lambda client: client.credits())


def test_redirects_are_not_followed_and_cookies_not_kept(nemo: NemoServer, kit: Any) -> None:
    with NemoServer() as other:
        nemo.rule(CREDITS, times=1, headers={"Set-Cookie": "sid=1; Path=/"})

        async def act(client: Nemo) -> None:
            await client.credits()
            await client.credits()
            for status in (301, 302, 307, 308):
                nemo.rule(
                    CREDITS, times=1, status=status, headers={"Location": f"{other.url}/api/credits/balance/simple"}
                )
                with pytest.raises(BadAnswer, match="redirect"):
                    await client.credits()

        do(kit.client(), act)
        assert other.requests == []
        assert all("cookie" not in request.headers for request in nemo.requests)


def test_proxies_of_the_environment_never_see_loopback(
    nemo: NemoServer, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with NemoServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert do(kit.client(), lambda client: client.credits()).available == 100
        assert proxy.requests == []


BAD = [
    b"null", b"[]", b"7", b"true", b"{", b"\xff\xfe", b"NaN", b'{"available": NaN}', b'{"available": 1e999}',
    b'{"available": []}',
    b'{"code":0,"data":null}', b'{"code":0,"data":[1]}', b'{"code":0,"data":{"available":"much"}}', b"[" * 200_000,
    b'{"a":' * 100_000, b'{"available":' + b"9" * 6000 + b"}", b"<html>Bad</html>", b"",
]  # fmt: skip


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_any_answer_that_cannot_be_read_is_a_bad_answer(nemo: NemoServer, kit: Any, body: bytes) -> None:
    for where in (CREDITS, STATE, SESSION, UPLOAD, SUBMIT, RENDER):
        nemo.rule(where, body=body)

    async def act(client: Nemo) -> None:
        await refuse(client.credits())
        await refuse(client.open_session())
        await refuse(client.upload_urls("1", ["https://example.com/a.mp4"]))
        await refuse(client.submit_render(order()), "render_1")
        await refuse(client.render_status("render_1"), "render_1")
        await refuse(client.state("1"), "1")

    async def refuse(call: Any, reads: str = "") -> None:
        found = (await asyncio.gather(call, return_exceptions=True))[0]
        if isinstance(found, BaseException):
            assert type(found) is BadAnswer
        else:
            assert reads  # liberal: objects without known fields read as an empty state, or as still running
            assert body.startswith((b'{"code":0', b'{"available": []'))

    do(kit.client(), act)


def test_a_giant_answer_is_refused(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(CREDITS, bare=True, body=b'{"x":"', drip=b"x" * (1 << 20), every=0)
    with pytest.raises(BadAnswer, match="larger"):
        do(kit.client(), lambda client: client.credits())


def test_a_compressed_answer_is_refused(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(CREDITS, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadAnswer, match="compressed"):
        do(kit.client(), lambda client: client.credits())


@pytest.mark.parametrize(
    ("where", "status", "body", "error"),
    [
        (STATE, 404, b'{"detail":"x"}', SessionGone),
        (STATE, 200, b'{"code":"1002","message":"x"}', SessionGone),
        (UPLOAD, 200, b'{"code":4001,"message":"x"}', UnsupportedMedia),
        (UPLOAD, 200, b'{"code":4002,"message":"x"}', FileTooLarge),
        (UPLOAD, 413, b"<html>", FileTooLarge),
        (SUBMIT, 402, b'{"message":"pay"}', PlanRequired),
        (SUBMIT, 403, b"", PlanRequired),
        (SUBMIT, 429, b'{"code":4291,"message":"queue full"}', Busy),
        (RENDER, 404, b'{"success":false,"error":"no"}', NotFound),
        (UPLOAD, 200, b'{"success":false,"error":"out \\u001b[31mof\\u202e order"}', BackendError),
    ],
)
def test_the_table_of_errors(nemo: NemoServer, kit: Any, where: str, status: int, body: bytes, error: type) -> None:
    nemo.rule(where, status=status, body=body)
    acts = {
        STATE: lambda client: client.state("1"),
        UPLOAD: lambda client: client.upload_urls("1", ["https://example.com/a.mp4"]),
        SUBMIT: lambda client: client.submit_render(order()),
        RENDER: lambda client: client.render_status("render_1"),
    }
    with pytest.raises(error) as caught:
        do(kit.client(), acts[where])
    assert type(caught.value) is error
    assert "\x1b" not in caught.value.message
    assert "\u202e" not in caught.value.message


@pytest.mark.parametrize("draft", [b"null", b"{}", b'"opaque"', b'{"t":[],"own":{"x":1.25}}'])
def test_a_draft_comes_as_it_is(nemo: NemoServer, kit: Any, draft: bytes) -> None:
    import json

    nemo.rule(STATE, body=b'{"code":0,"data":{"session_id":"1","state":{"draft":' + draft + b"}}}")
    assert do(kit.client(), lambda client: client.state("1")).state.draft == json.loads(draft)


def test_a_draft_goes_to_render_unchanged(nemo: NemoServer, kit: Any) -> None:
    draft = {"t": [{"tt": 9, "sg": [{"x": "循\ud800", "n": None, "zz": [1.5, True]}]}], "unknown": {"a": {}}}
    do(kit.client(), lambda client: client.submit_render(order(draft)))
    body = nemo.seen(SUBMIT)[0].json()
    assert body == {"id": "render_1", "sessionId": "1", "draft": draft, "output": {"format": "mp4", "quality": "high"}}


@pytest.mark.parametrize("how", [{"status": 500, "work": True}, {"mute": True, "work": True}, {"cut": 4, "work": True}])
def test_a_submit_whose_answer_is_lost_goes_on_with_the_render_that_runs(
    nemo: NemoServer, kit: Any, how: dict[str, Any]
) -> None:
    nemo.rule(SUBMIT, times=1, **how)
    assert do(kit.client(), lambda client: client.submit_render(order())).status == "pending"
    assert nemo.renders["render_1"]["submits"] == 1
    assert nemo.count(SUBMIT) == 1


@pytest.mark.parametrize("how", [{"status": 502}, {"mute": True}, {"refuse": True}])
def test_a_submit_that_was_not_accepted_is_repeated_once_with_the_same_id(
    nemo: NemoServer, kit: Any, how: dict[str, Any]
) -> None:
    nemo.rule(SUBMIT, times=1, **how)
    assert do(kit.client(), lambda client: client.submit_render(order())).status == "pending"
    assert nemo.renders["render_1"]["submits"] == 1
    assert nemo.count(SUBMIT) == 2
    nemo.renders.clear()
    nemo.rule(SUBMIT, **how)
    with pytest.raises(OutcomeUnknown):
        do(kit.client(), lambda client: client.submit_render(order()))
    assert nemo.count(SUBMIT) == 4


@pytest.mark.parametrize("how", [{"status": 504}, {"mute": True}, {"mute": True, "work": True}])
def test_an_upload_whose_answer_is_lost_is_unknown_and_sent_once(
    nemo: NemoServer, kit: Any, how: dict[str, Any]
) -> None:
    nemo.rule(UPLOAD, **how)
    with pytest.raises(OutcomeUnknown):
        do(kit.client(), lambda client: client.upload_urls("1", ["https://example.com/a.mp4"]))
    assert nemo.count(UPLOAD) == 1


def test_an_upload_streams_and_is_repeated_whole_after_a_renewal(nemo: NemoServer, kit: Any, tmp_path: Any) -> None:
    first, second = tmp_path / "a.mp4", tmp_path / "b.wav"
    first.write_bytes(bytes(range(256)) * 12_000)
    second.write_bytes(b"RIFF" + b"\0" * 100)
    seen: list[tuple[int, int]] = []

    async def act(client: Nemo) -> Any:
        session = (await client.open_session()).session_id
        nemo.expire()
        with first.open("rb") as one, second.open("rb") as two:
            parts = [UploadPart("b.wav", two), UploadPart('dungeon "run" 循.mp4', one)]
            return await client.upload_files(session, parts, lambda sent, whole: seen.append((sent, whole)))

    answer = do(kit.anonymous(), act)
    assert [file.filename for file in answer.files] == ["b.wav", "dungeon %22run%22 循.mp4"]
    refused, taken = nemo.seen(UPLOAD)
    boundary = taken.headers["content-type"].partition("boundary=")[2].encode()
    assert taken.size == int(taken.headers["content-length"]) == refused.size
    assert taken.body.startswith(b"--" + boundary + b'\r\nContent-Disposition: form-data; name="files"; filename=')
    whole = first.stat().st_size + second.stat().st_size
    assert seen[-1] == (whole, whole)


def test_an_upload_of_a_file_that_shrinks_is_said(nemo: NemoServer, kit: Any, tmp_path: Any) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x" * 3_000_000)

    async def act(client: Nemo) -> None:
        with path.open("rb") as handle:
            await client.upload_files("1", [UploadPart("a.mp4", handle)], lambda sent, _: path.write_bytes(b"x"))

    with pytest.raises(MusicMakerError, match="changed while") as caught:
        do(kit.client(), act)
    assert caught.value.code == "invalid_argument"


def test_url_uploads_and_claims(nemo: NemoServer, kit: Any) -> None:
    async def act(client: Nemo) -> Any:
        opened = await client.open_session()
        answer = await client.upload_urls(opened.session_id, ["https://example.com/clip.mp4"])
        return answer, await client.claim_token(opened.task_id, opened.session_id)

    answer, claim = do(kit.client(), act)
    assert answer.files[0].filename == "clip.mp4"
    assert nemo.seen(UPLOAD)[0].json() == {"urls": ["https://example.com/clip.mp4"], "source_type": "url"}
    assert claim.claim_token == "clm_page"


SHAPES = [
    b'{"success":true,"data":{"id":"render_1","status":"completed","progress":100,"outputUrl":"https://x/y.mp4"}}',
    b'{"id":"render_1","status":"COMPLETED","output":{"url":"https://x/y.mp4","duration":9.5,"size":77}}',
    b'{"code":0,"data":{"state":"completed","output_url":"https://x/y.mp4"}}',
    b'{"status":"Completed","url":"https://x/y.mp4"}',
]


@pytest.mark.parametrize("body", SHAPES)
def test_every_documented_shape_of_a_render_is_read(nemo: NemoServer, kit: Any, body: bytes) -> None:
    nemo.rule(RENDER, body=body)
    found = do(kit.client(), lambda client: client.render_status("render_1"))
    assert (found.status, found.url) == ("completed", "https://x/y.mp4")


def test_a_backend_that_is_not_there_offers_the_local_one(kit: Any, nemo: NemoServer) -> None:
    nemo.__exit__()
    with pytest.raises(BackendUnreachable) as caught:
        do(kit.client(), lambda client: client.credits())
    assert 'backend="local"' in caught.value.next


def test_a_rate_limit_is_waited_for_once(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(CREDITS, status=429)
    with pytest.raises(RateLimited):
        do(kit.client(), lambda client: client.credits())
    assert nemo.count(CREDITS) == 2


def test_a_picture_that_is_none_is_refused(nemo: NemoServer, kit: Any) -> None:
    nemo.rule("GET /api/studio/picture", body=b"\x89PNG\r\n\x1a\n" + b"x" * 10)
    assert do(kit.client(), lambda client: client.timeline_picture("1")).startswith(b"\x89PNG")
    nemo.rule("GET /api/studio/picture", body=b'{"code":0,"data":{}}')
    with pytest.raises(BadAnswer):
        do(kit.client(), lambda client: client.timeline_picture("1"))


def test_cancelling_what_is_not_there_is_not_found(kit: Any) -> None:
    with pytest.raises(NotFound):
        do(kit.client(), lambda client: client.cancel_job("render_1"))


def test_an_in_memory_download_target_is_enough(nemo: NemoServer, kit: Any) -> None:
    held = io.BytesIO()
    assert do(kit.client(), lambda client: client.download("render_1", held)) == len(nemo.output)
    assert held.getvalue() == nemo.output
