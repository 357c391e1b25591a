"""``batch``: many clips, several at a time, resumable; a report at the end."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidArgument, MusicMakerError
from ..settings import Settings
from .batch_jobs import Item, read_items
from .batch_ledger import Ledger
from .output import Output
from .score import build_message, build_plan, require_music

if TYPE_CHECKING:
    from ..project.workspace import Workspace

_STAY = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "jobs", metavar="JOBS", help="YAML, JSONL or CSV: clip, prompt, title, aspect, format, seed, output …"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=".", help="folder for outputs and report (default: here)"
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="clips at a time, 1 to 32 (default 2)")
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="where the work is spread")
    parser.add_argument("--backend", choices=("auto", "local", "cloud"), help="default: GAME_MUSIC_MAKER_BACKEND")


def run(args: argparse.Namespace) -> int:
    if args.engine == "ray":
        raise InvalidArgument(
            "The Ray engine is not part of this installation.", next="Use --engine local with --workers."
        )
    if not 1 <= args.workers <= 32:
        raise InvalidArgument("--workers takes 1 to 32.")
    output = Output(as_json=args.json, quiet=args.quiet)
    jobs, folder = Path(args.jobs).expanduser(), Path(args.output).expanduser().resolve()
    items = read_items(jobs, folder)
    ledger = Ledger(folder / f".{jobs.stem}.ledger.jsonl")
    try:
        entries = asyncio.run(_all(Settings.load(), items, ledger, args.workers, args.backend, output))
    finally:
        ledger.close()
    report = summarise(jobs.name, items, entries)
    write_report(folder, jobs.stem, report)
    output.answer(report, closing(report))
    return 0 if report["failed"] == 0 else 1


async def _all(
    settings: Settings, items: list[Item], ledger: Ledger, workers: int, backend: str | None, output: Output
) -> dict[str, dict[str, Any]]:
    from .session import shell_desk

    desk = shell_desk(settings)
    entries: dict[str, dict[str, Any]] = {}
    queue: asyncio.Queue[Item] = asyncio.Queue()
    for item in items:
        found = await asyncio.to_thread(ledger.done, item.key)
        if found is not None:
            entries[item.key] = found
        else:
            queue.put_nowait(item)

    async def worker() -> None:
        while not queue.empty():
            item = queue.get_nowait()
            output.progress(len(entries) / len(items), f"{len(entries)} of {len(items)}: {item.name}")
            entries[item.key] = await _one(desk.workspace(), item, ledger, backend)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
    finally:
        await desk.close()
    return entries


async def _one(work: Workspace, item: Item, ledger: Ledger, backend: str | None) -> dict[str, Any]:
    """One item from start to end; its failure is an entry, never an exception."""
    ours = ledger.begun(item.key)
    try:
        wish = argparse.Namespace(
            prompt=item.prompt, loop=item.loop, accurate=item.accurate, aspect=item.aspect, title=item.title,
            plan=item.plan, seed=item.seed,
        )  # fmt: skip
        message, plan = build_message(wish), await asyncio.to_thread(build_plan, wish)
        project = work.new_project(item.name, backend)
        work.check_plan(project, plan)
        work.check_output(project, item.output, item.format, overwrite=ours)
        ledger.write(item.key, "begun", output=item.output)
        uploaded = await work.add(list(item.clip), project)
        turn, _ = await work.say(message, project, plan, _STAY, route=False)
        require_music(await work.ended(turn))
        made, _ = await work.deliver(project, item.output, item.format, item.quality, True, _STAY)
        made = await work.ended(made)
    except MusicMakerError as error:
        ledger.write(item.key, "failed", error=error.to_dict(), output=item.output)
        return ledger.last[item.key]
    kept = {name: made[name] for name in ("path", "sha256", "size_bytes", "duration_s", "format")}
    ledger.write(item.key, "done", project=project, rejected=uploaded["rejected"], **kept)
    return ledger.last[item.key]


def summarise(name: str, items: list[Item], entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The report: one row for every item, in the list's order."""
    rows = []
    for item in items:
        entry = entries[item.key]
        row = {"clip": list(item.clip), "prompt": item.prompt, "status": entry["event"]}
        if entry["event"] == "done":
            row.update({key: entry[key] for key in ("path", "duration_s", "size_bytes", "sha256", "project")})
        else:
            row["error"] = entry["error"]
        rows.append(row)
    failed = sum(row["status"] != "done" for row in rows)
    words = f"{len(rows) - failed} of {len(rows)} clips are done" + (f", {failed} failed." if failed else ".")
    return {
        "message": words,
        "next": "Run the same command again: it goes on with what is missing." if failed else None,
        "jobs": name,
        "done": len(rows) - failed,
        "failed": failed,
        "rows": rows,
    }


def write_report(folder: Path, stem: str, report: dict[str, Any]) -> None:
    """``<jobs>-report.json`` and ``.md`` in `folder`, replaced whole."""
    lines = [f"# {report['jobs']}", "", report["message"], "", "| clip | result | length |", "|---|---|---|"]
    for row in report["rows"]:
        clip = " + ".join(Path(name).name for name in row["clip"]).replace("|", "\\|")
        if row["status"] == "done":
            lines.append(f"| {clip} | {row['path']} | {row['duration_s']:.1f} s |")
        else:
            lines.append(f"| {clip} | failed: {row['error']['message']} {row['error']['next']} | |")
    texts = {"md": "\n".join(lines) + "\n", "json": json.dumps(report, ensure_ascii=False, indent=1) + "\n"}
    for ending, text in texts.items():
        path = folder / f"{stem}-report.{ending}"
        fresh = path.with_name(f".{path.name}.part")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    report["report"] = str(folder / f"{stem}-report.md")


def closing(report: dict[str, Any]) -> list[str]:
    """The report for a terminal."""
    bad = [row for row in report["rows"] if row["status"] != "done"]
    lines = [report["message"]]
    lines += [f"  {Path(row['clip'][0]).name}: {row['error']['message']}" for row in bad[:20]]
    return [*lines, f"Report: {report['report']}"]
