"""After a broken stream: look at the state, never send again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..contract.timing import RECOVERY_LOOKS
from ..errors import AccountError, MusicMakerError, SessionGone
from .clock import Clock


@dataclass(frozen=True, slots=True)
class Found:
    """What the looks came to: `draft` as last seen, `changed` against the draft before the message."""

    draft: Any
    changed: bool


async def look_for_change(
    read: Callable[[], Awaitable[Any]],
    before: Any,
    *,
    known: bool,
    first_wait_s: float,
    clock: Clock,
    note: Callable[[str], None],
) -> Found:
    """Wait, read the draft, compare; later waits are twice the first; five looks at most.

    Args:
        read: gives the draft as it is now.
        before: the draft before the message; `known` is False where it could not be read, and nothing counts
        as a change.

    Raises:
        SessionGone, AccountError: looking further is of no use. Other failures of a look count as "not
        changed".
    """
    draft = before
    for look in range(RECOVERY_LOOKS):
        note(f"the connection broke; looking at the timeline ({look + 1} of {RECOVERY_LOOKS})")
        await clock.sleep(first_wait_s if look == 0 else 2 * first_wait_s)
        try:
            draft = await read()
        except (SessionGone, AccountError):
            raise
        except MusicMakerError:
            continue
        if known and draft != before:
            return Found(draft, True)
    return Found(draft, False)
