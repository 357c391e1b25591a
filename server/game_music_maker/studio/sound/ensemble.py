"""Playing one part: its strikes turned into sound, measured, and placed in the stereo field at the level asked for.

Each distinct tone is rendered once at the longest length that a strike needs, then placed as often as it is struck.
Sums are in a fixed order on one thread, so equal scores give equal samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import cos, log10, pi, sin

import numpy as np
from numpy.typing import NDArray

from . import dsp, envelope, roles
from .strike import Strike
from .tone import Source, Tone

Floats = NDArray[np.float32]

ONE_SHOT_S = 6.0
"""A drum rings this long at most."""
PRESENCE_S = 0.5
_BLOCK = 480
_TREBLE_HZ = 1_500.0
_WINDOW_S = 0.4
"""A note is as loud as its loudest stretch of this length (the momentary loudness of EBU R 128)."""
_DECLICK = 96
_SOFT_ATTACK_S, _FIRM = 0.022, 96
"""How much later the softest touch is there in full, and the velocity from which nothing is taken off the attack."""
_FLOOR = 10 ** (-64 / 20)


@dataclass(slots=True)
class Bus:
    """The layer that parts play into: `dry` shape (2, n), `send` to the room, shape (n,)."""

    dry: Floats
    send: Floats


@dataclass(frozen=True, slots=True)
class Level:
    """What a part measures before its gain: loudness while it plays in dB, and its presence, the energy between 1 and
    4 kHz in each `PRESENCE_S` from the start."""

    loudness: float
    presence: NDArray[np.float64]


@dataclass(slots=True)
class _Take:
    """One tone with all its strikes."""

    tone: Tone
    strikes: list[tuple[Strike, Tone, int]] = field(default_factory=list)
    wave: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    level: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    treble: Floats | None = None
    tops: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    """Highest value of each block of the wave and all after it, shape (blocks,)."""
    early: int = 0


class Player:
    """One part, ready to be measured and placed."""

    def __init__(self, source: Source, strikes: list[Strike], role: roles.Role, pan: float, rate: int) -> None:
        self._rate, self._role, self._pan = rate, role, pan
        self._takes: dict[object, _Take] = {}
        self._releases: dict[float, Floats] = {}
        self._space = np.empty((2, 0), np.float32)
        source.prepare([(s.key, s.vel) for s in strikes])
        self._gather(source, strikes)
        for take in self._takes.values():
            self._render(source, take)

    def _gather(self, source: Source, strikes: list[Strike]) -> None:
        sounding: dict[int, tuple[_Take, int]] = {}
        for strike in strikes:
            for tone in source.tones(strike.key, strike.vel, strike.cents, strike.length):
                take = self._takes.setdefault(tone.key, _Take(tone))
                length = round(ONE_SHOT_S * self._rate) if tone.one_shot else strike.length
                if tone.choke in sounding:
                    other, at = sounding[tone.choke]
                    cut, old, held = other.strikes[at]
                    other.strikes[at] = (cut, old, max(1, min(held, strike.start - cut.start)))
                take.strikes.append((strike, tone, length))
                if tone.choke:
                    sounding[tone.choke] = (take, len(take.strikes) - 1)

    def _render(self, source: Source, take: _Take) -> None:
        release = len(self._release(take.tone.release_s))
        longest = max(length for _, _, length in take.strikes)
        take.wave, take.level = source.render(take.tone, longest + release)
        if any(tone.top_db for _, tone, _ in take.strikes):
            take.treble = dsp.run(dsp.first_highpass(self._rate, _TREBLE_HZ), take.wave)
        take.tops = _tops(take.wave)
        take.early = _onset(take.wave, self._rate)

    def _release(self, seconds: float) -> Floats:
        if seconds not in self._releases:
            self._releases[seconds] = envelope.released(self._rate, seconds)
        return self._releases[seconds]

    def measure(self, *, presence: bool) -> Level | None:
        """Loudness while playing (K-weighted) and, where asked for, presence over time; None where nothing sounds.

        Loudness is that of each note's loudest stretch, whatever the faders do; presence that of all of it, because a
        plucked tune has to stand over a held chord as long as it rings.
        """
        weight = np.concatenate(
            [
                dsp.biquad("highshelf", self._rate, 1_682.0, gain_db=4.0),
                dsp.biquad("highpass", self._rate, 38.0, q=0.5),
            ]
        )
        band = _band(self._rate)
        loud = 0.0
        spans: list[tuple[int, int]] = []
        present: list[tuple[int, int, float]] = []
        for take in self._takes.values():
            played = take.wave * take.level
            head = round(1.5 * self._rate)
            sums, inside = _running(played, weight, head), _running(played, band, head) if presence else None
            for strike, tone, length in take.strikes:
                n = min(length, len(take.wave), round(_WINDOW_S * self._rate))
                gain = (tone.gain * strike.level) ** 2
                loud += gain * _loudest(sums, length, n)
                spans.append((strike.start, strike.start + n))
                if inside is not None:
                    whole = min(length, len(take.wave))
                    touch = (strike.fader * dsp.db(tone.top_db)) ** 2
                    present.append((strike.start, whole, gain * touch * _loudest(inside, whole, whole)))
        active = _union(spans)
        if not active or loud <= 0:
            return None
        return Level(10 * log10(loud / active), _spread(present, PRESENCE_S * self._rate))

    def place(
        self,
        bus: Bus,
        gain: float,
        send: float,
        *,
        inside: bool,
        origin: int,
        ride: Callable[[Strike], float] | None = None,
    ) -> None:
        """Add the strikes inside the loop (or those before it) to `bus`, whose frame `origin` is frame 0 of the score;
        `send` is the share of the level that goes to the room, `ride` the factor of a strike."""
        for take in self._takes.values():
            for strike, tone, length in take.strikes:
                if strike.inside == inside:
                    moved = gain if ride is None else gain * ride(strike)
                    self._place_one(bus, take, strike, tone, length, moved, send, origin)

    def _place_one(
        self, bus: Bus, take: _Take, strike: Strike, tone: Tone, length: int, gain: float, send: float, origin: int
    ) -> None:
        wave, level = take.wave, take.level
        held = min(length, len(wave))
        at = strike.start - take.early + origin
        release = self._release(0.03 if tone.choke and held < len(wave) else tone.release_s)
        n = min(_audible(take, held, release), bus.dry.shape[1] - max(at, 0))
        skip = max(0, -at)
        if n <= skip:
            return
        sound, part = self._scratch(n)
        if take.treble is None:
            sound[:] = wave[:n]
        else:
            np.multiply(take.treble[:n], np.float32(dsp.db(tone.top_db) - 1), out=sound)
            sound += wave[:n]
        sound[: min(held, n)] *= level[: min(held, n)]
        if n > held:
            sound[held:] *= release[: n - held]
            sound[held:] *= level[held - 1]
        _end_softly(sound)
        if tone.top_db < 0:
            _start_softly(sound, take.early, strike.vel, self._rate)
        at, sound, part = at + skip, sound[skip:], part[skip:]
        gain *= tone.gain * strike.level * strike.fader
        angle = (roles.pan_of(self._role, self._pan + tone.pan, strike.key) + 1) * pi / 4
        lines = [(bus.send, gain * send)] if send else []
        if strike.dry:
            lines += [(bus.dry[0], gain * cos(angle) * 2**0.5), (bus.dry[1], gain * sin(angle) * 2**0.5)]
        for line, share in lines:
            np.multiply(sound, np.float32(share), out=part)
            line[at : at + len(sound)] += part

    def _scratch(self, n: int) -> tuple[Floats, Floats]:
        """Two arrays of n frames, kept for the next strike: fresh memory would cost more than the arithmetic."""
        if self._space.shape[1] < n:
            self._space = np.empty((2, n), np.float32)
        return self._space[0, :n], self._space[1, :n]


def _end_softly(sound: Floats) -> None:
    k = min(_DECLICK, len(sound))
    if k:
        sound[-k:] *= np.linspace(1, 0, k, dtype=np.float32)


def _start_softly(sound: Floats, early: int, vel: int, rate: int) -> None:
    """A soft touch speaks more slowly: its first milliseconds rise."""
    k = min(len(sound), early + round(_SOFT_ATTACK_S * max(0.0, 1 - vel / _FIRM) * rate))
    if k > early:
        sound[:k] *= np.linspace(0, 1, k, dtype=np.float32)


def _running(wave: Floats, sections: dsp.Sections, head: int) -> NDArray[np.float64]:
    """Energy of the filtered wave up to each block's start, shape (blocks + 1,).

    Only the first `head` frames are filtered; after them the wave's own energy is taken with the ratio found there.
    """
    if not len(wave):
        return np.zeros(2)
    own = np.add.reduceat(np.square(wave), np.arange(0, len(wave), _BLOCK)).astype(np.float64)
    filtered = dsp.run(sections, wave[:head])
    blocks = np.add.reduceat(np.square(filtered), np.arange(0, len(filtered), _BLOCK)).astype(np.float64)
    late = slice(len(blocks) // 2, len(blocks))
    ratio = blocks[late].sum() / max(own[late].sum(), 1e-20)
    return np.concatenate([[0.0], np.cumsum(np.concatenate([blocks, own[len(blocks) :] * ratio]))])


def _loudest(sums: NDArray[np.float64], length: int, window: int) -> float:
    """The highest energy in `window` frames among the first `length`."""
    last, width = min(len(sums) - 1, -(-length // _BLOCK)), max(1, round(window / _BLOCK))
    if last <= width:
        return float(sums[last])
    return float((sums[width : last + 1] - sums[: last + 1 - width]).max())


@lru_cache(maxsize=4)
def _band(rate: int) -> dsp.Sections:
    """1–4 kHz, steep below: a low tune's fundamental is no presence."""
    edges: tuple[tuple[dsp.Kind, float], ...] = (("highpass", 1_000.0), ("highpass", 1_000.0), ("lowpass", 4_000.0))
    return np.concatenate([dsp.biquad(kind, rate, hz, q=q) for kind, hz in edges for q in (0.5412, 1.3066)])


