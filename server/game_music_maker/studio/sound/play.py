"""Playing a score: notes → stems of each layer → the mastered mix.

The way: strikes of each part (`schedule`) → tones rendered once and placed (`ensemble`) → the room of each layer
(`room`) → for a loop the tails folded back, ``y[n] = Σ x[n + kL]`` → stems → their sum → mastering (`master`).
Everything before mastering is linear and time-invariant from note to note, so the folded pass equals the steady state
of the endless loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidArgument
from ..music.score import LAYERS, Layer, Score
from . import medium, swing, twin
from .bank import Bank
from .dsp import db
from .master import Mastered, master
from .schedule import Clock
from .stage import Presence, Stage, zeros

Floats = NDArray[np.float32]
Progress = Callable[[float, str], None]
_LONG_FRAMES = 5 * 60 * 48_000


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
    stage = Stage(score, bank, rate, length, loop)
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


def _layers(stage: Stage, score: Score, kept: dict[Layer, Floats], tell: Progress) -> tuple[Floats, Floats]:
    """What all layers make together, shape (2, length), and what rings of the intro; each layer goes to `kept`."""
    mix, tail = np.zeros((2, stage.length), np.float32), np.zeros((2, stage.tail), np.float32)
    for i, layer in enumerate(stage.order):
        kept[layer], ringing = stage.alone([part for part in score.parts if part.layer == layer])
        mix += kept[layer]
        tail += ringing
        tell(0.2 * (i + 1), "playing")
    return mix, tail


def _both(stage: Stage, beside: bool, tell: Progress) -> tuple[Floats, Floats]:
    """What all parts make together, shape (2, length), and what rings of the intro: two halves, always summed in the
    same order, whoever plays them, and then in their room. The halves of a long piece go one after the other into the
    same memory."""
    ours, theirs = stage.halves()
    buses = stage.buses()
    if stage.length > _LONG_FRAMES:
        stage.play(ours, buses)
        tell(0.4, "playing")
        stage.play(theirs, buses)
        return stage.finish(buses)
    others = stage.buses(twin.shared if beside else zeros)
    levels = None
    if beside:

        def work(hear: Callable[[], Presence]) -> dict[str, float]:
            stage.play(theirs, others, lead=hear)
            return {part.id: stage.levels[part.id] for part in theirs if part.id in stage.levels}

        with twin.Twin(work) as other:
            stage.play(ours, buses, announce=other.tell)
            tell(0.7, "playing")
            levels = other.result()
    else:
        stage.play(ours, buses)
        tell(0.4, "playing")
    if levels is None:
        for bus in others:
            bus.dry[:], bus.send[:] = 0, 0  # of a copy that died over it
        stage.play(theirs, others)
    else:
        stage.levels.update(levels)
    for bus, more in zip(buses, others, strict=True):
        bus.dry += more.dry
        bus.send += more.send
    return stage.finish(buses)


def later_pass(score: Score, bank: Bank, *, passes: int = 3, rate: int = 48_000) -> Floats:
    """The last of `passes` passes of a loop played one after the other, not folded, before mastering, shape (n, 2).

    It is what the stems of `play` must add up to: the proof of the folding.

    Raises:
        InvalidArgument: the score has no loop.
    """
    loop = Clock(score, rate).loop
    if loop is None:
        raise InvalidArgument("The score has no loop.")
    stage = Stage(score, bank, rate, loop[0] + loop[1], loop, passes)
    total = np.zeros((2, loop[1]), np.float32)
    for layer in stage.order:
        total += stage.alone([part for part in score.parts if part.layer == layer])[0][:, loop[0] :]
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
