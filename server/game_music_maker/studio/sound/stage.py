"""The stage: parts of a score played into buses, the room round them, and the folding of a loop's tails.

Everything here is linear and time-invariant from note to note, so the folded pass equals the steady state of the
endless loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log10

import numpy as np
from numpy.typing import NDArray

from ..music.score import LAYERS, Layer, Part, Score
from . import roles, room, source
from .bank import Bank
from .dsp import db
from .ensemble import PRESENCE_S, Bus, Level, Player
from .rides import Rides
from .schedule import strikes
from .strike import Strike

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Presence = list[float] | None

_REFERENCE_DB = -24.0
_LEAD_OVER_PADS_DB = 5.5
_MOST_CORRECTION_DB = 24.0
_HEARD = 1e-3
"""Share of the loudest from which a stretch counts as playing (−30 dB)."""
_TAIL_SHARE = 0.1
"""Of a note's energy, what its room still holds half a second later at first."""
_NOMINAL_SEND = 0.3
_PRE_ROLL = 4_096
_TAIL_S = 0.3
_MAKING = 5.0
"""Making a tone costs so many times as much as placing it."""


def zeros(shape: tuple[int, int]) -> Floats:
    """Memory of this process for a bus."""
    return np.zeros(shape, np.float32)


def _balance(role: roles.Role, level: Level, gain_db: float) -> float:
    """The part's gain in dB: every part equally loud by measurement, then the score's level and the role's."""
    equal = _REFERENCE_DB - level.loudness
    return max(-_MOST_CORRECTION_DB, min(_MOST_CORRECTION_DB, equal)) + role.level + gain_db


def _heard_lead(lead: Doubles, rt60: float) -> NDArray[np.bool_]:
    """In which `PRESENCE_S` the lead is heard. Its room counts as its sound: what it leaves behind is heard against a
    pad as well."""
    heard, ringing = np.zeros(len(lead)), 0.0
    fall = 10 ** (-6 * PRESENCE_S / rt60) if rt60 > 0 else 0.0
    for k, now in enumerate(lead):
        heard[k] = max(now, ringing)
        ringing = heard[k] * min(fall, _TAIL_SHARE if now >= ringing else 1.0)
    found: NDArray[np.bool_] = heard > _HEARD * heard.max(initial=0.0)
    return found


def _room_under(lead: Doubles, pad: Doubles, heard: NDArray[np.bool_]) -> float | None:
    """By how many dB the presence of `lead` stands over that of `pad` where both sound; None where they never do."""
    n = min(len(lead), len(pad))
    both = heard[:n] & (pad[:n] > _HEARD * pad.max(initial=0.0))
    if not both.any() or lead[:n][both].sum() <= 0:
        return None
    return float(10 * np.log10(lead[:n][both].sum() / pad[:n][both].sum()))


class Stage:
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
        self._lead: Presence = None
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

    def buses(self, make: Callable[[tuple[int, int]], Floats] = zeros) -> list[Bus]:
        """Silent buses: of the piece or the loop, and of the intro where there is one; `make` gives their zeros."""
        frames = [self.length]
        if self._loop is not None:
            first, span = self._loop
            frames = [span * (self._passes + 1) + self._ringing + _PRE_ROLL]
            frames += [first + self._ringing] if first else []
        return [Bus(make((2, n)), make((1, n))[0]) for n in frames]

    def play(
        self,
        parts: Sequence[Part],
        buses: Sequence[Bus],
        *,
        lead: Callable[[], Presence] | None = None,
        announce: Callable[[Presence], None] | None = None,
    ) -> None:
        """Play `parts` into `buses`.

        Args:
            lead: asked for the lead's presence where it is not among `parts`. announce: told it as soon as it is known.
        """
        for part in (part for part in parts if part.role == "lead"):
            self._part(part, buses)
        if announce is not None:
            announce(self._lead)
        rest = [part for part in parts if part.role != "lead"]
        for part in sorted(rest, key=lambda part: roles.of(part.role).sustained):
            if lead is not None and roles.of(part.role).sustained:
                self._lead, lead = lead(), None
            self._part(part, buses)

    def alone(self, parts: Sequence[Part]) -> tuple[Floats, Floats]:
        """`parts` in their room; see `finish`."""
        buses = self.buses()
        self.play(parts, buses)
        return self.finish(buses)

    def finish(self, buses: Sequence[Bus]) -> tuple[Floats, Floats]:
        """The room and the folding: the sound of `buses`, shape (2, length), and what rings of the intro, (2, tail)."""
        for bus in buses:
            self._reverberate(bus)
        dry = buses[0].dry
        if self._loop is None:
            return dry, np.zeros((2, 0), np.float32)
        first, span = self._loop
        last = _PRE_ROLL + span * max(0, self._passes - 1)
        if not self._passes:
            fold(dry, span, _PRE_ROLL)
        folded = dry[:, last : last + span]
        if len(buses) == 1:
            return folded, np.zeros((2, 0), np.float32)
        intro = buses[1].dry
        return np.concatenate([intro[:, :first], folded], axis=1), intro[:, first:]

    def _strikes(self, part: Part) -> list[Strike]:
        if part.id not in self._struck:
            self._struck[part.id] = strikes(self._score, part, self._rate, self._rides)
        return self._struck[part.id]

    def _part(self, part: Part, buses: Sequence[Bus]) -> None:
        struck = self._strikes(part)
        role = roles.of(part.role)
        player = Player(source.of(part, self._bank, self._score, self._rate), struck, role, part.pan, self._rate)
        level = player.measure(presence=role.sustained or part.role == "lead")
        if level is None:
            return
        gain = _balance(role, level, part.gain_db)
        back = self._step_back(level, gain) if role.sustained else None
        if part.role == "lead" and self._lead is None:
            self._lead = (level.presence * db(gain) ** 2).tolist()
        self.levels[part.id] = gain
        for k in range(self._passes + 1):
            origin = _PRE_ROLL - self._loop[0] + k * self._loop[1] if self._loop else 0
            player.place(buses[0], db(gain), part.send / _NOMINAL_SEND, inside=True, origin=origin, ride=back)
        for intro in buses[1:]:
            player.place(intro, db(gain), part.send / _NOMINAL_SEND, inside=False, origin=0, ride=back)

    def _step_back(self, level: Level, gain: float) -> Callable[[Strike], float] | None:
        """The ride of a sustained part at `gain`: notes under the lead step back until it stands over them, the others
        keep their level. None where nothing has to."""
        if self._lead is None:
            return None
        lead = np.array(self._lead)
        heard = _heard_lead(lead, 0.0 if self._response is None else self._score.reverb.rt60)
        left = _room_under(lead, level.presence, heard)
        missing = 0.0 if left is None else gain - (left - _LEAD_OVER_PADS_DB - self._held)
        if missing <= 0:
            return None
        factor, hop = db(-missing), PRESENCE_S * self._rate

        def ride(strike: Strike) -> float:
            first, last = int(strike.start / hop), int((strike.start + strike.length) / hop)
            return factor if heard[first : last + 1].any() else 1.0

        return ride

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
