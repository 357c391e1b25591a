"""The tools as commands: ``connect``, ``send``, ``upload``, ``credits``, ``state``, ``export``,
``cancel``."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from ..contract.routes import QUALITIES, STUDIO_FORMATS
from ..errors import InvalidArgument
from .output import Output

_TOOL = {"send": "send_message"}
_STAY = 600.0
_DONE, _FAILED, _RUNNING = 0, 1, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command that `parser` is for (its name is the last word of ``prog``)."""
    command = parser.prog.split()[-1]
    parser.set_defaults(tool=command)
    if command not in ("credits", "connect"):
        parser.add_argument("--project", metavar="NAME", help="project (default: the last used)")
    _OWN[command](parser)


def _connect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", nargs="?", metavar="PROJECT", help="project to open or make")
    parser.add_argument("--backend", choices=("auto", "local", "cloud"), help="where the work happens")
    parser.add_argument("--language", help="language of the replies, such as en or zh")


def _send(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("message", metavar="TEXT", help="what the music or the picture should become")
    parser.add_argument("--plan", metavar="FILE", help="score plan as JSON")


def _upload(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="paths or http(s) addresses")


def _credits(_: argparse.ArgumentParser) -> None:
    pass


def _state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--job", help="job to look at, such as turn-3")
    parser.add_argument("--wait-s", type=float, metavar="S", help="seconds to wait for the job")
    parser.add_argument("--detail", choices=("summary", "full"), default="summary", help="full: with the cue sheet")
    parser.add_argument("--picture", metavar="FILE", help="write a PNG of the timeline there")


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="where to (default: the project's name, here)")
    parser.add_argument("--format", choices=STUDIO_FORMATS, help="default mp4, or by the output's ending")
    parser.add_argument("--quality", choices=QUALITIES, default="high")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    parser.add_argument(
        "--wait-s", type=float, metavar="S", help="seconds to wait; then exit status 3 (default: to the end)"
    )


def _cancel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="JOB", help="job to end, such as export-1")


_OWN = {"connect": _connect, "send": _send, "upload": _upload, "credits": _credits, "state": _state,
        "export": _export, "cancel": _cancel}  # fmt: skip


def arguments(args: argparse.Namespace) -> dict[str, Any]:
    """The tool's arguments out of the command's."""
    skip = ("command", "command_module", "tool", "json", "quiet", "version", "plan", "picture")
    found = {key: value for key, value in vars(args).items() if key not in skip and value is not None}
    if getattr(args, "plan", None):
        found["score"] = read_plan(args.plan)
    if getattr(args, "picture", None):
        found["picture"] = True
    if args.tool == "send" or (args.tool == "export" and args.wait_s is None):
        found["wait_s"] = _STAY
    return found


def read_plan(path: str) -> dict[str, Any]:
    """A score plan from a JSON file.

    Raises:
        InvalidArgument: there is none, or it is not a JSON object.
    """
    try:
        plan = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgument(f"The plan '{path}' cannot be read: {error.strerror}.") from None
    except ValueError:
        raise InvalidArgument(f"The plan '{path}' is not JSON.") from None
    if not isinstance(plan, dict):
        raise InvalidArgument(f"The plan '{path}' is not a JSON object.")
    return plan


def run(args: argparse.Namespace) -> int:
    return asyncio.run(_run(args, Output(as_json=args.json, quiet=args.quiet)))


async def _run(args: argparse.Namespace, output: Output) -> int:
    from ..tools.catalogue import BY_NAME
    from ..tools.context import ToolContext
    from .session import shell_desk

    tool = BY_NAME[_TOOL.get(args.tool, args.tool)]
    desk = shell_desk()

    async def report(fraction: float | None, words: str) -> None:
        output.progress(fraction, words)

    context = ToolContext(desk, report)
    try:
        answer = await tool.run(context, tool.parse(arguments(args)))
        while answer.data.get("status") == "running" and answer.data.get("job") and _stays(args):
            follow = {"job": answer.data["job"], "project": answer.data.get("project"), "wait_s": _STAY}
            state = await BY_NAME["state"].run(context, BY_NAME["state"].parse(follow))
            if state.data["status"] != "running":
                await _raise_failed(context, state.data)
                answer = type(answer)(state.data["result"], state.files)
        if answer.data.get("status") == "running" and args.tool == "export":
            await desk.workspace().submitted(answer.data)
    finally:
        await desk.close()
    if answer.picture:
        await asyncio.to_thread(_save, args.picture, answer.picture)
    output.answer(answer.data, lines(answer.data))
    return _RUNNING if args.tool == "export" and answer.data.get("status") == "running" else _DONE


def _save(path: str, content: bytes) -> None:
    Path(path).expanduser().write_bytes(content)


def _stays(args: argparse.Namespace) -> bool:
    return args.tool == "send" or (args.tool == "export" and args.wait_s is None)


async def _raise_failed(context: Any, data: dict[str, Any]) -> None:
    error = (data.get("result") or {}).get("error")
    if error:
        from ..errors import BY_CODE, BackendError

        raise BY_CODE.get(error["code"], BackendError)(error["message"], next=error["next"], link=error.get("link"))


def lines(data: dict[str, Any]) -> list[str]:
    """An answer for a person in a terminal."""
    found = [str(data.get("message", ""))]
    if data.get("status") == "running" and data.get("job"):
        found.append(f"Look again with: game-music-maker state --job {data['job']} --wait-s 45")
    reply = data.get("reply")
    if reply and str(reply).split() != found[0].split():
        found.append(str(reply))
    found += [f"  {change}" for change in data.get("changes", [])]
    if data.get("timeline") and data["timeline"] != data.get("message"):
        found.append(str(data["timeline"]))
    found += [f"  {item['name']}: {item['reason']} {item['advice']}" for item in data.get("rejected", [])]
    for job in data.get("jobs", []):
        found.append(f"  {job['job']}: {job['status']}" + (f" {job['path']}" if job.get("path") else ""))
    if data.get("path"):
        found.append(str(data["path"]))
    found += [f"  {note}" for note in data.get("notes", [])]
    if data.get("link"):
        found.append(str(data["link"]))
    return found