def _spread(notes: list[tuple[int, int, float]], hop: float) -> NDArray[np.float64]:
    """Energy in each `hop` frames of notes (first frame, length, energy), each even over its length."""
    if not notes:
        return np.zeros(0)
    first, length, energy = np.array(notes, np.float64).T
    edges = np.arange(int((first + length).max() / hop) + 2) * hop
    share = np.clip((edges[:, None] - first) / length, 0.0, 1.0)
    found: NDArray[np.float64] = np.diff(share @ energy)
    return found


def _tops(wave: Floats) -> Floats:
    if not len(wave):
        return wave
    blocks = np.maximum.reduceat(np.abs(wave), np.arange(0, len(wave), _BLOCK))
    found: Floats = np.maximum.accumulate(blocks[::-1])[::-1]
    return found


def _audible(take: _Take, held: int, release: Floats) -> int:
    """Frames until the released tone is 64 dB below its peak for good, or until it ends."""
    end = min(held + len(release), len(take.wave))
    first = -(-held // _BLOCK)
    fade = release[first * _BLOCK - held : end - held : _BLOCK]
    left = take.tops[first : first + len(fade)] * fade[: len(take.tops) - first]
    loud = np.flatnonzero(left * take.level[held - 1] > take.tops[0] * _FLOOR)
    return min(end, (first + int(loud[-1]) + 1) * _BLOCK) if len(loud) else min(end, held + _BLOCK)


def _union(spans: list[tuple[int, int]]) -> int:
    """Frames covered by at least one span."""
    total, reach = 0, -1
    for start, end in sorted(spans):
        total += max(0, end - max(start, reach))
        reach = max(reach, end)
    return total


def _onset(wave: Floats, rate: int) -> int:
    """Frames of near-silence before a recorded attack speaks, at most 25 ms: the strike starts so much earlier."""
    head = np.abs(wave[: round(0.12 * rate)])
    if not len(head) or not head.max() > 0:
        return 0
    return min(int(np.argmax(head > 0.06 * head.max())), round(0.025 * rate))
