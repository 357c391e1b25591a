"""NemoVideo on loopback: answers the contract as the cloud does, misbehaves by rule, and remembers every request.

It stands on sockets alone, so that it can do what a web framework would not let it do: close before the status line,
cut after k bytes, announce wrong lengths, drip, stall. One thread serves each connection.

    with NemoServer() as nemo:
        nemo.rule("POST /run_sse", cut=100)              # the first 100 bytes of the body, then a reset
        nemo.rule("GET /api/state", status=503, times=2)  # twice, then as usual
        ... NEMO_API_URL=nemo.url NEMO_TOKEN=nemo.token ...
        assert nemo.count("POST /run_sse") == 1
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import re
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Events = list[Any]
Agent = Callable[["NemoServer", str, str], Events]
"""(server, session id, text) → events: dicts become ``data:`` lines, bytes go out as they are."""

_KEPT_BODY = 1 << 20


@dataclass
class Request:
    """One request as it arrived. `body` keeps at most 1 MiB; `size` and `sha256` are those of the whole; `whole` says
    whether it came to its end, None while it is on its way."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    size: int = 0
    sha256: str = ""
    whole: bool | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Rule:
    """What to do wrong, for requests whose ``METHOD /path`` begins with (or, as a pattern, matches) `where`.

    Attributes:
        times: how often, None for always; `skip`: how many matching requests go unharmed first.
        status, headers, body: replace those of the answer; without `work` the request is then not carried out.
        work: carry the request out all the same (what the client cannot know).
        refuse: close at once, before the request's body is read.
        mute: read the request and close without a status line.
        cut: this many bytes of the answer's body, then `reset` (a TCP reset) or a plain close.
        length: announce this Content-Length; `chunked`: announce none and use chunked coding; `bare`: neither.
        chunk: write the body in pieces of this many bytes.
        hold: wait for this event before the answer; `stall`: wait for it once `cut` bytes (or all) are out.
        drip: endless sign-of-life bytes, one piece after each `every` seconds, after the answer's body;
            `drip_head`: the same inside the header block.
    """

    where: str
    times: int | None = None
    skip: int = 0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    work: bool = False
    refuse: bool = False
    mute: bool = False
    cut: int | None = None
    reset: bool = True
    length: int | None = None
    chunked: bool = False
    bare: bool = False
    chunk: int | None = None
    hold: threading.Event | None = None
    stall: threading.Event | None = None
    drip: bytes = b""
    drip_head: bytes = b""
    every: float = 0.02
    used: int = 0

    def takes(self, line: str) -> bool:
        if not re.match(self.where, line) or (self.times is not None and self.used >= self.times + self.skip):
            return False
        self.used += 1
        return self.used > self.skip


def adk(text: str, **more: Any) -> dict[str, Any]:
    """An ADK Event with text."""
    return {
        "content": {"parts": [{"text": text}], "role": "model"},
        "author": "nemo_agent",
        "invocationId": "e-1",
        **more,
    }


def scoring_agent(server: NemoServer, session: str, text: str) -> Events:
    """Puts music on the timeline and says so, with a tool call in between, as the service does."""
    draft = server.add_track(session, {"tt": 1, "sg": [{"s": 0, "d": 10_000, "n": "Lo-fi", "v": 0.35}]})
    return [
        adk("Looking at the clip."),
        {
            "content": {"parts": [{"functionCall": {"id": "c1", "name": "generate_music", "args": {"prompt": text}}}]},
            "author": "nemo_agent",
        },
        {
            "content": {
                "parts": [{"functionResponse": {"id": "c1", "name": "generate_music", "response": {"ok": True}}}]
            },
            "author": "nemo_agent",
            "actions": {"stateDelta": {"draft": draft}},
        },
        adk("The music is on the timeline."),
    ]


