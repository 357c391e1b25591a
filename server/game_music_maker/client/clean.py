"""Text from outside made safe to show: data, never commands for a terminal and never hidden from the eye."""

from __future__ import annotations

import re
import unicodedata

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, links
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # device control strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor
    r"|\x1b[ -/]*[0-~]?"
)
_BREAKS = re.compile("\r\n?|[\u0085\u2028\u2029]")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SECRET = re.compile(r"\b(?:nmv_\w+|clm_\w+|Bearer\s+\S{8,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+)")
_QUERY = re.compile(r"(\bhttps?://[^\s?#\"'<>]*)\?[^\s\"'<>]*", re.I)
_EMOJI_STYLE = "\ufe0f"


def clean_text(text: str, limit: int = 262_144) -> str:
    """`text` without control, ANSI, bidirectional, tag and zero-width characters; at most `limit` characters.

    Line breaks of every kind become ``\\n``; tabs stay; lone surrogates become U+FFFD. The emoji variation
    selector stays, because it draws a picture and hides nothing.
    """
    text = _BREAKS.sub("\n", _ESCAPES.sub("", text[: limit * 2]))
    if text.isascii() and text.isprintable():
        return text[:limit]
    kept = []
    for char in text:
        if char in "\n\t" or char == _EMOJI_STYLE:
            kept.append(char)
        elif "\ud800" <= char <= "\udfff":
            kept.append("\ufffd")
        elif unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cn") and not _VARIATION.match(char):
            kept.append(char)
    return "".join(kept)[:limit]


def without_secrets(text: str) -> str:
    """`text` without access tokens, claim tokens and signed addresses' queries: nobody is shown them, whoever said
    them."""
    return _QUERY.sub(r"\1", _SECRET.sub("[removed]", text))


def clean_line(text: str, limit: int = 300) -> str:
    """`clean_text` on one line, white space squeezed, without secrets."""
    return " ".join(without_secrets(clean_text(text, limit * 2)).split())[:limit]
