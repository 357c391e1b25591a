"""What the sections of a short piece share, and where its tune may rest: by the form alone, so that an edit of one
section leaves the others as they were."""

from __future__ import annotations

from collections.abc import Sequence

from .score import Section

INSTRUMENTAL = ("intro", "break", "outro")
"""Roles of sections without a tune."""
SILENT = 0.15
"""Share of the bars in which every part but drums and drones is silent (metrics.md: none plays in more than 85 %)."""
_THEME = 0.55
"""Energy at which a theme's figures are as dense as they are written."""


def knit(sections: Sequence[Section]) -> float:
    """How much the sections of one theme share, 0–1: all in 16 bars, nothing in 32. Where a theme comes back once only
    and soon, it is known again by what accompanies it as well."""
    return min(1.0, max(0.0, (32 - sum(s.bars for s in sections)) / 16))


def fullness(section: Section, sections: Sequence[Section]) -> float:
    """The energy that the figures of a section are as dense as, 0–1: its own, for the theme of a short piece near
    `_THEME`, whose figures are to be known again; layers, drums and dynamics follow the section's energy."""
    share = 0.8 * knit(sections) if section.role in ("A", "A'") else 0.0
    return section.energy + share * (_THEME - section.energy)


def turn_of(index: int, sections: Sequence[Section]) -> int:
    """The place of section `index` in the rotation of the accompaniments: its own, in short pieces its theme's."""
    if knit(sections) < 0.25 or sections[index].role in INSTRUMENTAL:
        return index
    return int(sections[index].role in ("B", "build"))


def waits(index: int, sections: Sequence[Section]) -> int:
    """Bars for which the tune may wait at the beginning of a section: a phrase of a long one, half of one in the
    contrast of a short piece, none where it comes back after that."""
    section = sections[index]
    theme = section.role in ("A", "A'")
    if not index or section.role in INSTRUMENTAL or (theme and sections[index - 1].role not in ("A", "A'")):
        return 0
    return 4 if section.bars >= 8 else 2 if section.bars >= 4 and not theme and knit(sections) > 0 else 0


def breathes(sections: Sequence[Section]) -> bool:
    """Whether the theme has to have a bar of rest of its own, as the form has no room for others that are enough."""
    away = sum(waits(i, sections) or s.bars * (s.role in INSTRUMENTAL) for i, s in enumerate(sections))
    return away < SILENT * sum(s.bars for s in sections)
