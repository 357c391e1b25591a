"""Metrics of rendered sound: loudness over time, contrast, low end, lead over pads, endings, novelty, delivery.

Sounds are float arrays, shape (n, 2), −1 … 1. Loudness after ITU-R BS.1770-4 (`sound.loudness`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal import butter, sosfiltfilt

from ..sound import dsp, loudness
from . import metrics, metrics_form, metrics_picture
from .score import Score

if TYPE_CHECKING:
    from ..footage import VideoMap

Sound = NDArray[np.float32]
Floats = NDArray[np.float64]

_TENTH = 10
_SHORT_S = 3.0
_WINDOW = 4096
_LONG_NOTE_S = 0.25
QUIET_DB = -120.0


def powers(mix: Sound, rate: int) -> Floats:
    """Mean K-weighted power of each full tenth of a second, channels summed."""
    meter = loudness.Meter(rate, mix.shape[1], peaks=False)
    for at in range(0, len(mix), 10 * rate):
        meter.feed(np.ascontiguousarray(mix[at : at + 10 * rate]))
    return meter.energies


def level(power: Floats, start_s: float, end_s: float) -> float:
    """Loudness in LUFS of a span of `powers`, ungated."""
    piece = power[max(0, round(start_s * _TENTH)) : max(1, round(end_s * _TENTH))]
    return loudness.lufs(float(piece.mean())) if len(piece) else QUIET_DB


def short_term(power: Floats, at_s: float) -> float:
    """Short-term loudness (3 s) around a moment, in LUFS."""
    return level(power, at_s - _SHORT_S / 2, at_s + _SHORT_S / 2)


def contrast(score: Score, power: Floats) -> float | None:
    """Loudest minus softest section in LU, by the mean of its short-term windows; None with one section of 3 s only."""
    found = []
    for s in score.sections:
        start, end = score.tempo.seconds(s.start_beat), score.tempo.seconds(s.start_beat + s.beats)
        if end - start > _SHORT_S:
            middles = np.arange(start + _SHORT_S / 2, end - _SHORT_S / 2 + 1e-6, 0.5)
            found.append(float(np.mean([short_term(power, float(t)) for t in middles])))
    return max(found) - min(found) if len(found) > 1 else None


def bar_loudness(score: Score, power: Floats) -> list[float]:
    """Short-term loudness around the middle of each bar, in LUFS."""
    bar = metrics.bar_beats(score)
    return [short_term(power, score.tempo.seconds((i + 0.5) * float(bar))) for i in range(metrics.bar_count(score))]


def band(mix: Sound, rate: int, low: float, high: float) -> Sound:
    """`mix` between two frequencies in Hz (fourth order, no phase shift); `low` 0 keeps everything below `high`."""
    edges = [low, high] if low > 0 else high
    sections = butter(4, edges, "bandpass" if low > 0 else "lowpass", fs=rate, output="sos")
    return np.asarray(sosfiltfilt(sections, mix, axis=0), np.float32)


def low_end_mono(mix: Sound, rate: int) -> float | None:
    """Share of the energy below 120 Hz that both channels share; None without low end (40 dB below the whole)."""
    low = band(mix, rate, 0.0, 120.0)
    middle, side = dsp.mono(low), (low[:, 0] - low[:, 1]) / 2
    shared, apart = float(np.vdot(middle, middle)), float(np.vdot(side, side))
    if shared + apart < 1e-4 * float(np.vdot(mix, mix)) / 2 or shared + apart == 0:
        return None
    return shared / (shared + apart)


def over(lead: Sound, pads: Sound, rate: int) -> float | None:
    """How far `lead` stands over `pads` between 1 and 4 kHz in dB, where both play; None where they never do."""
    hop = rate // _TENTH
    rows = []
    for sound in (lead, pads):
        piece = band(sound, rate, 1_000.0, 4_000.0)
        cut = piece[: len(piece) // hop * hop].reshape(-1, hop * piece.shape[1])
        rows.append(np.square(cut, dtype=np.float64).sum(axis=1))
    playing = (rows[0] > rows[0].max(initial=0) * 1e-3) & (rows[1] > rows[1].max(initial=0) * 1e-3)
    if not playing.any() or rows[0].max() <= 0 or rows[1].max() <= 0:
        return None
    return float(10 * np.log10(rows[0][playing].sum() / rows[1][playing].sum()))


def tail(mix: Sound, rate: int, last_onset_s: float) -> float:
    """How far the end has died away: the last onset's loudest 50 ms over the file's last 50 ms, in dB, at most 120."""
    hop = rate // 20
    start = min(max(0, round(last_onset_s * rate)), max(0, len(mix) - 2 * hop))
    piece = mix[start:]
    cut = piece[: len(piece) // hop * hop].reshape(-1, hop * piece.shape[1])
    power = np.square(cut, dtype=np.float64).mean(axis=1)
    end = float(np.square(mix[-hop:], dtype=np.float64).mean())
    return float(min(120.0, 10 * np.log10((power.max(initial=0) + 1e-15) / (end + 1e-15))))


def brightness(mix: Sound, rate: int) -> float:
    """Spectral centroid in Hz of the whole, weighted by magnitude, silent frames left out by their weight."""
    mono = dsp.mono(mix)
    frames = np.lib.stride_tricks.sliding_window_view(mono, _WINDOW)[:: 2 * _WINDOW]
    total = np.zeros(_WINDOW // 2 + 1)
    for at in range(0, len(frames), 128):
        total += np.abs(rfft(frames[at : at + 128] * np.hanning(_WINDOW).astype(np.float32), axis=1)).sum(axis=0)
    frequency = np.arange(len(total)) * rate / _WINDOW
    return float((frequency * total).sum() / total.sum()) if total.sum() > 0 else 0.0


def centroid_moves(sound: Sound, rate: int, spans: Sequence[tuple[float, float]]) -> float | None:
    """By how much the spectral centroid moves within a note: its standard deviation over its mean, the median of notes.

    Args:
        sound: one part alone. spans: (start, end) of its notes in seconds; those under 0.25 s are left out.

    Returns:
        0 for a raw waveform that stands still; None where no note is long enough or sounds.
    """
    mono = dsp.mono(sound)
    size, hop = 2048, 1024
    window = np.hanning(size).astype(np.float32)
    hertz = np.arange(size // 2 + 1) * rate / size
    found = []
    for start, end in spans:
        piece = mono[round((start + 0.02) * rate) : round(end * rate)]
        if end - start < _LONG_NOTE_S or len(piece) < size + 2 * hop:
            continue
        rows = np.abs(rfft(np.lib.stride_tricks.sliding_window_view(piece, size)[::hop] * window, axis=1))
        loud = rows.sum(axis=1)
        heard = loud > 0.03 * loud.max()
        if loud.max() > 1e-3 and heard.sum() >= 3:
            centre = (rows[heard] @ hertz) / loud[heard]
            found.append(float(centre.std() / centre.mean()))
    return float(np.median(found)) if found else None


def music_vectors(mix: Sound, rate: int, hz: float = 10.0) -> Floats:
    """Chroma and 16 mel bands of each tenth of a second, each half of unit length, shape (rows, 28)."""
    tones = metrics_form.chroma(mix, rate, hz)
    mono = np.pad(dsp.mono(mix), (_WINDOW // 2, _WINDOW))
    frequency = np.arange(_WINDOW // 2 + 1) * rate / _WINDOW
    mel = 2595 * np.log10(1 + frequency / 700)
    edges = np.linspace(2595 * np.log10(1 + 40 / 700), 2595 * np.log10(1 + 12_000 / 700), 17)
    place = np.digitize(mel, edges)
    bank = np.zeros((len(mel), 16))
    for k in range(16):
        bank[place == k + 1, k] = 1
    window = np.hanning(_WINDOW)
    rows = [np.abs(rfft(mono[at : at + _WINDOW] * window)) @ bank for at in _starts(len(tones), rate, hz)]
    bands = np.log1p(np.array(rows))
    return np.concatenate([_unit(tones), _unit(bands)], axis=1)


def _starts(count: int, rate: int, hz: float) -> list[int]:
    return [round(i * rate / hz) for i in range(count)]


def _unit(rows: Floats) -> Floats:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    found: Floats = np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 0)
    return found


def picture_vectors(video: VideoMap) -> Floats:
    """What the map keeps of the picture, ten rows a second: motion, brightness, and each scene as a direction of its
    own (it keeps no histograms; two scenes have no colour in common)."""
    count = max(1, int(video.duration * 10))
    spans = video.scenes or ((0.0, video.duration),)
    rows = np.zeros((count, 2 + len(spans)))
    for column, curve in ((0, video.flow), (1, video.luma)):
        if curve:
            at = np.minimum((np.arange(count) / 10 * video.flow_hz).astype(int), len(curve) - 1)
            rows[:, column] = np.asarray(curve, np.float64)[at]
    for k, (start, end) in enumerate(spans):
        rows[round(start * 10) : round(end * 10), 2 + k] = 1.0
    return rows


def event_curve(mix: Sound, rate: int, video: VideoMap) -> float:
    """How the moments at which the picture changes and those at which the music does belong together
    (`metrics_picture.event_correlation`), changes over half a second."""
    music = metrics_picture.novelty(music_vectors(mix, rate), 5)
    return metrics_picture.event_correlation(metrics_picture.novelty(picture_vectors(video), 5), music)


def null_db(mix: Sound, stems: Sequence[Sound]) -> float:
    """What is left of `mix` when the stems are taken away, over the mix, in dB; −200 where nothing is."""
    whole = np.zeros(mix.shape, np.float64)
    for stem in stems:
        whole += stem
    power = float(np.square(mix, dtype=np.float64).mean())
    rest = float(np.square(mix - whole).mean())
    return -200.0 if power <= 0 or rest <= 0 else max(-200.0, 10 * float(np.log10(rest / power)))


def ducked(music: Sound, under: Sound, spans: Sequence[tuple[float, float]], rate: int) -> float:
    """How far music goes down in `spans` (seconds): loudness of it as it was less that of it as mixed, in LU."""
    was, now = (_inside(powers(sound, rate), spans) for sound in (music, under))
    return loudness.lufs(was) - loudness.lufs(now)


def speech_over(own: Sound, music: Sound, spans: Sequence[tuple[float, float]], rate: int) -> float:
    """How far the footage's own sound stands over the music as mixed in `spans`, in LU."""
    own_power, music_power = (_inside(powers(sound, rate), spans) for sound in (own, music))
    return loudness.lufs(own_power) - loudness.lufs(music_power)


