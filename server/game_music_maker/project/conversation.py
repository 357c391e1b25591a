"""A chat turn: one message out, one answer for the user back, whatever the stream did.

The state before the message is kept, so that a silent edit and a broken stream can be told by what changed. A
message is sent once; after that the only thing that is repeated is looking.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from ..contract.score import ScorePlan
from ..errors import BY_CODE, BY_WIRE, BackendError, BadAnswer, MusicMakerError, SessionGone, TimedOut
from . import summary, text, wording
from .jobs import Run
from .recovery import look_for_change
from .room import Room

if TYPE_CHECKING:
    from ..client.reply import StreamError, TurnResult

Source = Literal["stream", "state", "router"]
STILL_WORKING = "⏳ Still working..."
_LOST = {
    "cut": "the connection broke",
    "stalled": "the connection went silent",
    "idle": "the service sent only signs of life for too long",
    "total": "it took longer than a turn may take",
    "unreadable": "the service sent something unreadable",
}


async def turn(run: Run, room: Room, message: str, plan: ScorePlan | None) -> dict[str, Any]:
    """Say `message` and give the tool's answer.

    Raises:
        MusicMakerError: refused before any work, or the service reported a failure. A lost outcome is no
        error: its
            ``status`` is ``unknown``.
    """
    async with room.guard():
        session = await room.session()
        before, known = await _draft_before(room)
        balance = await room.balance()
        run.remember(before=before, known=known, session=session, sent=True)
        run.progress(None, "the message is on its way")
        result = await room.talk(session, message, plan, _progress(run))
        if result.status == "lost":
            return await _recover(run, room, result)
        after = await room.draft()
        changes = summary.differences(before, after) if known else []
        if result.status == "failed":
            raise _failure(result.errors, changes)
        answer = _answer(run, result, changes, after)
        await _add_cost(answer, room, balance)
        await _add_credits(answer, room)
        return answer


async def resume(run: Run, room: Room) -> dict[str, Any]:
    """Find out what came of a turn whose process is gone: by looking, never by sending.

    Raises:
        BackendError: the message had not been sent.
    """
    if not run.request.get("sent"):
        raise BackendError("The message was not sent before the program ended.", next="Send the message again.")
    from ..client.reply import TurnResult

    async with room.guard():
        if await room.session() != run.request.get("session"):
            raise SessionGone("The session of this message no longer exists.")
        return await _recover(run, room, TurnResult(end="cut"))


async def _draft_before(room: Room) -> tuple[Any, bool]:
    try:
        return await room.draft(), True
    except (BackendError, TimedOut):
        return None, False  # the message matters more than the comparison


def _progress(run: Run) -> Callable[[float | None, str], None]:
    def note(fraction: float | None, words: str) -> None:
        run.progress(fraction, text.line(words, 160) or "working")

    return note


async def _recover(run: Run, room: Room, result: TurnResult) -> dict[str, Any]:
    known = bool(run.request.get("known")) or result.changed
    before = run.request.get("before")
    found = await look_for_change(
        room.draft,
        before,
        known=known,
        first_wait_s=room.recovery_wait_s,
        clock=room.clock,
        note=lambda words: run.progress(run.fraction, words),
    )
    said = "\n\n".join(filter(None, (result.text, result.tail)))
    reply, actions = wording.without_window(text.clean(said)) if said else ("", [])
    if reply:
        reply += " [cut off here]"
    answer = _frame(run, reply, "state", actions, found.draft)
    why = _LOST.get(result.end, "the answer did not come through")
    if found.changed:
        changes = summary.differences(before, found.draft)
        answer.update(status="done", changes=changes)
        answer["message"] = f"The edit was made, though {why} before the whole answer came. {_said(changes)}"
        answer["next"] = _next_step(found.draft)
        return answer
    asked = text.line(str(run.request.get("message", "")), 160)
    answer.update(status="unknown", changes=[])
    answer["message"] = (
        f"I asked for '{asked}', but {why} and the timeline has not changed so far. It may still come. "
        "Sending it again may charge twice."
    )
    answer["next"] = "Call state to look at the timeline later; send the message again only if the user agrees."
    return answer


def _answer(run: Run, result: TurnResult, changes: list[str], after: Any) -> dict[str, Any]:
    said = "\n\n".join(filter(None, (result.text, result.tail, result.question)))
    reply, actions = wording.without_window(text.clean(said)) if said else ("", [])
    source: Source = "stream" if reply else "state"
    answer = _frame(run, reply, source, actions, after)
    answer["changes"] = changes
    if result.truncated:
        answer["truncated"] = True
    if result.status == "needs_input":
        answer["status"] = "needs_input"
        answer["message"] = text.brief(reply) or "The service needs more input."
        answer["next"] = "Ask the user, then answer with send_message."
        return answer
    if reply:
        answer["message"] = text.brief(reply) or _said(changes)
    else:
        answer["message"] = _said(changes) if changes else "The service gave no answer and the timeline is as it was."
    answer["next"] = _next_step(after)
    return answer


def _frame(run: Run, reply: str, source: Source, actions: list[wording.Action], draft: Any) -> dict[str, Any]:
    return {
        "message": "",
        "next": None,
        "status": "done",
        "job": run.job.name,
        "project": run.job.project,
        "reply": reply,
        "source": source,
        "changes": [],
        "timeline": summary.timeline(draft),
        "tracks": summary.tracks(draft),
        "actions": [action.to_dict() for action in actions],
    }


def _said(changes: list[str]) -> str:
    if not changes:
        return "The timeline did not change."
    shown = "; ".join(changes[:3])
    return shown + (f"; and {len(changes) - 3} more changes." if len(changes) > 3 else ".")


def _next_step(draft: Any) -> str:
    if summary.has_content(draft):
        return "Call export for the file, or send_message to refine it."
    return "Call upload with a clip, or send_message to describe the music."


async def _add_cost(answer: dict[str, Any], room: Room, before: float | None) -> None:
    after = await room.balance() if before is not None else None
    if before is not None and after is not None and before >= after:
        answer["credits_used"] = round(before - after, 3)


async def _add_credits(answer: dict[str, Any], room: Room) -> None:
    """Where the service points to the account page: the balance, which costs nothing to read."""
    if any(action["tool"] == "credits" for action in answer["actions"]):
        with suppress(MusicMakerError):
            answer["credits"] = await room.credits()


def _failure(errors: tuple[StreamError, ...], changes: list[str]) -> MusicMakerError:
    """The error that the service reported inside the stream."""
    first = errors[0]
    known: type[MusicMakerError] | None = BY_CODE.get(first.code)
    if known is None and first.code.isdigit():
        known = BY_WIRE.get(int(first.code))
    words = text.brief(text.clean(first.message, 600), 2, 400) or "no reason given"
    if known is not None and not issubclass(known, BadAnswer):
        said = text.sentences(words)
        error = known(said[0], next=" ".join(said[1:]) or None)
    else:
        error = BackendError(f"The service could not do this: {words}", next="Say it differently, or try again later.")
    if changes:
        error.message += f" Part of it was done: {_said(changes)}"
    return error
