"""The envelope around every answer: ``{code, message, data}``, and how failures are read out of it.

Also met and accepted: ``{success: false, error}``, ``{"detail": …}`` (Google ADK), a bare body without an envelope.
"""

from __future__ import annotations

from typing import Any

from ..errors import (
    BY_WIRE,
    BackendError,
    FileTooLarge,
    MusicMakerError,
    NoCredits,
    PlanRequired,
    RateLimited,
    SessionGone,
    TokenRefused,
)

_BY_STATUS: dict[int, type[MusicMakerError]] = {
    401: TokenRefused,
    402: PlanRequired,
    413: FileTooLarge,
    429: RateLimited,
}


def ok(data: Any) -> dict[str, Any]:
    """Wrap `data` as a success."""
    return {"code": 0, "message": "success", "data": data}


def failure(error: MusicMakerError) -> dict[str, Any]:
    """Wrap `error` as the studio sends it; `read_failure` gives the same class back."""
    return {"code": error.wire, "message": error.message, "data": {"error": error.to_dict()}}


def _code_of(body: dict[str, Any]) -> int:
    code = body.get("code", 0)
    if isinstance(code, str) and code.strip().lstrip("-").isdigit():
        code = int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _text_of(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    for key in ("message", "error", "detail", "errorMessage"):
        value = body.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()[:500]
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            return str(value["message"])[:500]
    return ""


def is_failure(status: int, body: Any) -> bool:
    """Whether an answer is a failure: HTTP 400 and up, ``code != 0``, or ``success: false``."""
    if status >= 400:
        return True
    return isinstance(body, dict) and (_code_of(body) != 0 or body.get("success") is False)


def read_failure(status: int, body: Any, *, on_session: bool = False) -> MusicMakerError:
    """The error that an answer means. `on_session`: the call named a session, so that a 404 means it is gone."""
    code = _code_of(body) if isinstance(body, dict) else 0
    text = _text_of(body)
    cls = BY_WIRE.get(code)
    if cls is None:
        cls = SessionGone if status == 404 and on_session else _BY_STATUS.get(status, BackendError)
    own: dict[str, Any] = {}
    if isinstance(body, dict) and isinstance(body.get("data"), dict) and isinstance(body["data"].get("error"), dict):
        own = body["data"]["error"]
    if own:
        return cls(
            text or cls.__name__,
            next=own.get("next"),
            retry_after_s=own.get("retry_after_s"),
            link=own.get("link"),
        )
    return cls(_SENTENCE.get(cls.code) or (text and f"The service said: {text}") or "The service reported a failure.")


_SENTENCE = {
    "token_refused": "The access token was refused.",
    "session_gone": "The session no longer exists on the service.",
    NoCredits.code: "There are no credits left for this.",
    PlanRequired.code: "The plan of this account does not include export.",
    RateLimited.code: "The service asks to slow down.",
    FileTooLarge.code: "The file is larger than the 500 MB that the service takes.",
    "unsupported_media": "The service does not take this type of file.",
}


def unwrap(body: Any) -> Any:
    """The payload: ``data`` where there is an envelope, else the body itself."""
    if isinstance(body, dict) and "data" in body and ("code" in body or "success" in body):
        return body["data"]
    return body
