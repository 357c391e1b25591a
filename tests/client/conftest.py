"""A misbehaving NemoVideo for each test, and a client that does not wait long for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nemo_server import NemoServer

from game_music_maker.client.http import HttpLimits, TokenSource
from game_music_maker.client.nemo import Nemo
from game_music_maker.client.stream import Clocks
from game_music_maker.client.tokens import AnonymousTokens, ClientId, FixedToken

HEADERS = {"X-Skill-Source": "game-music-maker", "X-Skill-Version": "1.0.0", "X-Skill-Platform": "test"}
QUICK = HttpLimits(connect=5, read=5, total=20, retry=0.05, backoff=0.01)


@pytest.fixture
def nemo() -> Iterator[NemoServer]:
    with NemoServer() as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


class Kit:
    """Makes clients of one server."""

    def __init__(self, server: NemoServer, home: Path) -> None:
        self.server, self.home = server, home

    def client(self, tokens: TokenSource | None = None, **how: Any) -> Nemo:
        limits = how.pop("limits", QUICK)
        clocks = how.pop("clocks", Clocks(silence=20, idle=20, total=30, note=20))
        return Nemo(
            self._url,
            tokens or FixedToken(self.server.token),
            HEADERS,
            limits=limits,
            clocks=clocks,
            jitter=random.Random(1),
        )

    async def _url(self) -> str:
        return self.server.url

    def anonymous(self, **how: Any) -> Nemo:
        """A client with a kept anonymous token, as a process of its own would have it."""
        made: list[Nemo] = []
        client_id = ClientId(None, self.home / "client_id")
        tokens = AnonymousTokens(
            self.home / "tokens", self.server.url, client_id, lambda own: made[0].anonymous_token(own)
        )
        made.append(self.client(tokens, **how))
        return made[0]


@pytest.fixture
def kit(nemo: NemoServer, home: Path) -> Kit:
    return Kit(nemo, home)
