"""``score``: the main job in one go. Upload, message, export, in a project of its own.

The studio's process is started before anything else is loaded, so that it comes up while this one imports.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..contract.routes import STUDIO_FORMATS
from ..errors import BackendError, InvalidArgument, OutcomeUnknown
from ..settings import Settings
from .closing import closing_lines
from .output import Output
from .tool_commands import read_plan

_STAGES = {"upload": (0.05, 0.2), "music": (0.2, 0.65), "export": (0.65, 1.0)}
_STAY = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "clips", nargs="*", metavar="CLIP",
        help="video, image or sound files, several are joined; without any, the music gets a moving picture",
    )  # fmt: skip
    add_wishes(parser, prompt=None)


def add_wishes(parser: argparse.ArgumentParser, *, prompt: str | None) -> None:
    """The options that `score` and `demo` share; `prompt` is the default wish."""
    parser.add_argument(
        "-p", "--prompt", metavar="TEXT", required=prompt is None, default=prompt,
        help="what the music should be like, in your words" + (f" (default: {prompt})" if prompt else ""),
    )  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="where to (default: the clip's name, in this folder)")
    parser.add_argument("--format", choices=STUDIO_FORMATS, help="default mp4, or by the output's ending")
    parser.add_argument("--loop", action="store_true", help="music that loops without a seam")
    parser.add_argument("--aspect", metavar="W:H", help="shape of the picture, such as 9:16")
    parser.add_argument("--title", metavar="TEXT", help="words on the picture at the start")
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same music")
    parser.add_argument("--plan", metavar="FILE", help="score plan as JSON")
    parser.add_argument("--accurate", action="store_true", help="look at every frame, to hit the cuts")
    parser.add_argument("--backend", choices=("auto", "local", "cloud"), help="default: GAME_MUSIC_MAKER_BACKEND")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def run(args: argparse.Namespace) -> int:
    return score(args, args.clips, Output(as_json=args.json, quiet=args.quiet))


def score(args: argparse.Namespace, clips: Sequence[str], output: Output, stem: str | None = None) -> int:
    """Do it and say how it went; the exit status. `stem` begins the file's name where ``-o`` does not give it."""
    settings = Settings.load()
    if args.output is None:
        args.output = free_name(stem or _stem(clips[0] if clips else "music"), args.format, settings)
    message, plan = build_message(args), build_plan(args)
    data = asyncio.run(_score(settings, args, list(clips), message, plan, output))
    output.answer(data, [] if output.quiet else closing_lines(data, output))
    return 0


def build_message(args: argparse.Namespace) -> str:
    """The wish and the options as one message.

    Raises:
        InvalidArgument: an option cannot be used.
    """
    parts = [args.prompt.strip().rstrip(".。")]
    if not parts[0]:
        raise InvalidArgument("The prompt is empty.", next="Say with -p what the music should be like.")
    if args.loop:
        parts.append("loop it")
    if args.accurate:
        parts.append("hit the cuts")
    if args.aspect:
        width, _, height = args.aspect.partition(":")
        if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
            raise InvalidArgument(f"--aspect takes two numbers such as 9:16, not '{args.aspect[:40]}'.")
        parts.append(f"crop to {int(width)}:{int(height)}")
    if args.title:
        words = args.title.replace('"', "'").strip()
        parts.append(f'add a title "{words}"')
    return ". ".join(parts)


def build_plan(args: argparse.Namespace) -> dict[str, Any] | None:
    """The score plan of ``--plan`` and ``--seed``; None where neither is given."""
    plan = read_plan(args.plan) if args.plan else {}
    if args.seed is not None:
        plan["seed"] = args.seed
    return plan or None


async def _score(
    settings: Settings,
    args: argparse.Namespace,
    clips: list[str],
    message: str,
    plan: dict[str, Any] | None,
    output: Output,
) -> dict[str, Any]:
    from .session import early_studio, shell_desk

    studio = await early_studio(settings, args.backend)
    desk = shell_desk(settings, studio)

    timings: dict[str, float] = {}
    mark = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal mark
        timings[stage] = round(time.perf_counter() - mark, 3)
        mark = time.perf_counter()

    try:
        output.progress(0.02, "starting")
        work = desk.workspace()
        first = clips[0] if clips else "music"
        project = work.new_project(Path(first).stem, args.backend)
        work.check_plan(project, plan)
        work.check_output(project, args.output, args.format, overwrite=args.overwrite)
        uploaded = await work.add(clips, project, _reporter(output, "upload")) if clips else {"rejected": []}
        lap("upload")
        turn, _ = await work.say(message, project, plan, _STAY, _reporter(output, "music"), route=False)
        turn = await work.ended(turn, _reporter(output, "music"))
        require_music(turn)
        lap("music")
        told = _reporter(output, "export")
        made, _ = await work.deliver(project, args.output, args.format, "high", args.overwrite, _STAY, told)
        made = await work.ended(made, told)
        lap("export")
        state, _, _ = await work.look(project, None, 0, "full")
    finally:
        await desk.close()
        if studio is not None:
            await studio.close()
    return {
        **made,
        "reply": turn["reply"],
        "changes": turn["changes"],
        "timeline": state["timeline"],
        "tracks": state["tracks"],
        "rejected": uploaded["rejected"],
        "music": {key: value for key, value in (state["detail"]["music"] or {}).items() if key != "cue_sheet"},
        "timings": timings,
    }


def _reporter(output: Output, stage: str) -> Any:
    """Draws a stage's progress in its share of the bar."""
    low, high = _STAGES[stage]

    async def report(fraction: float | None, words: str) -> None:
        output.progress(low + (high - low) * (fraction or 0.0), words)

    return report


def require_music(turn: dict[str, Any]) -> None:
    """Judge what came of the message: without music on the timeline there is nothing worth exporting.

    Raises:
        OutcomeUnknown: the answer was lost.
        BackendError: the service asked back, or made no music; the sentence says what it said.
    """
    if turn["status"] == "unknown":
        raise OutcomeUnknown(turn["message"], next=turn["next"])
    if turn["status"] == "needs_input":
        raise BackendError(f"More is needed: {turn['message']}", next="Say it in the prompt and start again.")
    if not any(track["kind"] == "audio" for track in turn["tracks"]):
        raise BackendError(f"No music was made. {turn['message']}", next="Describe the music in other words.")


def _stem(clip: str) -> str:
    return f"{Path(clip.rsplit('?', 1)[0]).stem or 'clip'}-scored"


def free_name(stem: str, fmt: str | None, settings: Settings) -> str:
    """``<stem>.<ending of the format>``, numbered where that is taken; absolute. In the working folder, or in the
    folder for exports where the working folder takes no file."""
    from ..project.paths import default_folder

    folder = default_folder(Path.cwd(), settings.output_dir)
    ending = {"kit": "zip"}.get(fmt or "mp4", fmt or "mp4")
    path, count = folder / f"{stem}.{ending}", 1
    while path.exists():
        count += 1
        path = folder / f"{stem}-{count}.{ending}"
    return str(path)
