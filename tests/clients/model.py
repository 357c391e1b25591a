"""A language model on loopback that says what a script tells it to, for a host that wants one (Messages API)."""

from __future__ import annotations

import http.server
import json
import threading
from types import TracebackType
from typing import Any


class ScriptedModel:
    """Answers the n-th turn with the n-th tool call of `calls`, then with a word.

    Attributes:
        results: what the host sent back for each call, in order.
    """

    def __init__(self, calls: list[tuple[str, dict[str, Any]]]) -> None:
        self.calls = calls
        self.results: list[dict[str, Any]] = []
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not body.get("tools") or "/messages" not in self.path or "count_tokens" in self.path:
                    self._send("application/json", b'{"input_tokens": 1}')
                else:
                    self._send("text/event-stream", model.turn(body))

            def do_GET(self) -> None:
                self._send("application/json", b"{}")

            do_HEAD = do_GET

            def _send(self, kind: str, content: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def turn(self, body: dict[str, Any]) -> bytes:
        """The next turn of the conversation `body`, as a stream."""
        parts = [part for turn in body["messages"] if isinstance(turn["content"], list) for part in turn["content"]]
        self.results = [part for part in parts if part.get("type") == "tool_result"]
        at = len(self.results)
        if at < len(self.calls):
            name, arguments = self.calls[at]
            start = {"type": "tool_use", "id": f"toolu_{at}", "name": name, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        else:
            start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": "Done."}
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": usage,
        }  # fmt: skip
        stop = "tool_use" if at < len(self.calls) else "end_turn"
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": start},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()

    def __enter__(self) -> ScriptedModel:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
