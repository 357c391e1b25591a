"""Tokens and client ids: renewed once, kept per origin, private, never lost, never leaked."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nemo_server import NemoServer

from game_music_maker.client.nemo import Nemo
from game_music_maker.client.tokens import AnonymousTokens, ClientId, FixedToken
from game_music_maker.errors import RateLimited, SettingError, TokenRefused

ANONYMOUS = "POST /api/auth/anonymous-token"
CREDITS = "GET /api/credits"


async def many(client: Nemo, count: int) -> list[Any]:
    try:
        return await asyncio.gather(*(client.credits() for _ in range(count)), return_exceptions=True)
    finally:
        await client.close()


def test_one_anonymous_token_serves_many_calls_and_the_next_process(nemo: NemoServer, kit: Any, home: Path) -> None:
    found = asyncio.run(many(kit.anonymous(), 20))
    assert {one.available for one in found} == {100.0}
    asyncio.run(many(kit.anonymous(), 3))
    assert nemo.count(ANONYMOUS) == 1
    (asked,) = nemo.seen(ANONYMOUS)
    assert asked.headers["x-client-id"] == (home / "client_id").read_text().strip()
    assert "authorization" not in asked.headers
    assert asked.body == b""


def test_an_expired_token_is_renewed_once_however_many_calls_meet_it(nemo: NemoServer, kit: Any) -> None:
    async def run() -> list[Any]:
        client = kit.anonymous()
        await client.credits()
        nemo.expire()
        return await many(client, 20)

    found = asyncio.run(run())
    assert [one.available for one in found] == [100.0] * 20
    assert nemo.count(ANONYMOUS) == 2
    assert len({request.headers["x-client-id"] for request in nemo.seen(ANONYMOUS)}) == 1


PROCESS = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from conftest import Kit
class Server: url = sys.argv[1]; token = ""
async def main():
    client = Kit(Server, Path(sys.argv[2])).anonymous()
    print((await client.credits()).available)
    await client.close()
asyncio.run(main())
"""


def test_an_expired_token_is_renewed_once_across_processes(nemo: NemoServer, kit: Any, home: Path) -> None:
    asyncio.run(many(kit.anonymous(), 1))
    nemo.expire()
    folder = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[1])])}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, nemo.url, str(home), folder],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in started] == ["100.0"] * 3
    assert nemo.count(ANONYMOUS) == 2


def test_a_token_that_stays_refused_is_an_error_and_no_loop(nemo: NemoServer, kit: Any) -> None:
    nemo.strict_anonymous = False
    nemo.rule(CREDITS, status=401)
    (error,) = asyncio.run(many(kit.anonymous(), 1))
    assert isinstance(error, TokenRefused)
    assert nemo.count(ANONYMOUS) == 2
    assert nemo.count(CREDITS) == 2


def test_a_given_token_is_never_renewed(nemo: NemoServer, kit: Any) -> None:
    nemo.expire()
    (error,) = asyncio.run(many(kit.client(), 1))
    assert isinstance(error, TokenRefused)
    assert "NEMO_TOKEN" in error.message
    assert nemo.count(ANONYMOUS) == 0
    assert nemo.count(CREDITS) == 1


def test_tokens_and_ids_are_private(kit: Any, home: Path) -> None:
    old = os.umask(0)
    try:
        asyncio.run(many(kit.anonymous(), 1))
    finally:
        os.umask(old)
    (token,) = (home / "tokens").glob("*.json")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "tokens").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "client_id").stat().st_mode) == 0o600


def test_an_open_folder_and_file_are_closed_again(kit: Any, home: Path) -> None:
    asyncio.run(many(kit.anonymous(), 1))
    (token,) = (home / "tokens").glob("*.json")
    token.chmod(0o644)
    token.parent.chmod(0o755)
    asyncio.run(many(kit.anonymous(), 1))
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700


def test_a_token_goes_to_its_own_origin_alone(nemo: NemoServer, kit: Any, home: Path) -> None:
    asyncio.run(many(kit.anonymous(), 1))
    with NemoServer() as other:
        asyncio.run(many(type(kit)(other, home).anonymous(), 1))
        mine = {request.token for request in nemo.requests} - {""}
        theirs = {request.token for request in other.requests} - {""}
        assert mine
        assert theirs
        assert not mine & theirs
        first, second = (home / "tokens").glob("*.json")
        swapped = json.loads(first.read_text()), json.loads(second.read_text())
        first.write_text(json.dumps(swapped[1]))  # a file under a wrong name gives nothing away
        second.write_text(json.dumps(swapped[0]))
        other.strict_anonymous = nemo.strict_anonymous = False
        asyncio.run(many(kit.anonymous(), 1))
        assert not {request.token for request in nemo.requests} & theirs


@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 100, b"[]", b'{"token": 7}', b"x" * 100_000, b"[" * 50_000])
def test_a_corrupt_token_file_is_set_aside_and_the_client_id_kept(
    nemo: NemoServer, kit: Any, home: Path, content: bytes
) -> None:
    asyncio.run(many(kit.anonymous(), 1))
    client_id = (home / "client_id").read_text()
    (token,) = (home / "tokens").glob("*.json")
    token.write_bytes(content)
    nemo.expire()
    found = asyncio.run(many(kit.anonymous(), 1))
    assert found[0].available == 100.0
    assert (home / "client_id").read_text() == client_id
    assert [kept.read_bytes() for kept in token.parent.glob("*.set-aside-*")] == [content]


