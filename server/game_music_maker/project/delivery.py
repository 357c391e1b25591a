"""Exports: the timeline → a render → a whole file under its final name.

The render's id is on the disk before the render is asked for, so that a process which takes over asks for
that render instead of a second one; of a download it takes up what is there. The same export (project, draft,
format, quality) is one job: asked for again, it is joined, or its file is named again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..contract.render import RenderStatus
from ..contract.routes import CLOUD_FORMATS, STUDIO_FORMATS
from ..errors import (
    BackendUnreachable,
    DiskFull,
    InvalidArgument,
    MusicMakerError,
    NotAllowedPath,
    NotFound,
    OutcomeUnknown,
    OutputExists,
    RateLimited,
    RenderFailed,
    TimedOut,
)
from . import summary
from .jobs import Run
from .paths import Paths, Place, folder_fault, output_error, writing
from .room import Room
from .store import Job
from .text import brief, clean, file_name, number, size

_EXTENSION = {"kit": "zip"}
_SOUND = ("wav", "flac", "mp3", "m4a", "ogg")
_BLOCK = 1 << 20
_LOST_LOOKS = 5
"""Looks at a render that may fail in a row before its outcome counts as unknown."""
BROKE_OFF = (BackendUnreachable, TimedOut, RateLimited)
"""A download that ended so goes on with the next export."""
_SAME_RENDER = (*(error.code for error in BROKE_OFF), DiskFull.code, NotAllowedPath.code, OutputExists.code)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exported where. `named`: the user chose the output's name."""

    format: str
    quality: str
    place: Place
    named: bool
    overwrite: bool


def choose_format(output: str | None, wanted: str | None, *, local: bool) -> str:
    """The format: as asked for, else by the output's ending, else mp4.

    Raises:
        InvalidArgument: the two do not fit, or the backend does not make this format.
    """
    ending = Path(output).suffix.lstrip(".").lower() if output else ""
    by_ending = "kit" if ending == "zip" else ending
    found = wanted or (by_ending if by_ending in STUDIO_FORMATS else "mp4")
    if ending and by_ending != found:
        raise InvalidArgument(
            f"The output ends in .{ending[:12]}, but the format is {found}.",
            next="Give both the same, or leave one out.",
        )
    if not local and found not in CLOUD_FORMATS:
        raise InvalidArgument(
            f"The cloud does not export {found}; it takes mp4, mov and webm.",
            next='Choose one of these, or make the music in a project with backend="local".',
        )
    return found


def place_order(
    paths: Paths, folder: Path, project: str, output: str | None, fmt: str, quality: str, *, overwrite: bool
) -> Order:
    """Where the file goes; without a name it gets the project's, numbered where that is taken.

    Raises:
        NotAllowedPath, InvalidArgument: the output cannot be used.
    """
    extension = _EXTENSION.get(fmt, fmt)
    if output:
        wanted = output if Path(output).suffix else f"{output}.{extension}"
        return Order(fmt, quality, paths.output(wanted, folder), True, overwrite)
    count = 1
    while True:
        name = file_name(project) + ("" if count == 1 else f"-{count}")
        place = paths.output(f"{name}.{extension}", folder)
        if overwrite or not place.path.exists():
            return Order(fmt, quality, place, False, overwrite)
        count += 1


