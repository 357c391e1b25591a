"""Playing a score: notes → stems of each layer → the mastered mix.

The way: strikes of each part (`schedule`) → tones rendered once and placed (`ensemble`) → the room of each layer
(`room`) → for a loop the tails folded back, ``y[n] = Σ x[n + kL]`` → stems → their sum → mastering (`master`).
Everything before mastering is linear and time-invariant from note to note, so the folded pass equals the steady state
of the endless loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidArgument
from ..music.score import LAYERS, Layer, Part, Score
from . import medium, roles, room, source, swing, twin
from .bank import Bank
from .dsp import db
from .ensemble import Bus, Level, Player
from .master import Mastered, master
from .rides import Rides
from .schedule import Clock, strikes
from .strike import Strike

Floats = NDArray[np.float32]
Progress = Callable[[float, str], None]

_REFERENCE_DB = -24.0
_LEAD_OVER_PADS_DB = 4.5
_MOST_CORRECTION_DB = 24.0
_NOMINAL_SEND = 0.3
_PRE_ROLL = 4_096
_TAIL_S = 0.3
_MAKING = 5.0
"""Making a tone costs so many times as much as placing it."""


@dataclass(frozen=True, slots=True)
class Played:
    """A score as sound.

    Attributes:
        stems: layer → float32 (n, 2), before mastering; their sum is the pre-master mix (where there is an intro, its
            ringing over the pass left out). Layers without parts are silent.
        mix: float32 (n, 2), mastered: one pass, with its intro (which rings on over the pass).
        loop: (first frame, length) of the part that repeats, or None.
        steady: the mastered pass as it sounds once it repeats, (length, 2): what an engine loops; None without a loop.
        intro_tail: what rings of the intro after its last frame, mastered, (m, 2); None without an intro.
        rate: frames a second. levels: part id → gain in dB that the balance gave it.
        onsets: seconds at which each note of the score starts in `mix`, shape (notes,).
        mastered: what mastering did and the loudness of `mix`.
    """

    stems: dict[Layer, Floats]
    mix: Floats
    loop: tuple[int, int] | None
    rate: int
    levels: dict[str, float]
    onsets: NDArray[np.float64]
    mastered: Mastered
    steady: Floats | None = None
    intro_tail: Floats | None = None


def play(
    score: Score,
    bank: Bank,
    *,
    rate: int = 48_000,
    stems: bool = True,
    beside: bool = False,
    progress: Progress | None = None,
) -> Played:
    """Play `score` on `bank`.

    Args:
        rate: frames a second. progress: told (share, stage); may raise `Cancelled`.
        stems: keep each layer; without, `Played.stems` is empty, and two halves of the parts are played instead of
            four layers. beside: one of the halves by a twin of this process, where that is possible.

    Raises:
        InvalidArgument: a part names a synthesised voice that there is none of.
    """
    tell = progress or (lambda share, stage: None)
    loop = Clock(score, rate).loop
    length = loop[0] + loop[1] if loop else max(1, round(score.length_s * rate))
    stage = _Stage(score, bank, rate, length, loop)
    ending = None if loop else _ending(score, length, rate)
    kept: dict[Layer, Floats] = {}
    if stems:
        mix, tail = _layers(stage, score, kept, tell)
    else:
        mix, tail = _both(stage, beside and twin.possible(), tell)
    through = medium.of(score.palette)
    if through is not None:
        layers = [(stem, layer == LAYERS[0]) for layer, stem in kept.items()]
        _through(through, score.seed, rate, [(mix, True), *layers], loop)
    if ending is not None:
        for sound in (mix, *kept.values()):
            sound *= ending
    result = master(mix, rate, lufs=score.lufs, loop=loop, range_lu=swing.wanted(score))
    steady = None
    if loop is not None:
        steady = mix[:, loop[0] :]
        if loop[0]:
            steady = steady.copy()
            tail *= np.float32(db(result.gain_db))
            k = min(tail.shape[1], loop[1])
            mix[:, loop[0] : loop[0] + k] += tail[:, :k]
    tell(1.0, "mastering")
    return Played(
        stems={layer: kept[layer].T for layer in LAYERS if stems},
        mix=mix.T,
        loop=loop,
        rate=rate,
        levels=stage.levels,
        onsets=_onsets(score, rate),
        mastered=result,
        steady=None if steady is None else steady.T,
        intro_tail=tail.T if loop is not None and loop[0] else None,
    )


def _layers(stage: _Stage, score: Score, kept: dict[Layer, Floats], tell: Progress) -> tuple[Floats, Floats]:
    """What all layers make together, shape (2, length), and what rings of the intro; each layer goes to `kept`."""
    mix, tail = np.zeros((2, stage.length), np.float32), np.zeros((2, stage.tail), np.float32)
    for i, layer in enumerate(stage.order):
        kept[layer], ringing = stage.play([part for part in score.parts if part.layer == layer])
        mix += kept[layer]
        tail += ringing
        tell(0.2 * (i + 1), "playing")
    return mix, tail


def _both(stage: _Stage, beside: bool, tell: Progress) -> tuple[Floats, Floats]:
    """What all parts make together, shape (2, length), and what rings of the intro: two halves, always summed in the
    same order, whoever plays them."""
    ours, theirs = stage.halves()
    if not beside:
        mix, tail = stage.play(ours)
        tell(0.4, "playing")
        stem, ringing = stage.play(theirs)
        mix += stem
        tail += ringing
        return mix, tail
    stem, ringing = twin.shared((2, stage.length)), twin.shared((2, stage.tail))

    def work(hear: Callable[[], float | None]) -> dict[str, float]:
        stem[:], ringing[:] = stage.play(theirs, lead=hear)
        return {part.id: stage.levels[part.id] for part in theirs if part.id in stage.levels}

    with twin.Twin(work) as other:
        mix, tail = stage.play(ours, announce=other.tell)
        tell(0.7, "playing")
        levels = other.result()
    if levels is None:
        stem, ringing = stage.play(theirs)
    else:
        stage.levels.update(levels)
    mix += stem
    tail += ringing
    return mix, tail


def later_pass(score: Score, bank: Bank, *, passes: int = 3, rate: int = 48_000) -> Floats:
    """The last of `passes` passes of a loop played one after the other, not folded, before mastering, shape (n, 2).

    It is what the stems of `play` must add up to: the proof of the folding.

    Raises:
        InvalidArgument: the score has no loop.
    """
    loop = Clock(score, rate).loop
    if loop is None:
        raise InvalidArgument("The score has no loop.")
    stage = _Stage(score, bank, rate, loop[0] + loop[1], loop, passes)
    total = np.zeros((2, loop[1]), np.float32)
    for layer in stage.order:
        total += stage.play([part for part in score.parts if part.layer == layer])[0][:, loop[0] :]
    through = medium.of(score.palette)
    if through is not None:
        _through(through, score.seed, rate, [(total, True)], None)
    return total.T


def _through(
    through: medium.Medium, seed: int, rate: int, sounds: list[tuple[Floats, bool]], loop: tuple[int, int] | None
) -> None:
    """Sounds of shape (2, n), the mix first, as the medium gives them, in place; those marked get its noise bed. Of a
    loop, what lies ahead of it and its pass are periods of their own."""
    first = loop[0] if loop else 0
    for sound, _ in sounds if through.wow else ():
        for span in (sound[:, :first], sound[:, first:]):
            span[:] = medium.wobble(span, through.wow, rate)
    pass_ = sounds[0][0][:, first:]
    level = float(np.sqrt(np.square(pass_).mean())) * db(through.bed_db)
    noise = medium.bed(pass_.shape[1], rate, seed) * np.float32(level)
    ahead = np.arange(-first, 0) % noise.shape[1]
    for sound, bedded in sounds:
        if bedded:
            sound[:, first:] += noise
            sound[:, :first] += noise[:, ahead]


def _balance(role: roles.Role, level: Level, gain_db: float, lead_presence: float | None) -> float:
    """The part's gain in dB: every part equally loud by measurement, then the score's level and the role's; sustained
    parts are kept under `lead_presence`, the share of the lead's presence that is left to each of them."""
    equal = _REFERENCE_DB - level.loudness
    wanted = max(-_MOST_CORRECTION_DB, min(_MOST_CORRECTION_DB, equal)) + role.level + gain_db
    if role.sustained and lead_presence is not None:
        wanted = min(wanted, lead_presence - _LEAD_OVER_PADS_DB - level.presence)
    return wanted


