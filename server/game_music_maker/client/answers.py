"""Reading answers: bounded, strict JSON, failures through the contract's table, `Retry-After`."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from ..contract.envelope import is_failure, read_failure, unwrap
from ..contract.timing import MAX_ANSWER_BYTES
from ..errors import BadAnswer, MusicMakerError, NotFound, PlanRequired
from .clean import clean_line
from .decoding import parse_json

_M = TypeVar("_M", bound=BaseModel)


async def read_body(response: httpx.Response, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """The body of a streamed response, at most `limit` bytes.

    Raises:
        BadAnswer: it is larger, or compressed though identity was asked for.
    """
    refuse_encoding(response)
    held = bytearray()
    async for chunk in response.aiter_raw():
        held += chunk
        if len(held) > limit:
            raise BadAnswer("The service sent an answer far larger than it may be.")
    return bytes(held)


def refuse_encoding(response: httpx.Response) -> None:
    """A compressed answer was not asked for, and a small one may unpack to anything."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise BadAnswer("The service sent a compressed answer although it was asked not to.")


def retry_after(response: httpx.Response, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that the server asks to wait, from ``Retry-After`` as seconds or as a date; None where it
    does not say."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 12:
        return float(text)
    try:
        return min(1e9, max(0.0, parsedate_to_datetime(text).timestamp() - now()))
    except (ValueError, OverflowError, TypeError):
        return None


def read_json(response: httpx.Response, raw: bytes, *, on_session: bool = False, on_render: bool = False) -> Any:
    """The payload of an answer, without its envelope.

    Raises:
        BadAnswer: not JSON, or a redirect.
        MusicMakerError: the failure that the answer names; `retry_after_s` is set where the server said it.
    """
    status = response.status_code
    if 300 <= status < 400:
        raise BadAnswer("The service answered with a redirect, which is not followed.", next=_ADDRESS)
    try:
        body: Any = parse_json(raw) if raw.strip() else None
        readable = True
    except ValueError:
        body, readable = None, False
    if status >= 400 or is_failure(status, body):
        raise failure_of(response, body, on_session=on_session, on_render=on_render)
    if not readable:
        kind = "a web page" if raw.lstrip()[:1] == b"<" else "something that is not JSON"
        raise BadAnswer(f"The service answered with {kind} instead of data.", next=_ADDRESS)
    return unwrap(body)


_ADDRESS = "Check NEMO_API_URL, and whether a proxy or a sign-in page stands between."


def failure_of(
    response: httpx.Response, body: Any, *, on_session: bool = False, on_render: bool = False
) -> MusicMakerError:
    """The error of a failed answer, its words cleaned."""
    error = read_failure(response.status_code, body, on_session=on_session)
    if on_render and response.status_code == 403 and error.code == "backend_error":
        error = PlanRequired("The plan of this account does not include export.")
    if on_render and response.status_code == 404 and error.code == "backend_error":
        error = NotFound("The service does not know this render.")
    error.message = clean_line(error.message)
    error.args = (error.message,)
    error.next = clean_line(str(error.next))
    if not isinstance(error.retry_after_s, (int, float)) or isinstance(error.retry_after_s, bool):
        error.retry_after_s = None
    if error.retry_after_s is None:
        error.retry_after_s = retry_after(response)
    if not (isinstance(error.link, str) and error.link.startswith(("http://", "https://"))):
        error.link = None
    return error


def read_model(model: type[_M], data: Any) -> _M:
    """`data` as `model`.

    Raises:
        BadAnswer: fields are missing or of the wrong type.
    """
    try:
        return model.model_validate(data)
    except (ValidationError, RecursionError) as error:
        fields = ""
        if isinstance(error, ValidationError):
            fields = ", ".join(sorted({".".join(str(x) for x in e["loc"][:2]) for e in error.errors()[:4]}))
        raise BadAnswer(f"The service's answer has missing or wrong fields: {clean_line(fields) or 'all'}.") from None
