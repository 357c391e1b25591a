"""Lets the conformance suite's task scenarios drive our tools: it asks for fixtures by name, and a bridge renames them.

Requests pass unchanged, but for calls of the suite's fixture tools: those become `send_message` in a new project,
with the service behind told how long to take. Answers pass unchanged, so all that the suite judges is the server's.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from nemo_server import Events, NemoServer, adk

FIXTURES = ("greet", "slow_compute", "failing_job")
PAST_GRACE_S = 3.0
"""The server answers at once what ends within two seconds; the fixtures are asked to be tasks from one second on."""


def agent(server: NemoServer, session: str, text: str) -> Events:
    kind, _, name = text.partition(" ")
    if kind == "failing_job":
        return [{"error": "The mix could not be made."}]
    return [adk(f"Hello, {name}!" if kind == "greet" else "Computed.")]


class Bridge:
    """A proxy on loopback before the server at `url`, whose backend is `nemo`."""

    def __init__(self, url: str, nemo: NemoServer) -> None:
        self._to, self._nemo = urlsplit(url), nemo
        nemo.agent = agent
        self._ids = itertools.count(1)
        self._timers: list[threading.Timer] = []
        bridge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                bridge.pass_on(self)

            do_GET = do_DELETE = do_POST

            def log_message(self, *_: Any) -> None:
                """Nothing: what matters is judged by the suite."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{self._to.path}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Bridge:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN}
        asked = json.loads(body) if body else {}
        if asked.get("method") == "tools/call" and asked["params"].get("name") in FIXTURES:
            body, headers = self._as_ours(asked, headers)
        status, kind, answer = self._send(request.command, body, headers)
        request.send_response(status)
        for name, value in kind.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def _as_ours(self, asked: dict[str, Any], headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """The call of a fixture as a message in a new project."""
        name, given = asked["params"]["name"], asked["params"].get("arguments", {})
        project = f"p{next(self._ids)}"
        self._send("POST", *_renamed(asked, headers, name, "connect", {"project": project}))
        seconds = 1 if name == "failing_job" else given.get("seconds", 0)
        if seconds:
            hold = threading.Event()
            self._nemo.rule("POST /run_sse", hold=hold, times=1)
            timer = threading.Timer(seconds + PAST_GRACE_S, hold.set)
            timer.daemon = True
            timer.start()
            self._timers.append(timer)
        words = f"{name} {given.get('name') or given.get('label') or ''}".strip()
        return _renamed(asked, headers, name, "send_message", {"message": words, "project": project})

    def _send(self, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(str(self._to.hostname), self._to.port, timeout=90)
        try:
            connection.request(method, self._to.path, body, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() in _KEPT}
            return answer.status, kept, answer.read()
        finally:
            connection.close()


_OWN = ("host", "content-length", "connection", "transfer-encoding", "accept-encoding")
_KEPT = ("content-type", "mcp-session-id", "mcp-protocol-version")


def _renamed(
    asked: dict[str, Any], headers: dict[str, str], old: str, new: str, arguments: dict[str, Any]
) -> tuple[bytes, dict[str, str]]:
    """The call with another tool, in the body and, where it stands there too, in ``Mcp-Name``."""
    said = {key: new if key.lower() == "mcp-name" and value == old else value for key, value in headers.items()}
    params = {**asked["params"], "name": new, "arguments": arguments}
    return json.dumps({**asked, "params": params}).encode(), said
