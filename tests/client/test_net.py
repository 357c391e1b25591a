"""Which addresses may be contacted, and that the checked one is the one that is contacted."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from nemo_server import NemoServer

from game_music_maker.client.headers import is_loopback, origin_of
from game_music_maker.client.net import Checked, check_url, is_public
from game_music_maker.errors import InvalidArgument, NotAllowedPath

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]
NOT_PUBLIC = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::", "::1",
    "fe80::1", "fc00::1", "fec0::1",
    "ff02::1",
    "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b:1::a00:1", "2002:7f00:1::1", "2002:a00:1::1", "2002:c0a8:101::1", "::7f00:1", "::a00:1",
    "2001:0:a00:1::f5ff:fffe",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_addresses_that_are_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


def check(url: str, *answers: str, **how: Any) -> Checked:
    async def lookup(_host: str, _port: int) -> list[str]:
        return list(answers)

    return asyncio.run(check_url(url, lookup=lookup, **how))


def test_the_checked_address_is_named_and_the_host_kept() -> None:
    found = check("https://cdn.example/a/b.mp4?sig=1#part", "8.8.8.8")
    assert found == Checked("https://8.8.8.8:443/a/b.mp4?sig=1", "cdn.example", "cdn.example")
    assert check("http://cdn.example:8080/", "2606:4700::1").url == "http://[2606:4700::1]:8080/"


def test_one_address_that_is_not_public_spoils_the_name() -> None:
    with pytest.raises(NotAllowedPath):
        check("https://cdn.example/", "8.8.8.8", "10.0.0.1")


def test_loopback_only_where_it_is_allowed() -> None:
    with pytest.raises(NotAllowedPath):
        check("http://localhost/", "127.0.0.1")
    assert check("http://localhost/", "127.0.0.1", loopback=True).url == "http://127.0.0.1:80/"
    with pytest.raises(NotAllowedPath):
        check("http://internal/", "10.0.0.1", loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/x",
        "file:///etc/passwd",
        "//a.example/x",
        "https://",
        "http://u:p@a.example/",
        "http://[::1",
        "data:,x",
        "",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgument):
        check(url, "8.8.8.8")


def test_a_name_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="cannot be found"):
        check("https://nowhere.example/")
    with pytest.raises(InvalidArgument):
        asyncio.run(check_url("https://nowhere.invalid/"))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "017700000001"])
def test_odd_spellings_of_loopback_are_seen_through(host: str) -> None:
    with pytest.raises((NotAllowedPath, InvalidArgument)):
        asyncio.run(check_url(f"http://{host}/"))


def test_a_second_answer_of_the_name_server_changes_nothing(kit: Any) -> None:
    """The connection goes to the address that was checked, though the name leads elsewhere a moment later."""
    import io

    from game_music_maker.client.download import Download

    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def lookup(_host: str, _port: int) -> list[str]:
        return next(answers)

    with NemoServer() as other:
        client, held = kit.client(), io.BytesIO()

        async def run() -> None:
            await Download(client.http, f"http://rebind.example:{other.port}/files/a.mp4", held, lookup=lookup).run()
            await client.close()

        asyncio.run(run())
        assert held.getvalue() == other.output
        assert other.requests[0].headers["host"] == f"rebind.example:{other.port}"


def test_origins() -> None:
    assert origin_of("HTTPS://Api.Example/x") == "https://api.example:443"
    assert is_loopback("http://127.0.0.1:1/")
    assert is_loopback("http://[::1]:1/")
    assert is_loopback("http://localhost/")
    assert not is_loopback("http://localhost.example/")
    assert not is_loopback("https://8.8.8.8/")
