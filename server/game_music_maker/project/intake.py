"""Uploads: every file judged before it is sent, everything wrong told at once, the good ones taken all the
same."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ..contract.routes import ACCEPTED
from ..errors import InvalidArgument, MusicMakerError, UnsupportedMedia
from . import media, summary
from .jobs import Report
from .paths import OpenFile, Paths
from .room import Room
from .text import file_name, line, number, slug

if TYPE_CHECKING:
    from ..contract.media import UploadedFile


_TELL_EVERY_S = 3.0


def is_url(text: str) -> bool:
    return "://" in text[:12]


def project_hint(files: Sequence[str]) -> str:
    """A readable project name after the first file."""
    first = urlsplit(files[0]).path if files and is_url(files[0]) else (files[0] if files else "")
    return slug(PurePath(first.replace("\\", "/")).stem) or "project"


async def add(room: Room, paths: Paths, files: Sequence[str], report: Report | None) -> dict[str, Any]:
    """Upload `files` (paths, or http(s) addresses) and give the tool's answer.

    Raises:
        MusicMakerError: nothing could be taken; the sentence names every file's reason.
    """
    taken: list[dict[str, Any]] = []
    rejected: list[tuple[str, MusicMakerError]] = []
    session = await room.session()
    for place, text in enumerate(files):
        shown = file_name(unquote(urlsplit(text).path)) if is_url(text) else line(PurePath(text).name or text, 120)
        told = _Told(report, place / len(files), 1 / len(files), f"uploading {shown}")
        try:
            if is_url(text):
                found = await told.during(_from_url(room, session, text))
            else:
                found = await told.during(_from_disk(room, session, paths, text, told))
            taken += found
        except MusicMakerError as error:
            if error.code in _ENDS_ALL:
                raise
            rejected.append((shown, error))
    if not taken:
        raise _nothing(rejected)
    draft = await room.draft()
    names = ", ".join(_described(item) for item in taken[:4]) + (
        f" and {len(taken) - 4} more" if len(taken) > 4 else ""
    )
    left = f" {len(rejected)} could not be used: {_reasons(rejected)}" if rejected else ""
    return {
        "message": f"Added {names}.{left}",
        "next": "Call send_message with what the music should be like.",
        "project": room.project.name,
        "files": taken,
        "rejected": [{"name": name, "reason": e.message, "advice": e.next, "code": e.code} for name, e in rejected],
        "timeline": summary.timeline(draft),
        "tracks": summary.tracks(draft),
    }


_ENDS_ALL = (
    "token_refused",
    "session_gone",
    "no_credits",
    "rate_limited",
    "backend_unreachable",
    "outcome_unknown",
    "busy",
)
"""Failures that the next file would meet too."""


class _Told:
    """Tells a waiting caller how far one file's upload is, every few seconds while it runs."""

    def __init__(self, report: Report | None, start: float, share: float, words: str) -> None:
        self._report, self._start, self._share, self._words = report, start, share, words
        self._sent = 0.0

    def __call__(self, sent: int, whole: int) -> None:
        self._sent = sent / max(1, whole)

    async def during(self, work: Coroutine[Any, Any, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Run `work`; ending this ends it."""
        if self._report is None:
            return await work
        task = asyncio.create_task(work)
        try:
            while not task.done():
                await self._report(self._start + self._share * self._sent, self._words)
                await asyncio.wait({task}, timeout=_TELL_EVERY_S)
            return await task
        finally:
            task.cancel()


async def _from_disk(room: Room, session: str, paths: Paths, text: str, told: _Told) -> list[dict[str, Any]]:
    opened = paths.open_file(text)
    with opened.handle:
        kind = media.check(opened)
        answer = await room.send_file(session, opened, told)
    return [_file(item, opened, kind) for item in answer]


async def _from_url(room: Room, session: str, text: str) -> list[dict[str, Any]]:
    parts = urlsplit(text)
    if parts.scheme.lower() not in ("http", "https"):
        raise InvalidArgument(
            "Only http and https addresses can be uploaded.", next="Download the file, then name its path."
        )
    ending = PurePath(parts.path).suffix.lstrip(".").lower()
    if ending and ending not in ACCEPTED:
        raise UnsupportedMedia(f"'{file_name(unquote(parts.path))}' is not of an accepted type.")
    return [_file(item, None, ACCEPTED.get(ending)) for item in await room.send_url(session, text)]


def _file(item: UploadedFile, opened: OpenFile | None, kind: str | None) -> dict[str, Any]:
    return {
        "name": opened.name if opened else file_name(item.filename),
        "kind": kind or media.kind_of(item.filename) or "other",
        "duration_s": item.duration,
        "width": item.width,
        "height": item.height,
        "size_bytes": opened.size if opened else None,
    }


def _described(item: dict[str, Any]) -> str:
    facts = []
    if item["duration_s"]:
        facts.append(f"{number(item['duration_s'], 1)} s")
    if item["width"] and item["height"]:
        facts.append(f"{item['width']}x{item['height']}")
    return f"'{item['name']}'" + (f" ({', '.join(facts)})" if facts else "")


def _reasons(rejected: list[tuple[str, MusicMakerError]]) -> str:
    return " ".join(e.message for _, e in rejected[:5]) + (
        f" And {len(rejected) - 5} more." if len(rejected) > 5 else ""
    )


def _nothing(rejected: list[tuple[str, MusicMakerError]]) -> MusicMakerError:
    first = rejected[0][1]
    if len(rejected) == 1:
        return first
    return type(first)(f"None of the {len(rejected)} files could be used. {_reasons(rejected)}", next=first.next)
