"""Sign-in, session, credits and claim token."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AnonymousToken(_Answer):
    """A token for an anonymous client: 100 free credits, valid for 7 days."""

    token: str = Field(min_length=1, max_length=8192)
    credits: float | None = None
    user_id: str | None = None
    expires_at: str | float | None = None


class SessionOpened(_Answer):
    """A new session. Ids are text: a 19-digit number does not survive a JSON number."""

    task_id: str = ""
    session_id: str = Field(min_length=1, max_length=200)

    @field_validator("task_id", "session_id", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Credits(_Answer):
    """A balance; `frozen` is reserved by work in progress."""

    available: float
    frozen: float = 0
    total: float = 0
    unlimited: bool = False


class ClaimToken(_Answer):
    """A token that lets a person take the session over in the browser; never the access token."""

    claim_token: str = Field(min_length=1, max_length=8192)
    expires_in: float | None = None
