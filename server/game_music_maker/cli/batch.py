"""``batch``: many clips, several at a time, resumable; a report at the end."""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from ..errors import InvalidArgument, MusicMakerError, OutputExists
from ..settings import Settings
from . import batch_engines as engines
from .batch_engines import Entry, Slot
from .batch_jobs import Item, read_items
from .batch_ledger import Ledger
from .output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "jobs", metavar="JOBS", help="YAML, JSONL or CSV: clip, prompt, title, aspect, format, seed, output …"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=".", help="folder for outputs and report (default: here)"
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="clips at a time, 1 to 32 (default 2)")
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local",
        help="ray: on Ray's workers, here or on the cluster of RAY_ADDRESS (default: local)",
    )  # fmt: skip
    parser.add_argument("--backend", choices=("auto", "local", "cloud"), help="default: GAME_MUSIC_MAKER_BACKEND")


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.workers <= 32:
        raise InvalidArgument("--workers takes 1 to 32.")
    if args.engine == "ray":
        engines.require_ray()
    output = Output(as_json=args.json, quiet=args.quiet)
    jobs, folder = Path(args.jobs).expanduser(), Path(args.output).expanduser().resolve()
    items = read_items(jobs, folder)
    ledger = Ledger(folder / f".{jobs.stem}.ledger.jsonl")
    engine = engines.ray if args.engine == "ray" else engines.local
    try:
        slots = engine(Settings.load(), args.workers, args.backend)
        entries = asyncio.run(_all(slots, items, ledger, output))
    finally:
        ledger.close()
    report = summarise(jobs.name, items, entries)
    write_report(folder, jobs.stem, report)
    output.answer(report, closing(report))
    return 0 if report["failed"] == 0 else 1


async def _all(
    engine: AbstractAsyncContextManager[list[Slot]], items: list[Item], ledger: Ledger, output: Output
) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    queue: asyncio.Queue[Item] = asyncio.Queue()
    for item in items:
        found = await asyncio.to_thread(ledger.done, item.key)
        if found is not None:
            entries[item.key] = found
        else:
            queue.put_nowait(item)

    async def worker(slot: Slot) -> None:
        while not queue.empty():
            item = queue.get_nowait()
            output.progress(len(entries) / len(items), f"{len(entries)} of {len(items)}: {item.name}")
            entries[item.key] = await _one(slot, item, ledger)

    if queue.empty():
        return entries
    try:
        async with engine as slots, asyncio.TaskGroup() as group:
            for slot in slots:
                group.create_task(worker(slot))
    except* MusicMakerError as failures:  # not of one clip, which is an entry: of the ledger, or of the engine
        raise first_of(failures) from None
    return entries


def first_of(failures: BaseExceptionGroup[MusicMakerError]) -> MusicMakerError:
    found = failures.exceptions[0]
    return found if isinstance(found, MusicMakerError) else first_of(found)


async def _one(slot: Slot, item: Item, ledger: Ledger) -> Entry:
    """One item on one worker, on the ledger before and after."""
    ours = ledger.begun(item.key)
    if not ours and await asyncio.to_thread(Path(item.output).exists):
        taken = OutputExists(f"There is already a file '{Path(item.output).name[:120]}' there.")
        ledger.write(item.key, **engines.failed(taken))
    else:
        ledger.write(item.key, "begun", output=item.output)
        ledger.write(item.key, **await slot(item, ours))
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