def test_links_are_not_followed(nemo: NemoServer, kit: Any, home: Path, tmp_path: Path) -> None:
    asyncio.run(many(kit.anonymous(), 1))
    (token,) = (home / "tokens").glob("*.json")
    bait = tmp_path / "bait.json"
    bait.write_text(json.dumps({"origin": nemo.url, "token": "nmv_from_a_link", "expires": 9e9}))
    token.unlink()
    token.symlink_to(bait)
    nemo.expire()
    assert asyncio.run(many(kit.anonymous(), 1))[0].available == 100.0
    assert all(request.token != "nmv_from_a_link" for request in nemo.requests)
    assert json.loads(bait.read_text())["token"] == "nmv_from_a_link"
    assert not token.is_symlink()


def test_a_home_that_cannot_be_written_is_not_fatal(nemo: NemoServer, kit: Any, home: Path) -> None:
    home.write_text("a file where the folder should be")
    found = asyncio.run(many(kit.anonymous(), 5))
    assert [one.available for one in found] == [100.0] * 5
    assert nemo.count(ANONYMOUS) == 1


def test_a_refused_client_id_is_replaced_once(nemo: NemoServer, kit: Any, home: Path) -> None:
    home.mkdir()
    (home / "client_id").write_text("old-id\n")
    nemo.rule(ANONYMOUS, times=1, status=400)
    asyncio.run(many(kit.anonymous(), 1))
    first, second = (request.headers["x-client-id"] for request in nemo.seen(ANONYMOUS))
    assert first == "old-id"
    assert second == (home / "client_id").read_text().strip() != "old-id"


def test_a_shared_client_id_is_used_as_it_is(nemo: NemoServer, kit: Any, home: Path) -> None:
    home.mkdir()
    (home / "client_id").write_text("id-of-another-skill")
    asyncio.run(many(kit.anonymous(), 1))
    assert nemo.seen(ANONYMOUS)[0].headers["x-client-id"] == "id-of-another-skill"
    assert (home / "client_id").read_text() == "id-of-another-skill"


def test_a_rate_limited_sign_in_waits_once_then_names_the_ways_out(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(ANONYMOUS, times=1, status=429)
    assert asyncio.run(many(kit.anonymous(), 1))[0].available == 100.0
    nemo.expire()
    nemo.rule(ANONYMOUS, status=429, headers={"Retry-After": "7200"})
    before = nemo.count(ANONYMOUS)
    (error,) = asyncio.run(many(kit.anonymous(), 1))
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7200
    assert "NEMO_TOKEN" in error.next
    assert "local" in error.next
    assert nemo.count(ANONYMOUS) == before + 1


def test_a_sign_in_is_repeated_after_a_server_error(nemo: NemoServer, kit: Any) -> None:
    nemo.rule(ANONYMOUS, times=2, status=503)
    assert asyncio.run(many(kit.anonymous(), 1))[0].available == 100.0
    assert nemo.count(ANONYMOUS) == 3


@pytest.mark.parametrize("value", ["", "with\nbreak", "ключ", " padded "])
def test_values_that_cannot_stand_in_a_header_are_refused_by_name(value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="NEMO_TOKEN"):
        FixedToken(value)
    with pytest.raises(SettingError, match="NEMO_CLIENT_ID"):
        ClientId(value, tmp_path / "id")


def test_no_secret_stands_in_an_address_or_a_log(
    nemo: NemoServer, kit: Any, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    nemo.rule("GET /files/", times=1, headers={"X-Signed": "sig-secret"})

    async def run() -> None:
        client = kit.anonymous()
        opened = await client.open_session()
        await client.claim_token(opened.task_id, opened.session_id)
        nemo.expire()
        await client.credits()
        await client.download("r1", io.BytesIO(), url=f"{nemo.url}/files/a.mp4?sig=sig-secret")
        await client.close()

    asyncio.run(run())
    secrets = {request.token for request in nemo.requests} | {
        (home / "client_id").read_text().strip(),
        "sig-secret",
        "clm_page",
    }
    secrets.discard("")
    assert len(secrets) == 5
    for secret in secrets:
        assert secret not in caplog.text
        assert all(secret not in request.target for request in nemo.requests if not request.path.startswith("/files/"))


def test_an_old_token_is_not_sent_past_its_end(nemo: NemoServer, kit: Any, home: Path) -> None:
    asyncio.run(many(kit.anonymous(), 1))
    nemo.strict_anonymous = False
    made: list[Nemo] = []
    tokens = AnonymousTokens(
        home / "tokens",
        nemo.url,
        ClientId(None, home / "client_id"),
        lambda own: made[0].anonymous_token(own),
        lambda: 9e9,
    )
    made.append(kit.client(tokens))
    old = {request.token for request in nemo.seen(CREDITS)}
    asyncio.run(many(made[0], 1))
    assert nemo.seen(CREDITS)[-1].token not in old
