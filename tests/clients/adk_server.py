"""Google ADK's own server with a scripted model, as NemoVideo's chat runs on it. It needs `google-adk` alone.

    python adk_server.py [--streaming]

prints ``{"url": …}`` and ends when its standard input ends. ``/run_sse`` and the sessions behind it are ADK's; beside
them stand the service's routes for tokens, sessions, credits and state. The first word of a message says what the
scripted model does (`SCRIPTS`); a message that begins with ``cut`` loses its connection after its first events.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from google.adk.agents import LlmAgent
from google.adk.cli.fast_api import get_fast_api_app
from google.adk.cli.utils.base_agent_loader import BaseAgentLoader
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.tools.tool_context import ToolContext
from google.genai import types

APP = "nemo_agent"
SESSIONS = f"/apps/{APP}/users/me/sessions"
CALL = object()
"""In a script: the model calls the tool that puts music on the timeline."""
SCRIPTS: dict[str, list[list[Any]]] = {
    # for each call of the model: pieces of text, tool calls, exceptions
    "text": [["Here is ", "a boss-fight ", "loop.\u2028It repeats: 100 % 🎮!"]],
    "tool": [["Looking ", "at the clip.", CALL], ["Your track ", "is ready."]],
    "silent": [[CALL], []],
    "nothing": [[]],
    "error": [["Starting the ", "mix", RuntimeError('the "model" broke\nin two lines')]],
    "thought": [[types.Part(text="They want drums.", thought=True), "Drums it is."]],
    "cut-early": [["Starting ", "the mix ", "now."]],
    "cut-late": [["Adding it.", CALL], ["Your track ", "is ready."]],
}


def edit_multitrack(name: str, tool_context: ToolContext) -> dict[str, Any]:
    """Puts music on the timeline."""
    tool_context.state["draft"] = {"t": [{"tt": 1, "sg": [{"s": 0, "d": 10_000, "n": name, "v": 0.35}]}]}
    return {"success": True}


class Scripted(BaseLlm):
    """A model that follows `SCRIPTS`: deltas and a final event with streaming, one event without."""

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        words, turn = _place(llm_request.contents)
        said: list[types.Part] = []
        for piece in SCRIPTS[words][turn]:
            if isinstance(piece, Exception):
                raise piece
            part = _part(piece)
            said = _joined(said, part)
            if stream:
                yield LlmResponse(content=types.Content(role="model", parts=[part]), partial=True)
        content = types.Content(role="model", parts=said)
        yield LlmResponse(content=content, partial=False, finish_reason=types.FinishReason.STOP)


def _place(contents: list[types.Content]) -> tuple[str, int]:
    """The script that the last message asks for, and how many tool answers came since."""
    tools = 0
    for content in reversed(contents):
        parts = content.parts or []
        tools += any(part.function_response for part in parts)
        text = next((part.text for part in parts if part.text), None)
        if content.role == "user" and text:
            return text.split()[0], tools
    raise LookupError("no message")


def _part(piece: Any) -> types.Part:
    if piece is CALL:
        return types.Part(function_call=types.FunctionCall(name="edit_multitrack", args={"name": "Lo-fi"}))
    return piece if isinstance(piece, types.Part) else types.Part(text=piece)


def _joined(said: list[types.Part], part: types.Part) -> list[types.Part]:
    """Texts of one kind merge, as models give them in their last event."""
    if said and said[-1].text and part.text and said[-1].thought == part.thought:
        return [*said[:-1], types.Part(text=said[-1].text + part.text, thought=part.thought)]
    return [*said, part]


class Loader(BaseAgentLoader):
    def load_agent(self, agent_name: str) -> LlmAgent:
        if agent_name != APP:
            raise ValueError(agent_name)
        return LlmAgent(name=APP, model=Scripted(model="scripted"), tools=[edit_multitrack])

    def list_agents(self) -> list[str]:
        return [APP]


def add_service(app: FastAPI) -> None:
    """The service's routes beside ADK's, over ADK's own sessions."""
    ids = itertools.count(1_234_567_890_123_456_789)
    inner = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")

    @app.post("/api/tasks/me/with-session/nemo_agent")
    async def with_session(request: Request) -> Any:
        session = str(next(ids))
        (await inner.post(f"{SESSIONS}/{session}", json={})).raise_for_status()
        return {"code": 0, "data": {"task_id": f"task-{session}", "session_id": session}}

    @app.post("/api/auth/claim-token")
    async def claim() -> Any:
        return {"code": 0, "data": {"claim_token": "clm_page", "expires_in": 604800}}

    @app.get("/api/credits/balance/simple")
    async def balance() -> Any:
        return {"code": 0, "data": {"available": 100, "frozen": 0, "total": 100}}

    @app.get("/api/state/nemo_agent/me/{session}/latest")
    async def latest(session: str) -> Any:
        held = (await inner.get(f"{SESSIONS}/{session}")).raise_for_status().json()
        state = {"draft": held["state"].get("draft"), "video_infos": [], "generated_media": []}
        return {"code": 0, "data": {"session_id": session, "task_id": f"task-{session}", "state": state}}


class Wire:
    """Around ADK's application (ASGI): asks for streaming where wanted, and breaks connections."""

    def __init__(self, app: Any, streaming: bool) -> None:
        self._app, self._streaming = app, streaming

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/run_sse":
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        asked = json.loads(body)
        text = asked["new_message"]["parts"][0]["text"]
        sent = json.dumps({**asked, "streaming": self._streaming}).encode()
        replies = iter([{"type": "http.request", "body": sent, "more_body": False}])
        headers = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
        headers.append((b"content-length", str(len(sent)).encode()))

        async def given() -> Any:
            return next(replies, None) or await receive()

        async def kept(event: Any) -> None:
            await send(event)
            if _cuts(text, event.get("body", b"")):
                raise ConnectionAbortedError("cut by the script")

        await self._app({**scope, "headers": headers}, given, kept)


def _cuts(text: str, body: bytes) -> bool:
    """Whether the connection ends after this piece of the stream."""
    late = text.startswith("cut-late") and b"functionResponse" in body
    return late or (text.startswith("cut-early") and b"Starting" in body)


async def serve(streaming: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        places = {"session_service_uri": "memory://", "artifact_service_uri": "memory://"}
        app = get_fast_api_app(
            agents_dir=str(Path(folder)), agent_loader=Loader(), web=False, use_local_storage=False, **places
        )
        add_service(app)
        config = uvicorn.Config(Wire(app, streaming), log_level="error", lifespan="on", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve([listener]))
        sys.stdout.write(json.dumps({"url": url}) + "\n")  # it listens already; early requests wait
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True
        await running


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--streaming", action="store_true")
    asyncio.run(serve(parser.parse_args().streaming))
