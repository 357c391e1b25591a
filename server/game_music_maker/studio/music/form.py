"""Sections: where they begin (on bar lines, at scene changes where there are any), what they are, how full they are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...contract.score import LoopPlan, SectionPlan
from ..footage import VideoMap
from ..replies import Said, say
from .brief import ArcPoint
from .library import Palette
from .score import TempoMap

_LENGTH_COST = {4: 0.30, 8: 0.0, 12: 0.35, 16: 0.45, 6: 0.45, 2: 1.0, 10: 0.6, 3: 0.9, 5: 0.7, 7: 0.6, 9: 0.6, 1: 2.0}
_PHRASE_COST = {4: 0.0, 8: 0.0, 6: 0.55, 5: 0.65, 7: 0.65, 12: 0.7, 10: 0.8, 9: 0.9, 11: 0.9}
"""What a length costs where the form is abridged: there a phrase of four bars is a section, and none is shorter."""
_FOLLOWS = {"": ("intro", "A"), "intro": ("A",), "A": ("A'", "B"), "A'": ("B",), "B": ("return",)}
"""Role → those that come after it in an abridged form; ``return`` is the A' after B."""
_TERNARY = 12
"""Bars from which there is room for a contrast between two statements of the theme."""
_INTRODUCED = 18
"""Bars from which an abridged form keeps its intro."""
_ENERGY = {"intro": 0.30, "A": 0.52, "A'": 0.66, "B": 0.85, "break": 0.28, "build": 0.62, "outro": 0.34, "turn": 0.4}


@dataclass(frozen=True, slots=True)
class Slice:
    """A section to be: `role` of the plan, first bar, number of bars, energy and tension 0–1."""

    role: str
    start: int
    bars: int
    energy: float
    tension: float


def template(palette: Palette) -> list[tuple[str, int]]:
    """The palette's form as (role, bars); a cue's hold belongs to its one section."""
    out = []
    for item in palette.form:
        hit = re.match(r"\*?([A-Za-z]+'?)\[(\d+)\]", item)
        if hit and hit[1] in _ENERGY and int(hit[2]) > 0:
            out.append((hit[1], int(hit[2])))
    return out or [("A", 8)]


def slices(
    bars: int,
    palette: Palette,
    tempo: TempoMap,
    bar: Fraction,
    *,
    video: VideoMap | None,
    arc: Sequence[ArcPoint],
    arousal: float,
    tension: float,
    loop: bool,
    intro: int = 0,
) -> list[Slice]:
    """Cut `bars` into sections; the first `intro` of them are one of their own."""
    plan = template(palette)
    footage = video if video is not None and video.look != "none" and video.flow else None
    turns = [point.at_s for point in arc if point.at_s]
    turns += [tempo.seconds(intro * bar)] if intro else []
    pull = _pulls(bars, tempo, bar, footage, turns)
    # Where the intensity turns at named moments, these are the form.
    short = bars < sum(size for _, size in plan) and not any(point.at_s for point in arc)
    if short:
        shape = [("intro", intro)] * (intro > 0) + _abridged(bars - intro, plan, pull[intro:])
        bounds = [sum(size for _, size in shape[:i]) for i in range(len(shape))]
        roles = [role for role, _ in shape]
    else:
        bounds = _bounds(bars, plan, pull)
        roles = _roles(list(zip(bounds, [*bounds[1:], bars], strict=True)), plan, loop)
        if intro and len(roles) > 1:
            roles[:2] = ["intro", "A"]
    spans = list(zip(bounds, [*bounds[1:], bars], strict=True))
    energies = [_ENERGY[role] for role in roles]
    if footage is not None:
        seen = [_motion(footage, tempo.seconds(a * bar), tempo.seconds(b * bar)) for a, b in spans]
        ranks = _ranks(seen)
        energies = [0.6 * r + 0.4 * e for r, e in zip(ranks, energies, strict=True)]
        roles = roles if short else _by_energy(roles, energies)
    if arc:
        seconds = tempo.seconds(bars * bar)
        said = [_arc_at(arc, tempo.seconds((a + b) * bar / 2), seconds) for a, b in spans]
        energies = [0.15 * e + 0.85 * s for e, s in zip(energies, said, strict=True)]
        roles = roles if short else _by_energy(roles, energies)
    energies = _spread(energies, arousal, keep=bool(arc))
    if not arc:  # a theme is stated with its tune: only intros, breaks and endings go below that
        energies = [
            e if r in ("intro", "break", "outro") else max(e, 0.40 + 0.6 * (e - 0.3))
            for e, r in zip(energies, roles, strict=True)
        ]
    return [
        Slice(role, a, b - a, round(e, 3), round(min(1.0, max(0.0, tension + 0.25 * (e - 0.5))), 3))
        for role, (a, b), e in zip(roles, spans, energies, strict=True)
    ]


