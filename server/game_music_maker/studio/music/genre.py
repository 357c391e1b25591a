"""Which palettes a brief names: nouns before words that only describe, and cues only for what is as short as a cue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .library import library
from .words import Found

_FANFARE = re.compile(r"\b(?:fanfares?|jingles?|stingers?|stings?|sound effects?|sfx)\b|音效|提示音|短曲")
_SHORT_S, _LONG_S, _LONG_BARS = 10.0, 12.0, 4
_CUES = {"victory_stinger": "triumphant", "defeat_stinger": "sad", "item_levelup_stinger": "happy"}
"""The mood that the word for a cue stands for in a longer piece."""


@dataclass(frozen=True, slots=True)
class Genre:
    """`scene` and `style` palettes, None where none is named; `one_shot`: a cue; `moods` that words for palettes stand
    for which give way to others."""

    scene: str | None = None
    style: str | None = None
    one_shot: bool = False
    moods: tuple[str, ...] = ()


def genre(
    named: Sequence[Found], text: str, *, asked: bool, loop: bool, length_s: float | None, bars: int | None
) -> Genre:
    """What `named` (palettes, in order) comes to. Of two of one kind the first that is a noun: "epic chiptune" is
    chiptune that is epic, "heroic boss battle" a battle.

    Args:
        asked: a cue is asked for in so many words; loop: the music is to repeat.
    """
    colours = library().colours
    by_kind: dict[str, list[Found]] = {"scene": [], "style": [], "cue": []}
    for f in named:
        by_kind[library().palettes[f.id].kind].append(f)
    chosen: dict[str, str | None] = {}
    moods: list[str] = []
    for kind, found in by_kind.items():
        nouns = [f for f in found if f.text not in colours]
        chosen[kind] = (nouns or found)[0].id if found else None
        if nouns:
            moods += [colours[f.text] for f in found if colours.get(f.text)]
    scene, style, cue = chosen["scene"], chosen["style"], chosen["cue"]
    if cue is None:
        return Genre(scene, style, moods=tuple(moods))
    long = loop or (length_s or 0) > _LONG_S or (bars or 0) > _LONG_BARS
    brief = bool(_FANFARE.search(text)) or 0 < (length_s or 0) <= _SHORT_S
    if asked or (not long and (not (scene or style) or (brief and not scene))):
        return Genre(cue, style, one_shot=True, moods=tuple(moods))
    return Genre(scene, style, moods=(*moods, _CUES[cue]) if not (scene or style) else tuple(moods))
