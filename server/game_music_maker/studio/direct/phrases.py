"""The table of phrases, `phrases.yaml`, compiled: which concepts stand where in a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Hit:
    concept: str
    start: int
    end: int


@lru_cache(maxsize=1)
def table() -> dict[str, re.Pattern[str]]:
    """Concept → pattern, compiled once. Raises re.error for a phrase that is no regular expression."""
    raw = yaml.load(Path(__file__).with_name("phrases.yaml").read_text(encoding="utf-8"), Loader=_Loader)
    return {concept: _compile(words) for concept, words in raw.items()}


def _compile(words: dict[str, list[str]]) -> re.Pattern[str]:
    english = "|".join(word.replace(" ", r"\s") for word in words.get("en", []))
    chinese = "|".join(words.get("zh", []))
    parts = [rf"(?<![a-z0-9'])(?:{english})(?![a-z0-9])"] if english else []
    return re.compile("|".join([*parts, *([f"(?:{chinese})"] if chinese else [])]))


def scan(text: str) -> list[Hit]:
    """All concepts in a text, those inside a longer match of another concept left out."""
    hits = [
        Hit(concept, found.start(), found.end())
        for concept, pattern in table().items()
        for found in pattern.finditer(text)
        if found.end() > found.start()
    ]
    return [
        hit
        for hit in hits
        if not any(
            other.start <= hit.start and hit.end <= other.end and other.end - other.start > hit.end - hit.start
            for other in hits
            if _swallows(other.concept, hit.concept)
        )
    ]


def _swallows(longer: str, shorter: str) -> bool:
    """A thing named inside a deed ("fade the original sound out") still counts; its own kind and looks do not."""
    kind = longer.partition(".")[0]
    return kind == shorter.partition(".")[0] or (kind == "on" and shorter.startswith(("is.", "color.")))