def _inside(power: Floats, spans: Sequence[tuple[float, float]]) -> float:
    at = np.arange(len(power)) / _TENTH
    used = np.zeros(len(power), bool)
    for start, end in spans:
        used |= (at >= start) & (at + 1 / _TENTH <= end + 1e-9)
    return float(power[used].mean()) if used.any() else 0.0


def measures(
    score: Score, mix: Sound, rate: int, video: VideoMap | None = None, groups: Mapping[str, Sound] | None = None
) -> dict[str, float]:
    """All measures of the sound that `gates.GATES` knows.

    Args:
        mix: the mastered piece, one pass with its intro. groups: pre-master sound of ``lead`` and ``pads`` alone.
            Spectra are taken of the first `metrics_form.LONGEST_S` seconds.
    """
    power = powers(mix, rate)
    head = mix[: round(metrics_form.LONGEST_S * rate)]
    found: dict[str, float | None] = {
        "contrast LU": contrast(score, power),
        "low end mono": low_end_mono(head, rate),
        "tail dB": None if score.loop else tail(mix, rate, _last_onset(score)),
    }
    if groups and "lead" in groups and "pads" in groups:
        found["lead over pads dB"] = over(groups["lead"], groups["pads"], rate)
    if groups and "lead" in groups:
        tune = [n for n in score.notes if any(p.id == n.part and p.role == "lead" for p in score.parts)]
        spans = [(score.tempo.seconds(n.beat), score.tempo.seconds(n.beat + n.dur_beats)) for n in tune]
        found["centroid moves"] = centroid_moves(groups["lead"], rate, spans)
    if len(mix) >= 40 * rate:
        found |= metrics_form.structureness(head, rate)
    if video is not None and video.flow:
        found["event curve"] = event_curve(head, rate, video)
        flow = metrics_picture.bar_flow(score, video)
        found["loudness rank"] = metrics_picture.spearman(flow, bar_loudness(score, power)[: len(flow)])
    whole = loudness.measure(mix, rate)
    found |= {
        "loudness error LU": abs(whole.integrated_lufs - score.lufs),
        "true peak dBTP": whole.true_peak_dbtp,
        "loudness range LU": whole.range_lu,
        "length error ms": 1000 * abs(len(mix) / rate - score.length_s),
    }
    return {name: value for name, value in found.items() if value is not None}


def _last_onset(score: Score) -> float:
    return max((score.tempo.seconds(n.beat) for n in score.notes), default=0.0)