class _Stage:
    """Plays some of the parts after others, so that only their tones and buses are in memory at a time.

    `length` of the sound and `tail` of what rings of its intro, in frames; `levels`: part id → gain in dB.
    """

    def __init__(
        self, score: Score, bank: Bank, rate: int, length: int, loop: tuple[int, int] | None, passes: int = 0
    ) -> None:
        """`passes` above 0 plays the loop so many times in a row instead of folding it, once more for what sounds
        ahead of a beat, and keeps the last pass but that."""
        self._passes = passes
        self._score, self._bank, self._rate, self._loop = score, bank, rate, loop
        reverb = score.reverb
        dry = reverb.wet <= 0 or reverb.rt60 <= 0 or reverb.type == "none"
        self._response = None if dry else room.impulse(reverb, rate)
        self._rides = Rides(score)
        self._lead: float | None = None
        held = sum(roles.of(part.role).sustained for part in score.parts)
        self._held = 10 * log10(max(1, held))
        self._struck: dict[str, list[Strike]] = {}
        self._ringing = round((_TAIL_S + 8.0) * rate) + (0 if self._response is None else self._response.shape[1])
        self.length = length
        self.tail = self._ringing if loop is not None and loop[0] else 0
        self.levels: dict[str, float] = {}
        leading = {part.layer for part in score.parts if part.role == "lead"}
        self.order: list[Layer] = sorted(LAYERS, key=lambda layer: layer not in leading)
        """Leads first, because pads are set against them."""

    def halves(self) -> tuple[list[Part], list[Part]]:
        """The parts in two groups of about equal work; the leads are in the first."""
        halves: tuple[list[Part], list[Part]] = ([], [])
        work = [0.0, 0.0]
        costs = {part.id: _cost(self._strikes(part)) for part in self._score.parts}
        for part in sorted(self._score.parts, key=lambda part: (part.role != "lead", -costs[part.id], part.id)):
            half = 0 if part.role == "lead" or work[0] <= work[1] else 1
            halves[half].append(part)
            work[half] += costs[part.id]
        return halves

    def play(
        self,
        parts: Sequence[Part],
        *,
        lead: Callable[[], float | None] | None = None,
        announce: Callable[[float | None], None] | None = None,
    ) -> tuple[Floats, Floats]:
        """The sound of `parts`, shape (2, length), and what rings of the intro after it, shape (2, tail).

        Args:
            lead: asked for the lead's presence where it is not among `parts`. announce: told it as soon as it is known.
        """
        if self._loop is None:
            body, intro = self._bus(self.length), None
        else:
            first, span = self._loop
            body = self._bus(span * (self._passes + 1) + self._ringing + _PRE_ROLL)
            intro = self._bus(first + self._ringing) if first else None
        for part in (part for part in parts if part.role == "lead"):
            self._part(part, body, intro)
        if announce is not None:
            announce(self._lead)
        rest = [part for part in parts if part.role != "lead"]
        for part in sorted(rest, key=lambda part: roles.of(part.role).sustained):
            if lead is not None and roles.of(part.role).sustained:
                self._lead, lead = lead(), None
            self._part(part, body, intro)
        self._reverberate(body)
        if self._loop is None:
            return body.dry, np.zeros((2, 0), np.float32)
        first, span = self._loop
        last = _PRE_ROLL + span * max(0, self._passes - 1)
        if not self._passes:
            fold(body.dry, span, _PRE_ROLL)
        folded = body.dry[:, last : last + span]
        if intro is None:
            return folded, np.zeros((2, 0), np.float32)
        self._reverberate(intro)
        return np.concatenate([intro.dry[:, :first], folded], axis=1), intro.dry[:, first:]

    def _strikes(self, part: Part) -> list[Strike]:
        if part.id not in self._struck:
            self._struck[part.id] = strikes(self._score, part, self._rate, self._rides)
        return self._struck[part.id]

    def _bus(self, frames: int) -> Bus:
        return Bus(np.zeros((2, frames), np.float32), np.zeros(frames, np.float32))

    def _part(self, part: Part, body: Bus, intro: Bus | None) -> None:
        struck = self._strikes(part)
        role = roles.of(part.role)
        player = Player(source.of(part, self._bank, self._score, self._rate), struck, role, part.pan, self._rate)
        level = player.measure()
        if level is None:
            return
        under = None if self._lead is None else self._lead - self._held
        gain = _balance(role, level, part.gain_db, under)
        if part.role == "lead" and self._lead is None:
            self._lead = level.presence + gain
        self.levels[part.id] = gain
        for k in range(self._passes + 1):
            origin = _PRE_ROLL - self._loop[0] + k * self._loop[1] if self._loop else 0
            player.place(body, db(gain), part.send / _NOMINAL_SEND, inside=True, origin=origin)
        if intro is not None:
            player.place(intro, db(gain), part.send / _NOMINAL_SEND, inside=False, origin=0)

    def _reverberate(self, bus: Bus) -> None:
        if self._response is not None:
            room.convolve_into(bus.dry, bus.send, self._response, self._score.reverb.wet)


