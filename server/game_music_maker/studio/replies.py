"""What the studio says to people, in their language: one table of sentences, `replies.yaml`.

Code says *what* is to be told (`say("level.set", share=0.35)`), the table says it in English and Chinese, and the
language is chosen where the reply leaves the studio. A template uses the format language of `str.format`; besides it

* ``{name:cap}`` begins with a capital letter,
* ``{n:clip|clips}`` chooses by number, so ``{n} {n:clip|clips}``,
* a value that is itself something said (`Said`) is put in its own words, several of them as a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

Language = Literal["en", "zh"]
_GLUE: dict[str, tuple[str, str]] = {"en": (" ", ", "), "zh": ("", "、")}
"""Between sentences, and between the items of a list."""
_CJK = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[a-z]+", re.IGNORECASE)
_QUOTED = re.compile(
    r"“[^”]*”|「[^」]*」|『[^』]*』|《[^》]*》|【[^】]*】|\"[^\"]*\"|`[^`]*`|‘[^’]*’|(?<!\w)'[^'\n]*'(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Said:
    """Sentences (id of the table, values) that are not in any language yet; none: nothing to say."""

    sentences: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def __add__(self, other: Said) -> Said:
        return Said((*self.sentences, *other.sentences))

    def __bool__(self) -> bool:
        return bool(self.sentences)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(id for id, _ in self.sentences)

    def text(self, language: Language) -> str:
        """The words for a person. Raises KeyError for an id that the table does not have."""
        said = (table()[id][language].format(**_values(values, language)) for id, values in self.sentences)
        return _GLUE[language][0].join(filter(None, said))


class _Words(str):
    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return self[:1].upper() + self[1:] if spec == "cap" else format(str(self), spec)


class _Number(int):
    def __format__(self, spec: str) -> str:
        return spec.split("|")[self != 1] if "|" in spec else format(int(self), spec)


NOTHING = Said()


def say(id: str, **values: Any) -> Said:
    """One sentence, or a part of one, of the table."""
    return Said(((id, values),))


def _values(values: Mapping[str, Any], language: Language) -> dict[str, Any]:
    return {name: _value(value, language) for name, value in values.items()}


def _value(value: Any, language: Language) -> Any:
    if isinstance(value, Said):
        return _Words(value.text(language))
    if isinstance(value, tuple | list):
        return _Words(_GLUE[language][1].join(str(_value(item, language)) for item in value))
    if isinstance(value, str):
        return _Words(value)
    return _Number(value) if isinstance(value, int) and not isinstance(value, bool) else value


@lru_cache(maxsize=1)
def table() -> dict[str, dict[Language, str]]:
    """Id → language → template. Raises ValueError for an entry without both languages."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw = yaml.load(Path(__file__).with_name("replies.yaml").read_text(encoding="utf-8"), Loader=loader)
    wrong = [id for id, row in raw.items() if not isinstance(row, dict) or set(row) != {"en", "zh"}]
    if wrong:
        raise ValueError(f"replies.yaml: both languages are needed for {', '.join(map(str, wrong))}")
    found: dict[str, dict[Language, str]] = raw
    return found


def language_of(message: str, default: str = "en") -> Language:
    """The language that a message is written in; words in quotes are content and do not count.

    Args:
        default: a language tag (``zh``, ``zh-CN``, ``en`` …) for a message without words of its own, such as "9:16".
    """
    bare = _QUOTED.sub(" ", message)
    chinese, latin = len(_CJK.findall(bare)), len(_LATIN.findall(bare))
    if not (chinese or latin):
        return "zh" if default.lower().startswith("zh") else "en"
    return "zh" if chinese and (chinese >= latin or _CJK.match(bare.lstrip())) else "en"
