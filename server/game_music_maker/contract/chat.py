"""A chat request, and a Google ADK Event as the studio writes it.

Reading events is liberal and lives in `client.stream`; this module holds the forms that both sides agree on.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .routes import APP_NAME, USER_ID


class TextPart(BaseModel):
    model_config = ConfigDict(extra="allow")
    text: str = ""


class NewMessage(BaseModel):
    model_config = ConfigDict(extra="allow")
    parts: list[TextPart] = Field(default_factory=list)


class RunRequest(BaseModel):
    """Body of ``POST /run_sse``."""

    model_config = ConfigDict(extra="allow")

    app_name: str = APP_NAME
    user_id: str = USER_ID
    session_id: str
    new_message: NewMessage

    @classmethod
    def say(cls, session_id: str, text: str) -> RunRequest:
        return cls(session_id=session_id, new_message=NewMessage(parts=[TextPart(text=text)]))

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.new_message.parts if part.text)


def text_event(
    text: str, *, invocation_id: str, event_id: str, timestamp: float, partial: bool = False
) -> dict[str, Any]:
    """An ADK Event that carries text; `partial` text is progress, the non-partial event repeats it whole."""
    event = _event(invocation_id, event_id, timestamp)
    event["content"] = {"parts": [{"text": text}], "role": "model"}
    event["partial"] = partial
    return event


def call_event(
    name: str, args: dict[str, Any], *, invocation_id: str, event_id: str, timestamp: float
) -> dict[str, Any]:
    """An ADK Event with one function call."""
    event = _event(invocation_id, event_id, timestamp)
    event["content"] = {"parts": [{"functionCall": {"id": event_id, "name": name, "args": args}}], "role": "model"}
    return event


def result_event(
    name: str,
    response: dict[str, Any],
    *,
    state_delta: dict[str, Any],
    invocation_id: str,
    event_id: str,
    timestamp: float,
) -> dict[str, Any]:
    """An ADK Event with a function's response; `state_delta` names what changed."""
    event = _event(invocation_id, event_id, timestamp)
    answer = {"id": event_id, "name": name, "response": response}
    event["content"] = {"parts": [{"functionResponse": answer}], "role": "user"}
    event["actions"] = {"stateDelta": state_delta, "artifactDelta": {}}
    return event


def error_event(code: str, message: str, *, invocation_id: str, event_id: str, timestamp: float) -> dict[str, Any]:
    event = _event(invocation_id, event_id, timestamp)
    event.update(errorCode=code, errorMessage=message)
    return event


def _event(invocation_id: str, event_id: str, timestamp: float) -> dict[str, Any]:
    return {
        "invocationId": invocation_id,
        "author": APP_NAME,
        "actions": {"stateDelta": {}, "artifactDelta": {}},
        "id": event_id,
        "timestamp": timestamp,
    }