def _cost(struck: Sequence[Strike]) -> float:
    """What a part costs to play, in frames: each distinct tone is made once, each strike placed."""
    tones: dict[tuple[int, float], int] = {}
    for strike in struck:
        key = strike.key, strike.cents
        tones[key] = max(tones.get(key, 0), strike.length)
    return _MAKING * sum(tones.values(), 0.0) + sum(strike.length for strike in struck)


def fold(sound: Floats, span: int, pre: int = 0) -> None:
    """``y[n] = Σ_k x[n + k · span]`` in place, for a sound of shape (2, m) whose frame 0 of the loop is frame `pre`.

    The pass is then in frames `pre` … `pre + span`.
    """
    loop = sound[:, pre : pre + span]
    loop[:, span - pre :] += sound[:, :pre]
    for at in range(pre + span, sound.shape[1], span):
        piece = sound[:, at : at + span]
        loop[:, : piece.shape[1]] += piece


def _ending(score: Score, n: int, rate: int) -> Floats:
    """The level of a piece without a loop, shape (n,): no click at either end; the last notes and their room die away
    by 40 dB or more before it ends."""
    clock = Clock(score, rate)
    struck = max((clock.frame(note.beat) for note in score.notes), default=0.0)
    held = max((clock.frame(note.beat + note.dur_beats) for note in score.notes), default=0.0)
    # From where the last notes are let go, at the latest 0.8 s before the end, but not into their attack.
    release = min(n, round(max(struck + 0.25 * rate, min(held, n - 0.8 * rate))))
    curve = np.ones(n, np.float32)
    if n > release:
        t = np.linspace(0, 1, n - release, dtype=np.float32)
        curve[release:] = 10 ** (-2.7 * t**2.2)
    if score.ending == "fade":
        k = min(n // 2, round(8 * rate))
        curve[n - k :] *= np.cos(np.linspace(0, np.pi / 2, k, dtype=np.float32)) ** 2
    k = min(n, round(0.03 * rate))
    curve[n - k :] *= np.linspace(1, 0, k, dtype=np.float32)
    k = min(n, round(0.002 * rate))
    curve[:k] *= np.linspace(0, 1, k, dtype=np.float32)
    return curve


def _onsets(score: Score, rate: int) -> NDArray[np.float64]:
    clock = Clock(score, rate)
    return np.array([clock.frame(n.beat) / rate + n.micro_ms / 1000 for n in score.notes], np.float64)