class NemoServer:
    """The service. Read `requests`, set `rules`, `agent`, `render_steps`, `output`."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.rules: list[Rule] = []
        self.agent: Agent = scoring_agent
        self.token = "nmv_usr_given"
        self.tokens: set[str] = {self.token}
        self.given_to: dict[str, list[str]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.renders: dict[str, dict[str, Any]] = {}
        self.render_steps: list[dict[str, Any]] = [{"status": "pending"}, {"status": "processing", "progress": 40}]
        self.render_url: str | None = "own"
        self.output = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 800
        self.etag = '"v1"'
        self.credit = 100.0
        self.strict_anonymous = True
        self.arrived = threading.Event()
        self._lock = threading.RLock()
        self._ids = itertools.count(1_234_567_890_123_456_789)
        self._open: set[socket.socket] = set()
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> NemoServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for rule in self.rules:
            for event in (rule.hold, rule.stall):
                if event is not None:
                    event.set()
        with self._lock:
            left = list(self._open)
        for one in left:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    # what tests ask

    def rule(self, where: str, **how: Any) -> Rule:
        """Misbehave from now on; the newest rule that fits is taken."""
        made = Rule(where, **how)
        with self._lock:
            self.rules.insert(0, made)
        return made

    def seen(self, where: str) -> list[Request]:
        """The requests whose ``METHOD /path`` matches `where`, in order."""
        with self._lock:
            return [request for request in self.requests if re.match(where, request.line)]

    def count(self, where: str) -> int:
        return len(self.seen(where))

    def expire(self, token: str | None = None) -> None:
        """Refuse `token` (every token, where None) from now on."""
        with self._lock:
            self.tokens = set() if token is None else self.tokens - {token}

    def add_track(self, session: str, track: dict[str, Any]) -> dict[str, Any]:
        """Put a track on a session's timeline; the new draft."""
        with self._lock:
            held = self.sessions[session]
            draft: dict[str, Any] = json.loads(json.dumps(held["draft"] or {"t": [], "unknown": {"kept": 1.5}}))
            draft["t"].append(track)
            held["draft"] = draft
            return draft

    # connections

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while self._one(connection, stream):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _one(self, connection: socket.socket, stream: Any) -> bool:
        head = stream.readline(65536)
        if not head.strip():
            return False
        method, target, _ = head.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while (line := stream.readline(65536)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        request = Request(method, target, headers)
        with self._lock:
            self.requests.append(request)
            rule = next((rule for rule in self.rules if rule.takes(request.line)), None)
        if rule is not None and rule.refuse:
            self.arrived.set()
            return _abort(connection, reset=rule.reset)
        try:
            _read_body(stream, request)
            request.whole = True
        except (OSError, ValueError):
            request.whole = False
            raise
        self.arrived.set()
        if rule is None:
            answer = self._answer(request)
            return _send(connection, answer, Rule(""), stream=_is_stream(answer))
        return self._misbehave(connection, request, rule)

    def _misbehave(self, connection: socket.socket, request: Request, rule: Rule) -> bool:
        if rule.hold is not None:
            rule.hold.wait(60)
        replaced = rule.status is not None or rule.body is not None or rule.mute
        answer = self._answer(request) if rule.work or not replaced else Answer()
        if rule.mute:
            return _abort(connection, reset=rule.reset)
        if rule.status is not None:
            answer.status = rule.status
            answer.body = rule.body if rule.body is not None else b""
        elif rule.body is not None:
            answer.body = rule.body
        answer.headers.update(rule.headers)
        return _send(connection, answer, rule, stream=_is_stream(answer))

    # the contract

    def _answer(self, request: Request) -> Answer:
        for pattern, act, needs_token in _ROUTES:
            found = re.fullmatch(pattern, request.line)
            if found:
                with self._lock:
                    if needs_token and request.token not in self.tokens:
                        return _json({"code": 1001, "message": "token expired"}, 200)
                    return act(self, request, *found.groups())
        return _json({"detail": "Not Found"}, 404)

    def _anonymous(self, request: Request) -> Answer:
        client = request.headers.get("x-client-id", "")
        if not client:
            return _json({"code": 400, "message": "X-Client-Id is missing"}, 400)
        given = self.given_to.setdefault(client, [])
        if self.strict_anonymous and any(token in self.tokens for token in given):
            return _json({"code": 429, "message": "too many"}, 429)
        token = f"nmv_usr_{uuid.uuid4().hex}"
        given.append(token)
        self.tokens.add(token)
        return _ok({"token": token, "credits": 100, "user_id": "u1", "expires_at": "2099-01-01T00:00:00Z"})

    def _session(self, request: Request) -> Answer:
        session, task = str(next(self._ids)), f"task-{next(self._ids)}"
        self.sessions[session] = {"task_id": task, "draft": None, "video_infos": [], "generated_media": []}
        return _ok({"task_id": task, "session_id": session})

    def _claim(self, request: Request) -> Answer:
        return _ok({"claim_token": "clm_page", "expires_in": 604800})

    def _credits(self, request: Request) -> Answer:
        return _ok({"available": self.credit, "frozen": 0, "total": 100})

    def _run(self, request: Request) -> Answer:
        body = request.json()
        session = str(body.get("session_id"))
        if session not in self.sessions:
            return _json({"detail": f"Session not found: {session}"}, 404)
        text = " ".join(part.get("text", "") for part in body["new_message"]["parts"])
        events = self.agent(self, session, text)
        out = b"".join(
            one if isinstance(one, bytes) else b"data: " + json.dumps(one).encode() + b"\n\n" for one in events
        )
        return Answer(200, {"Content-Type": "text/event-stream; charset=utf-8"}, out)

    def _upload(self, request: Request, session: str) -> Answer:
        if session not in self.sessions:
            return _json({"code": 1002, "message": "no such session"}, 200)
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            names = [name.decode() for name in re.findall(rb'name="files"; filename="([^"]*)"', request.body)]
        else:
            names = [url.rpartition("/")[2] for url in request.json()["urls"]]
        files = []
        for name in names:
            self.add_track(session, {"tt": 0, "sg": [{"s": 0, "d": 10_000, "n": name}]})
            facts = {"duration": 10.0, "width": 640, "height": 360, "hash": request.sha256}
            files.append({"filename": name, "file_type": "video", "cdn_url": "https://cdn.invalid/x", **facts})
        return _ok({"files": files, "session_state_applied": True})

    def _state(self, request: Request, session: str) -> Answer:
        held = self.sessions.get(session)
        if held is None:
            return _json({"code": 1002, "message": "session not found"}, 404)
        state = {key: held[key] for key in ("draft", "video_infos", "generated_media")}
        return _ok({"session_id": session, "task_id": held["task_id"], "state": state})

    def _submit(self, request: Request) -> Answer:
        for header in ("x-skill-source", "x-skill-version", "x-skill-platform"):
            if not request.headers.get(header):
                return _json({"code": 402, "message": "attribution missing"}, 402)
        body = request.json()
        render = self.renders.setdefault(body["id"], {"body": body, "looks": 0, "submits": 0})
        render["submits"] += 1
        return Answer(
            200, dict(_JSON), json.dumps({"success": True, "data": {"id": body["id"], "status": "pending"}}).encode()
        )

    def _render(self, request: Request, render_id: str) -> Answer:
        render = self.renders.get(render_id)
        if render is None:
            return _json({"success": False, "error": "not found"}, 404)
        look = render["looks"]
        render["looks"] += 1
        if look < len(self.render_steps):
            return _json({"success": True, "data": {"id": render_id, **self.render_steps[look]}}, 200)
        done: dict[str, Any] = {"status": "COMPLETED", "output": {"duration": 10.0, "size": len(self.output)}}
        if self.render_url == "own":
            done["output"]["url"] = f"{self.url}/files/{render_id}.mp4"
        elif self.render_url is not None:
            done["output"]["url"] = self.render_url
        return _json(done, 200)

    def _file(self, request: Request, *_: str) -> Answer:
        headers = {"ETag": self.etag, "Content-Type": "video/mp4", "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if wanted and request.headers.get("if-range", self.etag) == self.etag:
            start, whole = int(wanted[1]), len(self.output)
            if start >= whole:
                return Answer(416, {"Content-Range": f"bytes */{whole}"})
            return Answer(206, {**headers, "Content-Range": f"bytes {start}-{whole - 1}/{whole}"}, self.output[start:])
        return Answer(200, headers, self.output)


_JSON = {"Content-Type": "application/json"}
_ROUTES: list[tuple[str, Callable[..., Answer], bool]] = [
    (r"POST /api/auth/anonymous-token", NemoServer._anonymous, False),
    (r"POST /api/tasks/me/with-session/nemo_agent", NemoServer._session, True),
    (r"POST /api/auth/claim-token", NemoServer._claim, True),
    (r"GET /api/credits/balance/simple", NemoServer._credits, True),
    (r"POST /run_sse", NemoServer._run, True),
    (r"POST /api/upload-video/nemo_agent/me/([^/]+)", NemoServer._upload, True),
    (r"GET /api/state/nemo_agent/me/([^/]+)/latest", NemoServer._state, True),
    (r"POST /api/render/proxy/lambda", NemoServer._submit, True),
    (r"GET /api/render/proxy/lambda/([^/]+)", NemoServer._render, True),
    (r"GET /api/render/proxy/([^/]+)/download", NemoServer._file, True),
    (r"GET /files/(.+)", NemoServer._file, False),
]


def _json(body: Any, status: int) -> Answer:
    return Answer(status, dict(_JSON), json.dumps(body).encode())


def _ok(data: Any) -> Answer:
    return _json({"code": 0, "message": "success", "data": data}, 200)


def _is_stream(answer: Answer) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/event-stream")


def _read_body(stream: Any, request: Request) -> None:
    digest, kept = hashlib.sha256(), bytearray()
    for block in _body_blocks(stream, request.headers):
        digest.update(block)
        request.size += len(block)
        kept += block[: max(0, _KEPT_BODY - len(kept))]
    request.body, request.sha256 = bytes(kept), digest.hexdigest()


def _body_blocks(stream: Any, headers: dict[str, str]) -> Iterator[bytes]:
    if "chunked" in headers.get("transfer-encoding", ""):
        while size := int(stream.readline(), 16):
            yield stream.read(size)
            stream.readline()
        stream.readline()
        return
    left = int(headers.get("content-length", 0))
    while left and (block := stream.read1(min(left, 1 << 18))):
        left -= len(block)
        yield block
    if left:
        raise ValueError("the client went away")


def _abort(connection: socket.socket, *, reset: bool) -> bool:
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return False


def _send(connection: socket.socket, answer: Answer, rule: Rule, *, stream: bool) -> bool:
    chunked = rule.chunked or (stream and not rule.bare and rule.length is None)
    headers = {"Content-Type": "application/json", **answer.headers}
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif not rule.bare:
        headers["Content-Length"] = str(len(answer.body) if rule.length is None else rule.length)
    head = f"HTTP/1.1 {answer.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection.sendall(head.encode("latin-1"))
    _drip(connection, rule.drip_head, rule.every)
    connection.sendall(b"\r\n")
    body = answer.body if rule.cut is None else answer.body[: rule.cut]
    size = rule.chunk or max(1, len(body))
    for at in range(0, len(body), size):
        connection.sendall(_framed(body[at : at + size], chunked))
    if rule.stall is not None:
        rule.stall.wait(60)
    _drip(connection, _framed(rule.drip, chunked) if rule.drip else b"", rule.every)
    if rule.cut is not None:
        return _abort(connection, reset=rule.reset)
    if chunked:
        connection.sendall(b"0\r\n\r\n")
    return not rule.bare and rule.length is None


def _framed(piece: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece


def _drip(connection: socket.socket, piece: bytes, every: float) -> None:
    """Send `piece` again and again until the client goes away."""
    never = threading.Event()
    while piece:
        connection.sendall(piece)
        never.wait(every)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A NemoVideo on loopback, for trying the cloud way out.")
    parser.add_argument("--port", type=int, default=8080)
    with NemoServer(parser.parse_args().port) as running:
        print(f"NEMO_API_URL={running.url} NEMO_TOKEN={running.token}", flush=True)
        threading.Event().wait()
