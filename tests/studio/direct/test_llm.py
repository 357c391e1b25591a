"""The optional model, against a scripted server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from game_music_maker.studio.direct.edits import AddTitle, SetLevel
from game_music_maker.studio.direct.interpreter import Understanding
from game_music_maker.studio.direct.llm import Model, ask

LEFT = Understanding((SetLevel(share=0.3),), ("paint it black",))


class Scripted(ThreadingHTTPServer):
    """Answers every POST with `status` and `body`, and keeps what was asked; `silent` never answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body, self.location = 200, b"", ""
        self.silent = threading.Event()
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    def say(self, content: str) -> None:
        self.body = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        if self.server.silent.is_set():
            self.rfile.read(1)  # until the other side gives up
            return
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers), None))
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    thread = threading.Thread(target=scripted.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield scripted
    scripted.shutdown()
    thread.join()
    scripted.server_close()


def _ask(server: Scripted, stages: dict[str, Any], key: str | None = None, wait: float = 10) -> Understanding:
    stage = stages["score"]
    return ask(Model(server.url, "tiny", key, wait), LEFT, stage.timeline, stage.context)


def test_leftovers_become_edits(server: Scripted, stages: dict[str, Any]) -> None:
    server.say('```json\n{"edits": [{"kind": "add_title", "text": "Black", "position": "top"}], "left": []}\n```')
    found = _ask(server, stages, key="secret")
    assert found.edits == (SetLevel(share=0.3), AddTitle(text="Black", position="top"))
    assert found.leftovers == ()
    path, headers, body = server.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert body["model"] == "tiny"
    assert "paint it black" in body["messages"][-1]["content"]
    assert "secret" not in json.dumps(body)


def test_what_the_model_leaves_stays_left(server: Scripted, stages: dict[str, Any]) -> None:
    server.say('{"edits": [{"kind": "duck", "db": 6}], "left": ["paint it black"]}')
    found = _ask(server, stages)
    assert [edit.kind for edit in found.edits] == ["set_level", "duck"]
    assert found.leftovers == ("paint it black",)


@pytest.mark.parametrize(
    "content",
    [
        "I cannot do that.",
        '{"edits": [{"kind": "format_disk"}]}',
        '{"edits": [{"kind": "set_level", "share": -4}]}',
        '{"edits": [{"kind": "set_level", "share": 0.5, "shell": "rm"}]}',
        '{"edits": "all of them"}',
        '{"edits": []}',
        "[]",
        '{"edits": [[[[',
    ],
)
def test_invalid_answers_are_ignored(content: str, server: Scripted, stages: dict[str, Any]) -> None:
    server.say(content)
    assert _ask(server, stages) == LEFT


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"choices": []}', b'{"choices": null}', b"\xff\xfe", b"x" * 300_000]
)
def test_broken_bodies_are_ignored(body: bytes, server: Scripted, stages: dict[str, Any]) -> None:
    server.body = body
    assert _ask(server, stages) == LEFT


def test_errors_redirects_and_silence_leave_the_leftovers(server: Scripted, stages: dict[str, Any]) -> None:
    server.say('{"edits": [{"kind": "duck"}], "left": []}')
    server.status = 500
    assert _ask(server, stages) == LEFT
    server.status, server.location = 302, f"{server.url}/elsewhere"
    assert _ask(server, stages, key="secret") == LEFT
    assert [path for path, *_ in server.asked] == ["/v1/chat/completions"] * 2
    server.silent.set()
    assert _ask(server, stages, wait=0.2) == LEFT


def test_without_leftovers_nobody_is_asked(server: Scripted, stages: dict[str, Any]) -> None:
    stage = stages["score"]
    done = Understanding((SetLevel(share=0.3),), ())
    assert ask(Model(server.url, "tiny"), done, stage.timeline, stage.context) == done
    assert server.asked == []