def key_of(project: str, draft: Any, fmt: str, quality: str) -> str:
    """What makes two exports the same."""
    packed = json.dumps([project, draft, fmt, quality], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(packed.encode("utf-8", "surrogatepass")).hexdigest()


async def render(run: Run, room: Room, paths: Paths, folder: Path) -> dict[str, Any]:
    """The job: submit (or go on with) the render, wait for it, bring the file, and give the tool's answer.

    Raises:
        RenderFailed, OutcomeUnknown, OutputExists, DiskFull, and what the backend says.
    """
    request = run.request
    async with room.guard():
        render_id = request.get("render_id")
        if not render_id:
            render_id = f"render_{int(room.clock.now() * 1000)}{secrets.randbelow(1000):03d}"
            run.remember(render_id=render_id)
            status = await _submit(run, room, render_id)
        else:
            status = await _take_up(run, room, render_id)
        run.remember(submitted=True)
        status = await _until_over(run, room, render_id, status)
        run.progress(0.99, "saving the file")
        place = paths.output(request["output"], folder)
        digest, count = await _bring(run, room, render_id, status, place)
        return await _completed(run, room, status, place.path, digest, count)


async def _submit(run: Run, room: Room, render_id: str) -> RenderStatus:
    run.progress(0.0, "starting the export")
    request = run.request
    return await room.submit(render_id, request["draft"], request["format"], request["quality"])


async def _take_up(run: Run, room: Room, render_id: str) -> RenderStatus:
    try:
        return await room.poll(render_id)
    except NotFound:
        return await _submit(run, room, render_id)


async def _until_over(run: Run, room: Room, render_id: str, status: RenderStatus) -> RenderStatus:
    lost = 0
    while status.status in ("pending", "processing"):
        share = None if status.progress is None else min(0.98, status.progress / 100)
        run.progress(share, "waiting for the renderer" if status.status == "pending" else "rendering")
        await room.clock.sleep(room.poll_s)
        try:
            status = await room.poll(render_id, patient=True)
            lost = 0
        except (BackendUnreachable, TimedOut) as error:
            lost += 1
            if lost >= _LOST_LOOKS:
                raise OutcomeUnknown(
                    f"The render was running when the service stopped answering: {error.message}",
                    next="Call export again later: it goes on with the same render.",
                ) from None
    if status.status == "failed":
        why = brief(clean(status.error or "", 300), 1, 200) or "no reason given"
        raise RenderFailed(f"The export failed: {why.rstrip('.')}.")
    return status


async def _bring(run: Run, room: Room, render_id: str, status: RenderStatus, place: Place) -> tuple[str, int]:
    def worth_keeping(error: BaseException) -> bool:
        """Whether what has come so far may be gone on with: by the next process, or by the next export."""
        return isinstance(error, (asyncio.CancelledError, *BROKE_OFF)) and not run.cancelling

    overwrite = bool(run.request.get("overwrite"))
    with writing(place, overwrite=overwrite, source=render_id, keep=worth_keeping) as handle:
        begun = run.request.get("brought")
        await room.fetch(render_id, status, handle, begun=begun, keep=lambda source: run.remember(brought=source))
        digest, count = await asyncio.to_thread(digest_of, handle)
        announced = status.details.get("sha256")
        if count == 0 or (isinstance(announced, str) and len(announced) == 64 and announced.lower() != digest):
            raise RenderFailed("The exported file did not arrive whole.")
    return digest, count


def digest_of(handle: IO[bytes]) -> tuple[str, int]:
    """SHA-256 and size of an open file."""
    handle.seek(0)
    hashed, count = hashlib.sha256(), 0
    while block := handle.read(_BLOCK):
        hashed.update(block)
        count += len(block)
    return hashed.hexdigest(), count


async def _completed(run: Run, room: Room, status: RenderStatus, path: Path, digest: str, count: int) -> dict[str, Any]:
    fmt, draft = run.request["format"], run.request["draft"]
    found = summary.read_draft(draft)
    meta = found.meta if found else {}
    sides = [_whole(status.details.get(side)) or _whole(meta.get(side)) for side in ("width", "height")]
    if fmt in _SOUND or fmt == "kit":
        sides = [None, None]
    length = status.duration if status.duration else summary.duration_s(draft)
    shown = f", {sides[0]}x{sides[1]}" if sides[0] and sides[1] else ""
    answer: dict[str, Any] = {
        "message": f"The export is ready: {fmt}, {number(length, 1)} s{shown}, {size(count)}.",
        "next": "Give the user the path; refine with send_message and export again.",
        "status": "completed",
        "job": run.job.name,
        "project": run.job.project,
        "path": str(path),
        "size_bytes": count,
        "sha256": digest,
        "duration_s": round(length, 3),
        "width": sides[0],
        "height": sides[1],
        "format": fmt,
        "quality": run.request["quality"],
        "link": await room.claim_link(),
    }
    for name in ("loudness", "notes", "stages"):
        if status.details.get(name):
            answer[name] = status.details[name]
    return answer


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e6 else None


async def named_again(result: dict[str, Any], order: Order, paths: Paths, folder: Path) -> dict[str, Any] | None:
    """The finished export's answer once more, its file copied where another output is wanted; None where it
    is gone.

    Raises:
        OutputExists: the wanted output is another file.
    """
    try:
        held = paths.output(result["path"], folder)
        same = await asyncio.to_thread(_matches, held.path, result["sha256"])
    except MusicMakerError:
        same = False
    if not same:
        return None
    if not order.named or order.place.path == held.path:
        return result
    await asyncio.to_thread(_copy, held.path, order.place, overwrite=order.overwrite)
    return {**result, "path": str(order.place.path)}


def same_render(earlier: Job | None) -> dict[str, Any]:
    """What the next export takes over from one that ended without its file, though the render itself did not fail:
    the render's id, and what has been brought of it."""
    if earlier is None:
        return {}
    sent, code = bool(earlier.request.get("submitted")), (earlier.error or {}).get("code")
    if not (earlier.status == "unknown" or (earlier.status == "failed" and sent and code in _SAME_RENDER)):
        return {}
    return {name: earlier.request.get(name) for name in ("render_id", "brought")}


def refuse_unusable(order: Order) -> None:
    """Raises: OutputExists: the named output is there already and may not be replaced. NotAllowedPath, DiskFull: its
    folder takes no file."""
    if order.named and not order.overwrite and order.place.path.exists():
        raise OutputExists(f"There is already a file '{order.place.path.name[:120]}' there.")
    fault = folder_fault(order.place.path.parent)
    if fault is not None:
        raise output_error(fault, order.place.path)


def _matches(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as handle:
            return digest_of(handle)[0] == digest
    except OSError:
        return False


def _copy(source: Path, place: Place, *, overwrite: bool) -> None:
    with source.open("rb") as origin, writing(place, overwrite=overwrite) as handle:
        while block := origin.read(_BLOCK):
            handle.write(block)
