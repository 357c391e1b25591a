"""Finding the phrases of the tables in a text: longest match first, every character used once."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from .library import library

_HOLE = "\0"
_CJK = re.compile(r"[぀-ヿ㐀-鿿]")


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase of class `kind` with the table's `id`, standing at `start`..`end` of the normalised text."""

    kind: str
    id: str
    start: int
    end: int
    text: str


def normalise(text: str) -> str:
    """Lower case, full-width forms to ASCII, one kind of apostrophe and dash."""
    text = unicodedata.normalize("NFKC", text).lower()
    return text.replace("’", "'").replace("‘", "'").replace("–", "-").replace("—", ", ")


def is_chinese(text: str) -> bool:
    return bool(_CJK.search(text))


def _entries(kind: str, id: str, en: tuple[str, ...], zh: tuple[str, ...]) -> list[tuple[str, str, str]]:
    return [(normalise(word), kind, id) for word in (*en, *zh)]


@lru_cache(maxsize=1)
def brief_lexicon() -> tuple[tuple[str, str, str], ...]:
    """(phrase, kind, id) of everything that a brief may name, longest first."""
    lib = library()
    found: list[tuple[str, str, str]] = []
    for p in lib.palettes.values():
        names = [(normalise(p.names["en"])), normalise(p.names["zh"]), p.id, p.id.replace("_", " ")]
        found += [(name, "palette", p.id) for name in names]
        found += _entries("palette", p.id, p.aliases.en, p.aliases.zh)
    for id, words in lib.genres.items():
        found += _entries("palette", id, words.en, words.zh)
    for mood in lib.moods.values():
        found += _entries("mood", mood.id, mood.en, mood.zh)
    for kind, table in (("pace", lib.pace), ("request", lib.requests), ("instrument", lib.instruments)):
        for id, words in table.items():
            found += _entries(kind, id, words.en, words.zh)
    for language in ("en", "zh"):
        found += [(w, "intensifier", str(f)) for w, f in lib.intensifiers[language].items()]
    found += _entries("negation", "not", lib.negation.en, lib.negation.zh)
    return tuple(sorted(dict.fromkeys(found), key=lambda e: -len(e[0])))


def nearest(text: str) -> tuple[tuple[str, str], ...]:
    """(genre, palette) for each genre in `text` (normalised) that has no palette of its own, only a nearest one."""
    genres = {(normalise(w), id) for id, words in library().genres.items() for w in (*words.en, *words.zh)}
    found = match(text, brief_lexicon())[0]
    return tuple(dict.fromkeys((f.text, f.id) for f in found if f.kind == "palette" and (f.text, f.id) in genres))


@lru_cache(maxsize=1)
def change_lexicon() -> tuple[tuple[str, str, str], ...]:
    """(phrase, kind, id) of edits: the brief's words, and those of changes and sections."""
    lib = library()
    found = list(brief_lexicon())
    for index, change in enumerate(lib.changes):
        found = _entries("change", str(index), change.en, change.zh) + found
    for id, words in lib.sections.items():
        found = _entries("section", id, words.en, words.zh) + found
    return tuple(sorted(dict.fromkeys(found), key=lambda e: -len(e[0])))


@lru_cache(maxsize=4096)
def _pattern(phrase: str) -> re.Pattern[str]:
    if is_chinese(phrase):
        return re.compile(re.escape(phrase))
    body = re.escape(phrase).replace(r"\ ", r"[\s-]+")
    plural = "(?:s|es)?" if phrase[-1].isalpha() and len(phrase) > 2 else ""
    return re.compile(rf"(?<![a-z0-9']){body}{plural}(?![a-z0-9])")


def match(text: str, lexicon: tuple[tuple[str, str, str], ...]) -> tuple[list[Found], str]:
    """All phrases in `text` (already normalised), by position, and the text with what was used blanked out.

    The same words may stand for two ids (a mood and a palette): both are found at the same place.
    """
    rest = text
    found: list[Found] = []
    used: dict[tuple[int, int], str] = {}
    for phrase, kind, id in lexicon:
        if phrase[0] not in text:
            continue
        for (start, end), words in list(used.items()):
            if words == phrase:
                found.append(Found(kind, id, start, end, phrase))
        for hit in _pattern(phrase).finditer(rest):
            found.append(Found(kind, id, hit.start(), hit.end(), phrase))
            used[(hit.start(), hit.end())] = phrase
            rest = rest[: hit.start()] + _HOLE * (hit.end() - hit.start()) + rest[hit.end() :]
    return sorted(found, key=lambda f: (f.start, f.kind)), rest


def either(hit: re.Match[str], name: str) -> str:
    """What the group `name`, or its namesake in another alternative of the pattern (`name2`, `name3` …), matched; ""
    where none did."""
    return next((found for group, found in hit.groupdict().items() if found and group.rstrip("23456789") == name), "")


def blank(text: str, start: int, end: int) -> str:
    return text[:start] + _HOLE * (end - start) + text[end:]


@lru_cache(maxsize=1)
def _filler() -> tuple[frozenset[str], re.Pattern[str]]:
    lib = library()
    chinese = sorted(map(normalise, (*lib.filler.zh, *lib.nouns.zh)), key=len, reverse=True)
    english = frozenset(map(normalise, (*lib.filler.en, *(w for p in lib.nouns.en for w in p.split()))))
    return english, re.compile("|".join(map(re.escape, chinese)))


def unknown(rest: str) -> tuple[str, ...]:
    """What is left of a blanked text that carries a wish which nobody understood: runs of words, in order."""
    english, chinese = _filler()
    found: list[str] = []
    for part in re.split(r"[\0,.;:!?。，、；：！？()\[\]\"“”《》\n]+", rest):
        words: list[str] = []
        for token in re.findall(r"[a-z][a-z'-]*|[぀-ヿ㐀-鿿]+|\d+(?:\.\d+)?", part):
            if is_chinese(token):
                for left in chinese.split(token):
                    if left and len(left) > 1:
                        found.append(left)
                continue
            bare = token.removesuffix("'s")
            plain = bare in english or (bare.endswith("s") and bare[:-1] in english) or token.isdigit()
            if plain or len(bare) < 2:
                if words:
                    found.append(" ".join(words))
                words = []
            else:
                words.append(token)
        if words:
            found.append(" ".join(words))
    return tuple(dict.fromkeys(found))