def intro_bars(given: LoopPlan | bool | None, bars: int, bar: Fraction, asked: bool) -> int:
    """Bars before what repeats: those that the caller names; four, of short pieces a quarter, where words ask so."""
    if isinstance(given, LoopPlan):
        return min(bars - 1, round(given.start_beat / bar))
    return max(1, min(4, bars // 4)) if asked and bars > 1 else 0


def looped(
    given: LoopPlan | bool | None, sections: Sequence[SectionPlan], total: Fraction, asked: bool, notes: list[Said]
) -> LoopPlan:
    """What repeats of a piece of `total` beats: all of it, or what follows an intro that is heard once: from the place
    that the caller names (a section's first beat), or where the words ask for one, from the second section on."""
    starts = [s.start_beat or 0.0 for s in sections]
    wanted = given.start_beat if isinstance(given, LoopPlan) else starts[1] if asked and len(starts) > 1 else 0.0
    start = min(starts, key=lambda beat: abs(beat - wanted))
    if abs(start - wanted) > 1e-6:
        notes.append(say("plan.loop_start", start=start, wanted=wanted))
    elif start:
        notes.append(say("plan.loop_intro", beats=start))
    return LoopPlan(start_beat=start, len_beats=float(total) - start)


def _pulls(bars: int, tempo: TempoMap, bar: Fraction, video: VideoMap | None, turns: Sequence[float]) -> list[float]:
    """By bar line how much a scene change there asks for a new section. Moments at which the intensity is to turn pull
    so that nothing else holds."""
    pull = [0.0] * (bars + 1)
    if video is not None:
        changes = [c.t for c in video.cuts if c.w >= 0.9] or [a for a, _ in video.scenes[1:]]
        for i in range(1, bars):
            near = min((abs(tempo.seconds(i * bar) - t) for t in changes), default=9.0)
            pull[i] = 0.9 if near <= 0.06 else 0.5 if near <= 0.5 else 0.0
    for turn in turns if bars > 1 else ():
        pull[min(range(1, bars), key=lambda i: abs(tempo.seconds(i * bar) - turn))] += 3.0
    return pull


def _abridged(bars: int, plan: Sequence[tuple[str, int]], pull: Sequence[float]) -> list[tuple[str, int]]:
    """The sections (role, bars) of a piece that is shorter than its palette's form: the form is shortened, not broken
    off, so that the theme comes back after its contrast (rounded binary form, a a' b a'; Caplin, "Classical Form",
    1998). Under `_TERNARY` bars the theme is answered by itself."""
    roles = [role for role, _ in plan]
    ends = ("return",) if bars >= _TERNARY else ("A", "A'")
    best: dict[tuple[int, str], tuple[float, list[tuple[str, int]]]] = {(0, ""): (0.0, [])}
    for end in range(1, bars + 1):
        for size in range(min(end, 12), 0, -1):
            for before, following in _FOLLOWS.items():
                if (end - size, before) not in best:
                    continue
                score, path = best[end - size, before]
                for role in following:
                    if role == "intro" and (size not in (2, 4) or bars < _INTRODUCED or roles[0] != "intro"):
                        continue
                    cost = 0.1 + (0.5 / size if role == "intro" else _PHRASE_COST.get(size, 2.0))
                    cost -= 0.25 * (end == bars and size % 4 > 0)  # the last phrase is the one that is drawn out
                    cost += 0.04 * max(0.0, size - bars / 3) if role == "B" else -0.02 * size if role == "A" else 0.0
                    gain = 0.15 * (role == "A'" and "A'" in roles[: roles.index("B") if "B" in roles else None])
                    worth = score + pull[end - size] + gain - cost
                    if worth > best.get((end, role), (-1e9, []))[0]:
                        best[end, role] = (worth, [*path, ("A'" if role == "return" else role, size)])
    return max((best[bars, role] for role in ends if (bars, role) in best), key=lambda found: found[0])[1]


def _bounds(bars: int, plan: Sequence[tuple[str, int]], pull: list[float]) -> list[int]:
    """First bars of the sections: dynamic programme over bar lines; scene changes pull, odd lengths cost."""
    pull = [*pull]
    at = 0
    for _, size in list(plan) * 20:
        at += size
        if at < bars:
            pull[at] += 0.35
    best: list[tuple[float, int]] = [(0.0, 0)] + [(-1e9, 0)] * bars
    longest = max(16, 4)
    for end in range(1, bars + 1):
        for size in range(1, min(longest, end) + 1):
            start = end - size
            if bars > 3 and size < 2:
                continue
            score = best[start][0] + pull[start] - _LENGTH_COST.get(size, 0.8) - 0.35
            if score > best[end][0]:
                best[end] = (score, start)
    out: list[int] = []
    end = bars
    while end > 0:
        end = best[end][1]
        out.append(end)
    return sorted(out) or [0]


def _roles(spans: Sequence[tuple[int, int]], plan: Sequence[tuple[str, int]], loop: bool) -> list[str]:
    """Roles by order: the palette's own form, begun again from A as long as bars are left."""
    count = len(spans)
    row = [role for role, _ in plan]
    if count == 1:
        return ["A"]
    if row[0] == "intro" and (count < 3 or spans[0][1] - spans[0][0] > 8):
        row = row[1:]
    body = [r for r in row if r != "intro"]
    cycle = [*row]
    while len(cycle) < count:
        cycle += ["A'" if r == "A" else r for r in body]
    roles = cycle[:count]
    if "B" not in roles and count >= 3:
        roles[-1 if loop else -2] = "B"
    if not loop and count >= 4 and spans[-1][1] - spans[-1][0] <= 4:
        roles[-1] = "outro"
    elif not loop and roles[-1] in ("build", "break"):  # what leads somewhere is no end
        roles[-1] = "B"
    if "A" not in roles:
        roles[next(i for i, r in enumerate(roles) if r != "intro")] = "A"
    return roles


def _by_energy(roles: Sequence[str], energies: Sequence[float]) -> list[str]:
    """The fullest section plays the B theme, an opening that is far from the quietest is no intro."""
    out = list(roles)
    count = len(out)
    if count < 2:
        return out
    top = max(range(1, count), key=lambda i: energies[i])
    if out[top] not in ("B", "A"):
        near = min((i for i, role in enumerate(out) if role == "B"), key=lambda i: abs(i - top), default=None)
        if near is not None:
            out[near] = out[top] if out[top] in ("A'", "break", "build") else "A'"
        out[top] = "B"
    if out[0] == "intro" and energies[0] > 0.6:
        out[0] = "A"
    seen = False
    for i, role in enumerate(out):
        if role == "break" and energies[i] > 0.6:
            out[i] = "A'"
        if out[i] in ("A", "A'"):
            out[i] = "A'" if seen else "A"
            seen = True
    return _contrasted(out, energies)


def _contrasted(roles: Sequence[str], energies: Sequence[float]) -> list[str]:
    """No theme three times running: the fullest of a long run of A becomes B, the emptier of two B an A'."""
    out = list(roles)
    for i in range(1, len(out)):
        if out[i] == out[i - 1] == "B":
            out[i if energies[i] < energies[i - 1] else i - 1] = "A'"
    for i in range(2, len(out)):
        if all(role in ("A", "A'") for role in out[i - 2 : i + 1]):
            out[max(i - 1, i, key=lambda k: energies[k])] = "B"
    return out


def _motion(video: VideoMap, start: float, end: float) -> float:
    row = video.flow[int(start * video.flow_hz) : max(int(start * video.flow_hz) + 1, int(end * video.flow_hz))]
    return sum(row) / len(row) if row else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """Percentile of each value among all, moved towards the value itself where they hardly differ."""
    if len(values) < 2 or max(values) - min(values) < 0.05:
        return [0.5 for _ in values]
    order = sorted(values)
    return [order.index(v) / (len(values) - 1) for v in values]


def _arc_at(arc: Sequence[ArcPoint], at: float, length: float) -> float:
    """Wanted intensity at second `at`: named seconds hold from there on, shares are joined by lines."""
    points = sorted(
        (((p.share or 0.0) * length if p.at_s is None else p.at_s, p.level, p.at_s is not None, p.grows) for p in arc),
        key=lambda p: p[0],
    )
    if at <= points[0][0]:
        return points[0][1] if not points[0][2] else 0.4
    for (t0, l0, _, grows), (t1, l1, stepped, _) in itertools.pairwise(points):
        if t0 <= at <= t1:
            return l0 if stepped and not grows else l0 + (l1 - l0) * (at - t0) / max(t1 - t0, 1e-6)
    return points[-1][1]


def _spread(values: Sequence[float], arousal: float, *, keep: bool) -> list[float]:
    """Give the sections a span of energy that is heard, around the arousal."""
    if len(values) < 2:
        return [min(0.9, max(0.35, 0.35 + 0.5 * arousal))] if not keep else list(values)
    low, high = min(values), max(values)
    if keep and high - low > 0.3:
        return [min(1.0, max(0.05, v)) for v in values]
    floor, ceiling = 0.20 + 0.10 * arousal, 0.74 + 0.25 * arousal
    span = max(high - low, 1e-6)
    return [floor + (ceiling - floor) * (v - low) / span if span > 0.02 else (floor + ceiling) / 2 for v in values]
