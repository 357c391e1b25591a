"""Pace: how many places of the bar are struck follows the picture's motion, bar by bar.

After CMT (Di et al., "Video Background Music Generation with Controllable Music Transformer", ACM MM 2021), where a
bar's density follows its optical flow. It is done as players do it: a calmer bar loses its weakest subdivision (all
sixteenths before any eighth, by metrical weight), a busier one gets the next subdivision filled by the figures that
play or by the groove's time keeper. The tune, held chords and what opens the bar stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ...contract.score import SectionPlan
from ..footage import VideoMap
from .accompaniment import weight
from .band import Band
from .drums import TAIKO_PROGRAM
from .figure import Line
from .knit import fullness, knit
from .library import DrumGrid
from .metrics_picture import bar_motion, percentiles
from .score import Chord, Hit, Section, TempoMap

FIGURES = ("arp", "ostinato", "pluck", "piano", "harmony", "keys", "comp", "riff", "pulse", "bass")
"""Roles that may change their subdivision, in the order in which they are asked to fill; the last two only thin out."""
_KEEPERS = (42, 70, 82, 69, 54, 51, 76, 75, 77, 44, 81, 47, 116)
"""General MIDI keys (and the taiko) that keep time softly, the first that the palette has."""
_ACCENT = 0.8
"""Strength from which a stroke of the drums is the groove itself."""
_OF_MOTION = 0.5
"""Share of the picture in a bar's pace; the rest is the section's energy."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a section asks for.

    Attributes:
        changes: beats at which a chord begins. places: onset places of each bar. hits: those of them, as sixteenths,
            that answer the picture. bar: quarter notes a bar. keeper: percussion key that fills, or None. first:
            figures fill before the time keeper does. strength: of the keeper's strokes, 0–1. joins: bar from which it
            may play. compound: the beat is a dotted quarter.
    """

    changes: frozenset[Fraction]
    places: Sequence[int]
    hits: Sequence[frozenset[int]]
    bar: Fraction
    keeper: int | None
    first: bool
    strength: float
    joins: int = 0
    compound: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """By bar how full it wants to be, 0–1: `whole` for all that sounds, `figures` for what accompanies a theme that
    is to be known again."""

    whole: tuple[float, ...]
    figures: tuple[float, ...]


def course(video: VideoMap | None, tempo: TempoMap, bar: Fraction, sections: Sequence[Section]) -> Course | None:
    """The percentile of each bar's motion among all, with its section's energy; for figures the motion is the mean of
    the bars in which a short piece has the same bar of its theme.

    None where there is no motion to follow. It hangs on the footage, the form and the bar's own section alone.
    """
    bars = [s for s in sections for _ in range(s.bars)]
    if video is None or video.look == "none" or not video.flow or len(bars) < 4:
        return None
    motion = np.array(bar_motion(video, tempo, bar, len(bars)))
    spread = float(motion.std() / motion.mean()) if motion.mean() > 0 else 0.0
    sway = min(1.0, spread / 0.35)
    energy = np.clip([(s.energy - 0.25) / 0.7 for s in bars], 0.0, 1.0)
    seen = 0.5 + sway * (percentiles(motion.tolist()) - 0.5)
    places = [(s.role in ("A", "A'"), i % 4) for s in sections for i in range(s.bars)]
    same = [
        [j for j, other in enumerate(places) if other == place] if place[0] else [i] for i, place in enumerate(places)
    ]
    share = knit(sections)
    shared = np.array([share * seen[rows].mean() + (1 - share) * seen[i] for i, rows in enumerate(same)])
    level = np.clip([(fullness(s, sections) - 0.25) / 0.7 for s in bars], 0.0, 1.0)
    whole, figures = (
        tuple(float(x) for x in _OF_MOTION * moved + (1 - _OF_MOTION) * full)
        for moved, full in ((seen, energy), (shared, level))
    )
    return Course(whole, figures)


def paced(
    rows: Mapping[str, Sequence[Line]],
    band: Band,
    section: Section,
    spec: SectionPlan,
    course: Course,
    meter: tuple[int, int],
    hits: Sequence[Hit],
    chords: Sequence[Chord],
) -> dict[str, list[Line]]:
    """The section's lines at the pace of the picture; drums may keep time where the layers would leave them out.

    Args:
        rows: part → lines, beats relative to the section. course: as of the function `course`, for the whole piece.
    """
    bar = Fraction(4 * meter[0], meter[1])
    first = int(section.start_beat / bar)
    low, high = band.scene.pace
    shares = spec.density or {}
    asked = float(bar) / 4 * (sum(shares.values()) / len(shares) if shares else 1.0)
    places, shared = (
        [round(asked * (low + (high - low) * x)) for x in row[first : first + section.bars]]
        for row in (course.whole, course.figures)
    )
    struck = [
        frozenset(
            int((h.beat - at) * 4)
            for h in hits
            if h.planned and at <= h.beat < at + bar
        )
        for at in (section.start_beat + i * bar for i in range(section.bars))
    ]  # fmt: skip
    drums = next((v for v in band.voices if v.part.drums), None)
    roles = {v.part.id: v.part.role for v in band.voices}
    able = drums is not None and (spec.active or {}).get("perc") is not False and shares.get("perc", 1.0) > 0.7
    wanted = Wanted(
        frozenset(c.beat for c in chords), shared, struck, bar, keeper((band.style.drums, band.scene.drums)),
        first=drums is None or drums.spec.density < 0.35, strength=0.3 + 0.2 * section.energy,
        joins=1 if first == 0 else 0, compound=meter[1] == 8 and meter[0] % 3 == 0,
    )  # fmt: skip
    if drums is None or not able:
        return follow(rows, roles, "", replace(wanted, places=places))
    out = follow({drums.part.id: [], **rows}, roles, drums.part.id, wanted)
    if places == shared:
        return out
    return follow(
        out,
        {part: role if role == "perc" else "" for part, role in roles.items()},
        drums.part.id,
        replace(wanted, places=places),
    )


def keeper(grids: Sequence[DrumGrid]) -> int | None:
    """The percussion key that keeps time in these grooves."""
    have = {key for grid in grids for lanes in (grid.lanes, *grid.more) for key in lanes}
    return next((key for key in _KEEPERS if key in have), None)


def follow(
    rows: Mapping[str, Sequence[Line]], roles: Mapping[str, str], drums: str, wanted: Wanted
) -> dict[str, list[Line]]:
    """The lines of one section's parts with their bars at the wanted pace.

    Args:
        rows: part → its lines, beats relative to the section. roles: part → role. drums: id of the percussion part
            that may fill, "" for none.
    """
    slots = int(wanted.bar * 4)
    out: dict[str, list[Line]] = {part: [] for part in rows}
    movers = {part for part in rows if roles[part] in FIGURES or part == drums or roles[part] == "perc"}
    bars: list[dict[str, list[Line]]] = [{part: [] for part in rows} for _ in wanted.places]
    for part, row in rows.items():
        for line in sorted(row, key=lambda x: (x.beat, x.pitch)):
            bars[min(len(bars) - 1, int(line.beat // wanted.bar))][part].append(line)
    order = _order(slots, wanted.compound)
    for index, (here, places) in enumerate(zip(bars, wanted.places, strict=True)):
        start = index * wanted.bar
        struck = {int((line.beat - start) * 4) for row in here.values() for line in row} | wanted.hits[index]
        if len(struck) > places:
            _thin(here, movers, start, order, len(struck) - places)
        elif len(struck) < places:
            empty = [slot for slot in order if slot not in struck][: places - len(struck)]
            pulse = order[: order.index(empty[-1]) + 1] if empty else []
            _fill(here, roles, drums if index >= wanted.joins else "", wanted, start, empty, pulse)
        for part, row in here.items():
            out[part] += row
    return out


def _order(slots: int, compound: bool) -> list[int]:
    """The places of a bar from the heaviest to the lightest; among equals the upbeats to heavier ones first."""
    heavy = [
        (1.0 if i == 0 else 0.85 if i % 6 == 0 else 0.45 if i % 2 == 0 else 0.2) if compound else weight(i, slots)
        for i in range(slots)
    ]
    return sorted(range(slots), key=lambda i: (-heavy[i], -(i % 4), -(i % 8), -i))


def _thin(here: dict[str, list[Line]], movers: set[str], start: Fraction, order: Sequence[int], count: int) -> None:
    """Empty the `count` lightest places that figures and light strokes alone hold, and let the same parts rest on all
    places as light: the bar loses a subdivision, not single notes. What sounds before them goes on."""
    at: dict[int, list[tuple[str, Line]]] = {}
    for part, row in here.items():
        for line in row:
            at.setdefault(int((line.beat - start) * 4), []).append((part, line))
    gone: set[int] = set()
    freed = 0
    for slot in reversed(order[1:]):
        if freed == count:
            break
        held = at.get(slot, ())
        freed += bool(held) and all(part in movers and not _groove(line) for part, line in held)
        gone.add(slot)
    for part in movers & here.keys():
        kept: list[Line] = []
        for line in here[part]:
            if int((line.beat - start) * 4) not in gone or _groove(line):
                kept.append(line)
            elif kept and not line.artic:
                before = [x for x in kept if x.beat == kept[-1].beat]
                if before[0].beat + before[0].dur <= line.beat + Fraction(1, 4):
                    dur = line.beat + line.dur - before[0].beat
                    kept[-len(before) :] = [replace(x, dur=max(x.dur, min(dur, Fraction(2)))) for x in before]
        here[part] = kept


def _groove(line: Line) -> bool:
    return line.artic in ("drum", "taiko") and line.accent >= _ACCENT


def _fill(
    here: dict[str, list[Line]], roles: Mapping[str, str], drums: str, wanted: Wanted, start: Fraction,
    empty: Sequence[int], pulse: Sequence[int],
) -> None:  # fmt: skip
    """Fill the `empty` places: the figures that play strike on, or the time keeper beats the whole `pulse`."""
    figures = sorted((p for p in here if roles[p] in FIGURES[:-2] and here[p]), key=lambda p: FIGURES.index(roles[p]))
    keeps = bool(drums) and wanted.keeper is not None
    left = [
        slot
        for slot in empty
        if (keeps and not wanted.first)
        or not any(_strike_on(here, p, start + Fraction(slot, 4), wanted) for p in figures)
    ]
    if not keeps or not left:
        return
    row = here[drums]
    beaten = {int((line.beat - start) * 4) for line in row}
    taiko = wanted.keeper == TAIKO_PROGRAM
    key, kind = (45, "taiko") if taiko else (wanted.keeper or 0, "drum")
    for slot in pulse:
        if slot not in beaten:
            soft = wanted.strength * (1.0 if slot % 4 == 0 else 0.85 if slot % 2 == 0 else 0.65)
            row.append(Line(start + Fraction(slot, 4), Fraction(1, 4), key, soft, kind))
    row.sort(key=lambda x: (x.beat, x.pitch))


def _strike_on(here: dict[str, list[Line]], part: str, at: Fraction, wanted: Wanted) -> bool:
    """Let the figure strike once more at `at`: the tone that it comes from or goes to, a chord's upper ones, softer;
    False where it rests."""
    row = here[part]
    before = [x for x in row if x.beat < at]
    if not before or at - before[-1].beat > 2 or any(before[-1].beat < c <= at for c in wanted.changes):
        return False
    last = [x for x in before if x.beat == before[-1].beat]
    later = [x for x in row if x.beat > at]
    until = min(at + Fraction(1, 2), later[0].beat if later else at + Fraction(1, 2))
    tones = sorted(last, key=lambda x: x.pitch)[len(last) // 2 :]  # a chord goes on in its upper voices
    if len(last) == 1 and later:  # a run goes on its way: a tone of the bar that is neither
        since = max((c for c in wanted.changes if c <= at), default=Fraction(0))
        tried = [x for x in before if x.beat >= since and x.pitch not in (last[0].pitch, later[0].pitch)]
        tones = [min(tried, key=lambda x: (abs(x.pitch - last[0].pitch), x.beat))] if tried else last
    cut = [replace(x, dur=min(x.dur, at - x.beat)) if x in last and x.dur > at - x.beat else x for x in row]
    fresh = [Line(at, until - at, x.pitch, min(x.accent, 0.0) - 0.2, x.artic) for x in tones]
    here[part] = sorted([*cut, *fresh], key=lambda x: (x.beat, x.pitch))
    return True
