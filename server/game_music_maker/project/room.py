"""A project that is open for work: its backend, its session, and what a failure means for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ..errors import MusicMakerError, NoCredits, PlanRequired, SessionGone
from .clock import Clock
from .store import Project, Store

if TYPE_CHECKING:
    from ..backend import Backend
