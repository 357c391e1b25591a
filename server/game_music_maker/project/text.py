"""Cleaning text that comes from outside: the backend, file names, file metadata.

Such text is data. Before it reaches a person or a model it loses everything that is not for reading: terminal
sequences, control characters, bidirectional overrides, invisible characters (zero-width, tag characters,
variation selectors of the supplement), and it is cut to a length.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

from ..client.clean import clean_text, without_secrets

_FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]")
"""Letters by category that draw nothing."""
_IDS = re.compile(
    r"\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24,}|\d{15,}|render_\w{6,})\b",
    re.I,
)
_JSON_BLOCK = re.compile(r"```.*?(?:```|\Z)|[{\[]\s*\"[^\n]*?[}\]](?=\s|$)", re.S)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+")
_RESERVED = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.I)

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://", re.I)
_MOST = 400
"""Entries of a list or table from outside that are shown."""

ELLIPSIS = " …"
REPLY_LIMIT = 8_000
"""Characters of a reply that reach a model: far under what hosts cut at."""


def clean(text: str, limit: int = REPLY_LIMIT) -> str:
    """`text` without what is not for reading; line breaks stay; at most `limit` characters, the cut
    marked."""
    kept = without_secrets(_FILLERS.sub("", clean_text(text, limit * 4))).strip()
    return kept if len(kept) <= limit else kept[: limit - len(ELLIPSIS)].rstrip() + ELLIPSIS


def line(text: str, limit: int = 200) -> str:
    """`text` cleaned, on one line."""
    return " ".join(clean(text, limit * 2).split())[:limit]


def sentences(text: str) -> list[str]:
    """The sentences of `text`, English or Chinese, in order; line breaks end one too."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()]


def brief(text: str, most: int = 4, limit: int = 700) -> str:
    """One to `most` sentences of `text` for a person: no JSON, ids or markdown marks in it."""
    plain = _IDS.sub("", _JSON_BLOCK.sub(" ", text))
    plain = re.sub(r"^\s*(?:[#>]+|[-*•](?=\s)|\|.*\|)\s*", "", plain, flags=re.M).replace("**", "").replace("`", "")
    found = sentences(re.sub(r"[ \t]+", " ", plain))[:most]
    joined = ""
    for sentence in found:
        glue = "" if not joined or joined[-1] in "。！？" else (" " if joined[-1] in ".!?:;,，；：" else ". ")
        joined += glue + sentence
    return joined if len(joined) <= limit else joined[: limit - len(ELLIPSIS)].rstrip() + ELLIPSIS


def slug(text: str, limit: int = 40) -> str:
    """A readable project name: lower case, letters and digits of any script, single hyphens; '' where none is
    left."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", clean(text, 200)).lower())
    return "-".join(words)[:limit].strip("-")


def file_name(text: str, limit: int = 120) -> str:
    """A safe file name of at most `limit` characters: no separators, control or reserved names; 'file' where
    none is left."""
    name = line(text.replace("\\", "/").rsplit("/", 1)[-1], limit)
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .")
    if not name:
        return "file"
    return "_" + name if _RESERVED.match(name) else name


def data(value: Any, limit: int = 40_000) -> Any:
    """A JSON value from outside, for showing: texts cleaned and cut, long lists and deep nesting cut, numbers that are
    none left out, and so are addresses, whose query may be a signature; about `limit` characters in all."""
    left = limit

    def shown(held: Any, depth: int) -> Any:
        nonlocal left
        left -= 8
        if left < 0 or depth < 0:
            return ""
        if isinstance(held, str):
            words = "" if _ADDRESS.search(held) else clean(held, 1000)
            left -= len(words)
            return words
        if isinstance(held, dict):
            pairs = [(line(str(key), 80), shown(inner, depth - 1)) for key, inner in list(held.items())[:_MOST]]
            left -= sum(len(key) for key, _ in pairs)
            return {key: inner for key, inner in pairs if inner != ""}
        if isinstance(held, (list, tuple)):
            return [found for inner in held[:_MOST] if (found := shown(inner, depth - 1)) != ""]
        if isinstance(held, float) and not math.isfinite(held):
            return None
        return held if held is None or isinstance(held, (bool, int, float)) else ""

    return shown(value, 8)


def number(value: float, digits: int = 2) -> str:
    """A number without needless zeros: 10, 3.5, 0.25."""
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if value == value else "?"


def size(count: float) -> str:
    """Bytes for people, in powers of ten: 1.2 MB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{number(count, 1)} {unit}"
        count /= 1000
    return f"{number(count, 1)} GB"
