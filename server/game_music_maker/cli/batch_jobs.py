"""The list of a batch: YAML, JSON Lines or CSV → items, all mistakes told at once."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..contract.routes import QUALITIES, STUDIO_FORMATS
from ..errors import InvalidArgument

_FIELDS = ("clip", "prompt", "title", "aspect", "format", "seed", "output", "loop", "accurate", "plan", "quality")


@dataclass(frozen=True, slots=True)
class Item:
    """One clip of the batch. `clip` is a path (made absolute against the list's folder), an address, or several."""

    clip: tuple[str, ...]
    prompt: str
    title: str | None = None
    aspect: str | None = None
    format: str | None = None
    seed: int | None = None
    output: str = ""
    loop: bool = False
    accurate: bool = False
    plan: str | None = None
    quality: str = "high"

    @property
    def key(self) -> str:
        """What the ledger knows it by: the same item has the same key, wherever it stands in the list."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        return Path(self.clip[0].rsplit("?", 1)[0]).stem or "clip"


def read_items(path: Path, folder: Path) -> list[Item]:
    """The items of the list at `path`; outputs go into `folder` unless they are absolute.

    Raises:
        InvalidArgument: it cannot be read, or rows are wrong; every wrong row is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InvalidArgument(
            f"The list '{path.name}' cannot be read.", next="Name a YAML, JSONL or CSV file."
        ) from None
    rows, defaults = _rows(path, text)
    items: list[Item] = []
    wrong: list[str] = []
    taken: set[str] = set()
    for number, row in enumerate(rows, 1):
        try:
            items.append(_item(row, defaults, path.parent, folder, taken))
        except InvalidArgument as error:
            wrong.append(f"row {number}: {error.message}")
    if wrong:
        raise InvalidArgument(
            "The list has mistakes. " + " ".join(wrong[:10]), next="Correct the rows and start again."
        )
    if not items:
        raise InvalidArgument(f"The list '{path.name}' is empty.", next="Add rows with clip and prompt.")
    return items


def _rows(path: Path, text: str) -> tuple[list[Any], dict[str, Any]]:
    """Rows, and defaults for all of them (a YAML list may be a mapping with ``defaults`` and ``jobs``)."""
    ending = path.suffix.lower()
    try:
        if ending in (".jsonl", ".ndjson"):
            return [_json_line(line) for line in text.splitlines() if line.strip()], {}
        if ending == ".csv":
            return _csv(text), {}
        if ending in (".yaml", ".yml", ".json"):
            import yaml

            found = yaml.load(text, yaml.BaseLoader)  # texts alone: 9:16 is an aspect, not a number to the base of 60
            if isinstance(found, dict):
                return list(found.get("jobs") or []), dict(found.get("defaults") or {})
            return list(found or []), {}
    except (ValueError, TypeError, csv.Error) as error:
        raise InvalidArgument(f"The list '{path.name}' cannot be read: {str(error).splitlines()[0][:120]}.") from None
    except Exception as error:
        if type(error).__module__.startswith("yaml"):
            words = " ".join(str(error).split())[:160]
            raise InvalidArgument(f"The list '{path.name}' is not YAML: {words}.") from None
        raise
    raise InvalidArgument(f"The list '{path.name}' is of no known kind.", next="Name a .yaml, .jsonl or .csv file.")


def _json_line(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # said with its row's number, like every mistake of a row


def _csv(text: str) -> list[dict[str, Any]]:
    """Rows of a CSV file with a head line; its separator is what the head line uses, as spreadsheets differ."""
    head = text.partition("\n")[0]
    separator = max((",", ";", "\t"), key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    return [
        {(name or "").strip() if isinstance(name, str) else "a column without a name": value
         for name, value in row.items() if value}
        for row in rows
    ]  # fmt: skip


def _item(row: Any, defaults: dict[str, Any], base: Path, folder: Path, taken: set[str]) -> Item:
    if not isinstance(row, dict):
        raise InvalidArgument("it is not a table of fields.")
    given = {**defaults, **row}
    unknown = sorted(set(map(str, given)) - set(_FIELDS))
    if unknown:
        raise InvalidArgument(f"unknown field '{unknown[0][:40]}' (known: {', '.join(_FIELDS)}).")
    clips = given.get("clip")
    clips = [clips] if isinstance(clips, str) else clips
    if not isinstance(clips, list) or not clips or not all(isinstance(clip, str) and clip for clip in clips):
        raise InvalidArgument("'clip' is missing.")
    prompt = given.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidArgument("'prompt' is missing.")
    fmt = _text(given, "format")
    if fmt is not None and fmt not in STUDIO_FORMATS:
        raise InvalidArgument(f"format '{fmt}' is not one of {', '.join(STUDIO_FORMATS)}.")
    quality = _text(given, "quality") or "high"
    if quality not in QUALITIES:
        raise InvalidArgument(f"quality '{quality[:20]}' is not one of {', '.join(QUALITIES)}.")
    whole = tuple(clip if "://" in clip else str((base / Path(clip).expanduser()).resolve()) for clip in clips)
    return Item(
        clip=whole,
        prompt=prompt.strip(),
        title=_text(given, "title"),
        aspect=_text(given, "aspect"),
        format=fmt,
        seed=_seed(given.get("seed")),
        output=_output(given.get("output"), whole[0], fmt, folder, taken),
        loop=_yes(given, "loop"),
        accurate=_yes(given, "accurate"),
        plan=str((base / str(given["plan"])).resolve()) if given.get("plan") else None,
        quality=quality,
    )


def _output(wanted: Any, clip: str, fmt: str | None, folder: Path, taken: set[str]) -> str:
    """The item's own output path; two items never share one."""
    ending = {"kit": "zip"}.get(fmt or "mp4", fmt or "mp4")
    if wanted:
        path = folder / str(wanted)
        path = path if path.suffix else path.with_suffix(f".{ending}")
        if str(path) in taken:
            raise InvalidArgument(f"output '{wanted}' is named twice.")
    else:
        stem, count = f"{Path(clip.rsplit('?', 1)[0]).stem or 'clip'}-scored", 1
        path = folder / f"{stem}.{ending}"
        while str(path) in taken:
            count += 1
            path = folder / f"{stem}-{count}.{ending}"
    taken.add(str(path))
    return str(path)


def _text(given: dict[str, Any], name: str) -> str | None:
    value = given.get(name)
    return None if value in (None, "", "null", "~") else str(value)


def _seed(value: Any) -> int | None:
    if value in (None, ""):
        return None
    try:
        return int(str(value))
    except ValueError:
        raise InvalidArgument(f"seed '{str(value)[:20]}' is not a whole number.") from None


def _yes(given: dict[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("", "0", "no", "false", "off"):
        return False
    if word in ("1", "yes", "true", "on"):
        return True
    raise InvalidArgument(f"'{name}' is yes or no, not '{word[:20]}'.")
