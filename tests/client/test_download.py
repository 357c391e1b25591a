"""Downloads: whole or not at all, resumed, bounded, and only from where it is allowed."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import Any

import pytest
from nemo_server import NemoServer

from game_music_maker.client import download
from game_music_maker.client.nemo import Nemo
from game_music_maker.errors import (
    BackendError,
    BackendUnreachable,
    BadAnswer,
    InvalidArgument,
    MusicMakerError,
    NotAllowedPath,
    NotFound,
    RateLimited,
)

FILE = "GET /files/"
ROUTE = "GET /api/render/proxy/r1/download"


def bring(client: Nemo, url: str | None = None, handle: Any = None, **how: Any) -> bytes:
    held = io.BytesIO() if handle is None else handle

    async def run() -> int:
        try:
            return await client.download("r1", held, url=url, **how)
        finally:
            await client.close()

    count = asyncio.run(run())
    raw: bytes = held.getvalue()
    assert count == len(raw)
    return raw


def test_without_a_url_the_route_is_used_with_the_token(nemo: NemoServer, kit: Any) -> None:
    assert bring(kit.client()) == nemo.output
    assert nemo.seen(ROUTE)[0].token == nemo.token


def test_a_broken_download_goes_on_where_it_was(nemo: NemoServer, kit: Any) -> None:
    for _ in range(3):
        nemo.rule(FILE, times=1, cut=40_000)
    seen: list[tuple[int, int | None]] = []
    raw = bring(kit.client(), f"{nemo.url}/files/a.mp4", progress=lambda have, whole: seen.append((have, whole)))
    assert raw == nemo.output
    ranges = [request.headers.get("range") for request in nemo.seen(FILE)]
    assert ranges[0] is None
    assert all(one is not None for one in ranges[1:])
    assert all(request.headers["if-range"] == nemo.etag for request in nemo.seen(FILE)[1:])
    assert seen[-1] == (len(raw), len(raw))
    assert [have for have, _ in seen] == sorted(have for have, _ in seen)


def test_a_changed_source_is_started_over(nemo: NemoServer, kit: Any) -> None:
    changed = bytes(reversed(nemo.output))

    def swap(have: int, _: int | None) -> None:
        if nemo.etag != '"v2"':
            nemo.output, nemo.etag = changed, '"v2"'

    nemo.rule(FILE, times=1, cut=50_000)
    assert bring(kit.client(), f"{nemo.url}/files/a.mp4", progress=swap) == changed


@pytest.mark.parametrize("header", ["Content-Range", "ETag"])
def test_a_lying_range_is_started_over(nemo: NemoServer, kit: Any, header: str) -> None:
    whole, cut = len(nemo.output), 50_000
    lie = {"Content-Range": f"bytes 7-{whole - 1}/{whole}", "ETag": '"other"'}
    other = b"?" * (whole - cut)
    nemo.rule(FILE, times=1, skip=1, work=True, body=other, headers={header: lie[header]})
    nemo.rule(FILE, times=1, cut=cut)
    nemo.rules[-1].used = 1  # the request that it lets through is the one that is cut
    assert bring(kit.client(), f"{nemo.url}/files/a.mp4") == nemo.output
    assert "range" in nemo.seen(FILE)[1].headers


def test_without_a_validator_a_broken_download_starts_over(nemo: NemoServer, kit: Any) -> None:
    nemo.etag = 'W/"weak"'
    nemo.rule(FILE, times=1, cut=50_000)
    assert bring(kit.client(), f"{nemo.url}/files/a.mp4") == nemo.output
    assert all("range" not in request.headers for request in nemo.seen(FILE))


@pytest.mark.parametrize("how", [{"length": 400_000, "cut": 10**6}, {"cut": 1000}, {"mute": True}, {"status": 503}])
def test_a_download_that_stays_broken_is_an_error(nemo: NemoServer, kit: Any, how: dict[str, Any]) -> None:
    nemo.rule(FILE, **how)
    nemo.etag = ""
    with pytest.raises(BackendUnreachable, match="broke off") as caught:
        bring(kit.client(), f"{nemo.url}/files/a.mp4")
    assert nemo.count(FILE) == 5
    assert "export again" in caught.value.next


def test_a_token_that_expired_meanwhile_is_renewed(nemo: NemoServer, kit: Any) -> None:
    async def run() -> bytes:
        client, held = kit.anonymous(), io.BytesIO()
        await client.credits()
        nemo.expire()
        await client.download("r1", held)
        await client.close()
        return held.getvalue()

    assert asyncio.run(run()) == nemo.output


def test_three_times_the_announced_size_is_never_passed(nemo: NemoServer, kit: Any) -> None:
    with pytest.raises(BadAnswer, match="larger"):
        bring(kit.client(), announced=1000)
    held = io.BytesIO()
    nemo.rule(ROUTE, bare=True, drip=b"x" * 1000, every=0)
    with pytest.raises(BadAnswer, match="larger"):
        bring(kit.client(), handle=held, announced=100_000)
    assert len(held.getvalue()) <= 300_000


def test_four_gibibytes_are_never_passed(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(ROUTE, length=(4 << 30) + 1)
    with pytest.raises(BadAnswer, match="larger"):
        bring(kit.client())


def left_by_another(nemo: NemoServer, kit: Any, there: int | None) -> tuple[io.BytesIO, download.Source]:
    """A file that an earlier process left, and what it kept of its source."""
    kept: list[download.Source] = []
    held = io.BytesIO()
    bring(kit.client(), f"{nemo.url}/files/a.mp4", held, keep=kept.append)
    nemo.requests.clear()
    return io.BytesIO(held.getvalue()[:there]), kept[-1]


def test_what_another_process_left_is_gone_on_with(nemo: NemoServer, kit: Any) -> None:
    held, source = left_by_another(nemo, kit, 70_000)
    assert source == download.Source(nemo.etag, len(nemo.output))
    assert bring(kit.client(), f"{nemo.url}/files/a.mp4", held, begun=source) == nemo.output
    (request,) = nemo.requests
    assert (request.headers["range"], request.headers["if-range"]) == ("bytes=70000-", nemo.etag)


def test_what_another_process_left_is_started_over_where_the_source_changed(nemo: NemoServer, kit: Any) -> None:
    held, source = left_by_another(nemo, kit, 70_000)
    nemo.output, nemo.etag = bytes(reversed(nemo.output)), '"v2"'
    kept: list[download.Source] = []
    assert bring(kit.client(), f"{nemo.url}/files/a.mp4", held, begun=source, keep=kept.append) == nemo.output
    assert [one.validator for one in kept] == ['"v2"']


def test_a_file_that_was_left_whole_costs_one_byte(nemo: NemoServer, kit: Any) -> None:
    held, source = left_by_another(nemo, kit, None)
    assert bring(kit.client(), f"{nemo.url}/files/a.mp4", held, begun=source) == nemo.output
    assert nemo.requests[0].headers["range"] == f"bytes={len(nemo.output) - 1}-"


@pytest.mark.parametrize("source", [None, download.Source(), download.Source("", 204_824), download.Source('"v1"', 9)])
def test_bytes_of_unknown_origin_are_not_built_upon(
    nemo: NemoServer, kit: Any, source: download.Source | None
) -> None:
    assert bring(kit.client(), f"{nemo.url}/files/a.mp4", io.BytesIO(b"?" * 500), begun=source) == nemo.output
    assert "range" not in nemo.requests[0].headers


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone(nemo: NemoServer, kit: Any, status: int) -> None:
    nemo.rule(FILE, status=status)
    with pytest.raises(NotFound):
        bring(kit.client(), f"{nemo.url}/files/a.mp4")


def test_other_refusals(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(FILE, status=429, headers={"Retry-After": "900"})
    with pytest.raises(RateLimited) as caught:
        bring(kit.client(), f"{nemo.url}/files/a.mp4")
    assert caught.value.retry_after_s == 900
    nemo.rule(FILE, status=403)
    with pytest.raises(BackendError):
        bring(kit.client(), f"{nemo.url}/files/a.mp4")
    nemo.rule(FILE, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadAnswer, match="compressed"):
        bring(kit.client(), f"{nemo.url}/files/a.mp4")


def test_another_host_gets_no_token_and_no_attribution(nemo: NemoServer, kit: Any) -> None:
    with NemoServer() as other:
        assert bring(kit.client(), f"{other.url}/files/a.mp4?sig=secret") == other.output
        (request,) = other.requests
        assert "authorization" not in request.headers
        assert not any(name.startswith("x-skill") for name in request.headers)
        assert request.headers["host"] == f"127.0.0.1:{other.port}"


def test_redirects_are_followed_without_the_token_and_checked_again(nemo: NemoServer, kit: Any) -> None:
    with NemoServer() as other:
        nemo.rule(ROUTE, times=1, status=302, headers={"Location": f"{other.url}/files/a.mp4"})
        assert bring(kit.client()) == other.output
        assert "authorization" not in other.requests[0].headers
        nemo.rule(ROUTE, times=1, status=302, headers={"Location": "http://10.0.0.7/a.mp4"})
        with pytest.raises(NotAllowedPath):
            bring(kit.client())
        nemo.rule(ROUTE, times=1, status=302, headers={"Location": "file:///etc/passwd"})
        with pytest.raises(InvalidArgument):
            bring(kit.client())
        nemo.rule(ROUTE, status=302, headers={"Location": ROUTE.removeprefix("GET ")})
        before = nemo.count(ROUTE)
        with pytest.raises(BadAnswer, match="too often"):
            bring(kit.client())
        assert nemo.count(ROUTE) - before <= 10


@pytest.mark.parametrize("host", ["192.168.1.1", "169.254.169.254", "[::ffff:10.0.0.1]", "0.0.0.0", "[fe80::1]"])
def test_addresses_that_are_not_public_are_refused(nemo: NemoServer, kit: Any, host: str) -> None:
    with pytest.raises(NotAllowedPath):
        bring(kit.client(), f"http://{host}/a.mp4")


def test_a_backend_that_is_not_on_loopback_may_not_name_loopback(nemo: NemoServer, kit: Any) -> None:
    client = kit.client()

    async def cloud() -> str:
        return "https://nemo.example"

    client.http.base_url = cloud
    with pytest.raises(NotAllowedPath):
        bring(client, f"{nemo.url}/files/a.mp4")
    assert nemo.requests == []


def test_a_disk_that_refuses_is_heard(nemo: NemoServer, kit: Any) -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        bring(kit.client(), handle=Full())
    assert nemo.count(ROUTE) == 1


def test_an_endless_drip_ends(nemo: NemoServer, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TOTAL", 0.4)
    nemo.rule(ROUTE, length=10**6, drip=b"x")
    with pytest.raises(BackendUnreachable, match="longer than an hour"):
        bring(kit.client())


def test_a_download_can_be_cancelled(nemo: NemoServer, kit: Any) -> None:
    stalled = threading.Event()
    nemo.rule(ROUTE, stall=stalled, length=10**7)

    async def run() -> None:
        client = kit.client()
        task = asyncio.ensure_future(client.download("r1", io.BytesIO()))
        await asyncio.to_thread(nemo.arrived.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.close()

    asyncio.run(run())
    assert issubclass(BackendUnreachable, MusicMakerError)
