"""Decoding: one event's data → what it says, in whichever of the spoken forms it came.

Forms: Google ADK Events, tagged events (``{"type": "text", …}``), top-level ``text``, ``heartbeat``,
``[DONE]``, and errors in four dialects. What cannot be read is a `Malformed`, never an exception.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

NO_CONTENT = "MODEL_RETURNED_NO_CONTENT"
"""ADK's word for a silent turn: not a failure."""
TOKEN_LIMIT = "MAX_TOKENS"


@dataclass(frozen=True, slots=True)
class Said:
    """Words for the user. `partial`: progress that a later event repeats; `delta`: a piece of a longer
    text."""

    text: str
    partial: bool = False
    delta: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """The backend called one of its tools."""

    name: str
    args: dict[str, Any]
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """A tool of the backend returned; `failed` where its response says so."""

    name: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """Keys of the session's state that changed."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The backend asks the user something and waits."""

    question: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The backend reported an error; `code` is its own word, where it has one."""

    message: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """The model stopped at its own length limit: the text is good, but not whole."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning: not for the user, but news that work goes on."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life without news."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The backend says that the turn is over."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not readable: skipped and counted."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Readable, and of no known form: skipped and counted."""


Message = Said | Called | Returned | Changed | Asked | Failed | Cut | Thinking | Beat | Finished | Malformed | Unknown

_PASTED_ERROR = re.compile(r'^\{\s*"error"\s*:\s*"?(.*)$', re.DOTALL)
_EXCEPTION_NAME = re.compile(r"^(?:Error: )?(?:[A-Za-z_.]*(?:Error|Exception): )?")


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number beyond range")
    return value


def parse_json(data: str | bytes) -> Any:
    """JSON by the letter: no NaN, no infinities, no numbers beyond range, no endless nesting.

    Raises:
        ValueError: it is not JSON, or holds one of these.
    """
    try:
        return json.loads(data, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decode(data: str, event: str = "message") -> list[Message]:
    """What one event says, in order. `event` is the name in the ``event:`` field."""
    text = data.strip()
    if text.lower() in ("heartbeat", "ping", '"heartbeat"', "") or event in ("heartbeat", "ping"):
        return [Beat()]
    if text == "[DONE]":
        return [Finished()]
    try:
        body = parse_json(text)
    except ValueError:
        pasted = _PASTED_ERROR.match(text)
        return [Failed(_tidy(re.sub(r'"\s*\}\s*$', "", pasted[1])))] if pasted else [Malformed()]
    if not isinstance(body, dict):
        return [Unknown()]
    if isinstance(body.get("type"), str):
        return _tagged(body)
    if "error" in body and "content" not in body:
        return [_error(body)]
    if any(key in body for key in ("content", "actions", "author", "errorCode", "error_code")):
        return _adk(body)
    if isinstance(body.get("text"), str):
        return [Said(body["text"], delta=True)]
    return [Unknown()]


def _tidy(message: str) -> str:
    return _EXCEPTION_NAME.sub("", message.strip(), count=1).strip() or message.strip()


def _error(body: dict[str, Any]) -> Failed:
    details, error = body.get("error_details"), body["error"]
    if isinstance(details, dict) and isinstance(details.get("error_message"), str):
        return Failed(_tidy(details["error_message"]))
    if isinstance(error, dict):
        return Failed(_tidy(str(error.get("message") or error)), str(error.get("code") or ""))
    return Failed(_tidy(str(error)))


def _get(body: dict[str, Any], camel: str, snake: str) -> Any:
    return body[camel] if camel in body else body.get(snake)


def _adk(body: dict[str, Any]) -> list[Message]:
    """A Google ADK Event: camelCase as it is sent, snake_case as some gateways pass it on."""
    partial = body.get("partial") is True
    found: list[Message] = []
    content = body.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    texts: list[str] = []
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, dict):
            continue
        text, call = part.get("text"), _get(part, "functionCall", "function_call")
        response = _get(part, "functionResponse", "function_response")
        if isinstance(text, str) and part.get("thought") is True:
            found.append(Thinking())
        elif isinstance(text, str) and text:
            texts.append(text)
        elif isinstance(call, dict):
            found.append(_call(call, partial))
        elif isinstance(response, dict):
            found.append(_response(response))
    if texts:
        words = "".join(texts)
        if body.get("author") == "system" and words.startswith("Error:"):
            found.append(Failed(_tidy(words)))
        else:
            found.insert(0, Said(words, partial=partial))
    return found + _around(body, spoke=bool(texts)) or [Beat()]


def _around(body: dict[str, Any], *, spoke: bool) -> list[Message]:
    found: list[Message] = []
    actions = body.get("actions")
    delta = _get(actions, "stateDelta", "state_delta") if isinstance(actions, dict) else None
    if isinstance(delta, dict) and delta:
        found.append(Changed(tuple(delta)))
    code = _get(body, "errorCode", "error_code")
    if TOKEN_LIMIT in (code, _get(body, "finishReason", "finish_reason")):
        found.append(Cut())
    elif code and code != NO_CONTENT:
        message = _get(body, "errorMessage", "error_message")
        found.append(Failed(_tidy(str(message or code)), str(code)))
    elif not found and not spoke and isinstance(body.get("content"), dict):
        found.append(Thinking())
    return found


def _call(call: dict[str, Any], partial: bool) -> Message:
    name, args = str(call.get("name") or ""), call.get("args")
    args = args if isinstance(args, dict) else {}
    if name == "ask_question" and not partial:
        for key in ("question", "text", "content"):
            if isinstance(args.get(key), str):
                return Asked(args[key])
    return Called(name, args, partial)


def _response(response: dict[str, Any]) -> Returned:
    answer = response.get("response")
    failed = isinstance(answer, dict) and ("error" in answer or answer.get("success") is False)
    return Returned(str(response.get("name") or ""), failed)


def _words(body: dict[str, Any], *keys: str) -> str:
    for key in keys:
        value = body.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, dict):
            inner = _words(value, "message", "text", "name")
            if inner:
                return inner
    return ""


def _tagged(body: dict[str, Any]) -> list[Message]:
    """The tagged form: ``type`` says what it is; the words stand in ``text`` or ``content``."""
    kind = body["type"].lower()
    if kind in ("text", "chunk", "message"):
        words = _words(body, "text", "content")
        return [Said(words, delta=True)] if words else [Beat()]
    if kind in ("tool_call", "tool_start"):
        args = body.get("args")
        return [Called(_words(body, "name", "tool", "tool_name"), args if isinstance(args, dict) else {})]
    if kind in ("tool_result", "tool_end"):
        failed = "error" in body or body.get("success") is False
        return [Returned(_words(body, "name", "tool", "tool_name"), failed)]
    if kind in ("heartbeat", "ping"):
        return [Beat()]
    if kind.startswith("thinking"):
        return [Thinking()]
    if kind == "ask_question":
        return [Asked(_words(body, "question", "text", "content", "message"))]
    if kind == "error":
        message = _words(body, "message", "error", "text", "content") or "no reason given"
        return [Failed(_tidy(message), str(body.get("code") or ""))]
    if kind == "done":
        words = _words(body, "text", "content")
        return [Said(words, delta=True), Finished()] if words else [Finished()]
    return [Unknown()]
