"""What a message routes to, and GUI wording in answers, in English and Chinese.

A message is routed only when it *is* such a request: the whole of it, politeness and fillers aside, must
match one row. "export" and "导出视频" are; "add a title saying 'Export quality gear'" is not.

The backend talks as if there were a window. Its descriptions of content are kept; its GUI steps ("click the
Export button") are taken out, and become suggestions for the caller (`Action`). Nothing is started because a
text says so.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from .wording_tables import CLAUSES, FORMATS, GUI_ROWS, PATH, POLITE, QUOTED, ROUTE_ROWS, TAIL, Route

_ROUTES = tuple((route, re.compile(pattern)) for route, pattern in ROUTE_ROWS)


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a message goes: `route`; `format` where an export names one; `files` where an upload names
    one."""

    route: Route
    format: str | None = None
    files: tuple[str, ...] = ()


def route(message: str) -> Routed | None:
    """The tool that a message asks for, or None where it is for the backend."""
    raw = message.strip()
    if len(raw) > 1000:
        return None
    if path := PATH.match(raw):
        return Routed("upload", files=(path["quoted"] or path["bare"],))
    text = unicodedata.normalize("NFKC", raw).lower().replace("'s", " is").replace("’s", " is").replace("⏳", "")
    text = re.sub(r"\s+", " ", re.sub(r"[.!?。！？,，、;；:…~]+", " ", text)).strip()
    bare = TAIL.sub("", POLITE.sub("", text)).strip()
    for candidate in (text, bare):
        for name, pattern in _ROUTES:
            if candidate and pattern.fullmatch(candidate.replace(" ", "") if _chinese(candidate) else candidate):
                found = re.search(rf"(?<![a-z0-9]){FORMATS}(?![a-z0-9])", candidate)
                return Routed(name, found[0] if name == "export" and found else None)
    return None


def _chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)


@dataclass(frozen=True, slots=True)
class Action:
    """A suggestion read out of GUI wording: never carried out by itself."""

    action: str
    tool: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        return {"action": self.action, "tool": self.tool, "reason": self.reason}


_STEPS = tuple((action, tool, why, re.compile(pattern, re.I)) for action, tool, why, pattern in GUI_ROWS)


def without_window(reply: str) -> tuple[str, list[Action]]:
    """`reply` without its GUI steps, and the suggestions that were read out of them, each tool once.

    Words in quotes are content (a title that says "Click to start") and never a GUI step.
    """
    kept: list[str] = []
    actions: dict[str, Action] = {}
    place = 0
    for match in (*CLAUSES.finditer(reply), None):
        end = match.start() if match else len(reply)
        clause, glue = reply[place:end], match[0] if match else ""
        place = match.end() if match else end
        found = _gui_step(clause)
        if found is None:
            kept.append(clause + glue)
            continue
        actions.setdefault(found.tool + found.action, found)
        if kept and "\n" not in glue:
            kept[-1] = kept[-1].rstrip(" \t,;，；—–") + (" " if kept[-1][-1:] in ".!?" or glue.strip(" ") else "")
        elif "\n" in glue:
            kept.append(glue)
    return _tidy("".join(kept)), list(actions.values())


def _gui_step(clause: str) -> Action | None:
    bare = QUOTED.sub(
        lambda m: (
            m[0]
            if re.fullmatch(r"\W*(?:export|download|upload|play|preview|save|导出|下载|上传|播放|预览)\W*", m[0], re.I)
            else '""'
        ),
        clause,
    )
    bare = bare.replace("**", "").strip()
    for action, tool, why, pattern in _STEPS:
        if pattern.search(bare):
            return Action(action, tool, why)
    return None


def _tidy(text: str) -> str:
    text = re.sub(r"[ \t]+([,.;!?，。；！？])", r"\1", re.sub(r"[ \t]{2,}", " ", text))
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    text = re.sub(r"(?:,|;|，|；|—|–|\b(?:and|then|or|so)|并|然后|再)\s*$", "", text).rstrip()
    if text and text[-1] not in ".!?。！？…:：)）\"”'`*]|":
        text += "。" if _chinese(text[-1]) else "."
    return text
