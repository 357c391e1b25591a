"""Our own synthesised voices: in tune, band-limited, alive."""

from __future__ import annotations

import numpy as np
import pytest

from game_music_maker.errors import InvalidArgument
from game_music_maker.studio.sound import dsp
from game_music_maker.studio.sound.play import play
from game_music_maker.studio.sound.synth import CHIP_VOICES, VOICES, Synthesised

RATE = 48_000
EQ = np.zeros((0, 6), np.float32)
TONAL = sorted(set(VOICES) - {"noise", "riser", "impact", "fm_bell", "super_pad", "drone"})


def sound(name: str, key: int, seconds: float = 2.0, vel: int = 100) -> np.ndarray:
    voice = Synthesised(name, EQ, RATE)
    n = round(seconds * RATE)
    tone = voice.tones(key, vel, 0.0, n)[0]
    wave, level = voice.render(tone, n)
    return wave * level


def centroid(piece: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
    return float((power * np.fft.rfftfreq(len(piece), 1 / RATE)).sum() / (power.sum() + 1e-20))


@pytest.mark.parametrize("name", sorted(VOICES))
def test_every_voice_sounds_and_stays_in_bounds(name: str, bank, one_part) -> None:
    key = 36 if name in ("noise", "impact", "sub_bass", "saw_bass", "drone") else 60
    mix = play(one_part([(0, 4, key, 100)], synth=name), bank).mix
    assert np.isfinite(mix).all()
    assert 0.05 < np.abs(mix).max() <= 1.0
    assert abs(float(mix.mean())) < 0.01


@pytest.mark.parametrize("name", TONAL)
@pytest.mark.parametrize("key", [40, 57, 69])
def test_tonal_voices_are_in_tune(name: str, key: int) -> None:
    wave = sound(name, key)[4_800:14_400]
    hz = 440 * 2 ** ((key - 69) / 12)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 19))
    near = np.fft.rfftfreq(1 << 19, 1 / RATE)
    # saw_bass has an octave below; the fundamental itself is looked at.
    window = (near > hz / 2**0.25) & (near < hz * 2**0.25)
    found = near[window][spectrum[window].argmax()]
    assert abs(1200 * np.log2(found / hz)) < 10


@pytest.mark.parametrize("name", ["pulse12", "pulse25", "pulse50", "triangle"])
def test_high_notes_do_not_fold_back(name: str) -> None:
    hz = 440 * 2 ** ((96 - 69) / 12)
    wave = sound(name, 96, 0.3)[4_800:13_000]
    power = np.abs(np.fft.rfft(wave * np.blackman(len(wave)))) ** 2
    lines = np.fft.rfftfreq(len(wave), 1 / RATE)
    near_partial = np.abs(lines / hz - np.round(lines / hz)) * hz < 60
    between = power[~near_partial & (lines > 300)].max()
    assert 10 * np.log10(between / power.max()) < -50


@pytest.mark.parametrize("name", sorted(set(VOICES) - CHIP_VOICES))
def test_spectra_move_within_the_note(name: str) -> None:
    key = 36 if name in ("impact", "sub_bass", "saw_bass", "drone") else 60
    wave = sound(name, key, 3.0)
    found = [centroid(wave[at : at + 8_192]) for at in (1_200, 30_000, 60_000, 110_000)]
    assert max(found) > 1.05 * min(found)


@pytest.mark.parametrize("name", ["saw_lead", "saw_bass", "square_lead", "super_pad", "fm_bell"])
def test_velocity_opens_the_sound(name: str, bank, one_part) -> None:
    mix = play(one_part([(0, 1, 48, 30), (4, 1, 48, 120)], synth=name), bank).mix[:, 0]
    assert centroid(mix[98_400:116_000]) > 1.05 * centroid(mix[2_400:20_000])


def test_a_riser_grows_to_the_end_of_its_note_and_breaks_off() -> None:
    wave = sound("riser", 48, 3.0)
    levels = [dsp.to_db(float(np.sqrt(np.square(wave[at : at + 24_000]).mean()))) for at in range(0, 144_000, 24_000)]
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 20


def test_chip_drums_differ_by_key() -> None:
    kick, snare, hat = (sound("noise", key, 0.5) for key in (36, 38, 42))
    assert centroid(kick[:4_096]) < centroid(snare[:4_096]) < centroid(hat[:4_096]) * 1.5
    assert np.abs(hat[9_600:]).max(initial=0.0) < 0.01


def test_a_consoles_cymbals_fill_the_whole_band_and_ring_as_long_as_they_are_held() -> None:
    hat = centroid(sound("noise", 42, 0.5)[:2_048])
    for key in (49, 55, 57):
        cymbal = sound("noise", key, 0.5)
        assert centroid(cymbal[:2_048]) > 0.8 * hat
        assert np.std(cymbal[12_000:16_000]) > 0.25 * np.std(cymbal[:4_000])


def test_a_stroke_of_the_noise_channel_ends_with_its_note(bank, one_part) -> None:
    options = {"synth": "noise", "role": "perc", "drums": True, "range": (0, 127)}
    long, short = (play(one_part([(0, beats, 49, 100)], **options), bank).mix for beats in (4, 0.25))
    late = slice(12_000, 20_000)
    assert np.std(short[late]) < 0.02 * np.std(long[late])


def test_an_unknown_voice_is_refused_with_the_names(bank, one_part) -> None:
    with pytest.raises(InvalidArgument, match="theremin") as caught:
        play(one_part([(0, 1, 60, 90)], synth="theremin"), bank)
    assert "saw_lead" in caught.value.next


@pytest.mark.parametrize("instrument", [{"synth": "saw_lead"}, {"synth": "fm_bell"}, {"program": 4}, {"program": 25}])
def test_touch_changes_level_brightness_and_attack(instrument: dict[str, object], bank, one_part) -> None:
    mix = play(one_part([(0, 1, 57, 35), (4, 1, 57, 120)], **instrument), bank).mix[:, 0]
    soft, hard = mix[:24_000], mix[96_000:120_000]

    def rise(sound: np.ndarray) -> int:
        tops = np.maximum.accumulate(np.abs(sound[:9_600]))
        return int(np.argmax(tops > 0.5 * tops[-1]) - np.argmax(tops > 0.03 * tops[-1]))

    assert np.std(hard) > 4 * np.std(soft)
    assert centroid(hard[2_400:18_784]) > 1.05 * centroid(soft[2_400:18_784])
    assert rise(soft) > rise(hard) + 96


@pytest.mark.parametrize("name", ["saw_lead", "saw_bass", "square_lead", "sub_bass"])
def test_the_fundamental_of_leads_and_basses_stays(name: str) -> None:
    key = 36 if "bass" in name else 60
    hz = 440 * 2 ** ((key - 69) / 12)
    wave = sound(name, key, 4.0)
    turn = np.exp(-2j * np.pi * hz * np.arange(9_600) / RATE) * np.hanning(9_600)
    levels = [abs(np.vdot(turn, wave[at : at + 9_600])) for at in range(4_800, len(wave) - 9_600, 4_800)]
    assert 20 * np.log10(max(levels) / min(levels)) < 10


def test_a_long_note_that_the_bank_bends_upwards_sounds_to_its_end(bank, one_part) -> None:
    sound = np.abs(play(one_part([(0, 48, 53, 90)], program=96, seconds=24.5), bank).stems["high"]).max(axis=1)
    first, last = sound[: 2 * RATE].max(), sound[23 * RATE : 24 * RATE].reshape(10, -1).max(axis=1).min()
    assert 0.001 < last / first < 2
