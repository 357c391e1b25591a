"""What palettes, moods, instruments and keys are called, in the user's language: the first names of the tables."""

from __future__ import annotations

from ..replies import Said, say
from .library import Instrument, Mood, Palette


def _named(en: str, zh: str) -> Said:
    return say("name", en=en, zh=zh)


def palette_name(palette: Palette) -> Said:
    return _named(palette.names["en"].lower(), palette.names["zh"])


def mood_name(mood: Mood) -> Said:
    return _named(mood.en[0], mood.zh[0])


def instrument_name(instrument: Instrument) -> Said:
    return _named(instrument.en[0], instrument.zh[0])


def key_name(tonic: str, mode: str) -> Said:
    """ "D minor", "D 小调"."""
    return say("key", tonic=tonic, mode=say(f"mode.{mode}"))
