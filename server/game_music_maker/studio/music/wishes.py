"""Wanted instruments to roles: which part of the palette plays what was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from .library import Palette, library

_SINGERS = ("violin", "flute", "recorder", "pan_flute", "whistle", "ocarina", "bamboo_flute", "oboe", "clarinet", "sax",
            "trumpet", "erhu", "bagpipe", "e_guitar", "synth", "chip", "bassoon", "cello", "horn",
            "trombone", "woodwinds")  # fmt: skip
_HOLDERS = ("strings", "choir", "vocals", "brass", "organ", "pad", "accordion")
_PLUCKERS = ("piano", "e_piano", "harpsichord", "guitar", "harp", "guzheng", "pipa", "marimba", "vibraphone", "kalimba",
             "banjo", "sitar", "pizzicato", "celesta", "music_box", "bells")  # fmt: skip
_ROLES = {
    **dict.fromkeys(_SINGERS, ("lead", "counter", "color")),
    **dict.fromkeys(_HOLDERS, ("pad", "choir", "brass", "low_brass", "counter")),
    **dict.fromkeys(_PLUCKERS, ("comp", "arp", "keys", "piano", "pluck", "ostinato", "harmony", "color", "lead")),
    "bass": ("bass",), "taiko": ("pulse",), "timpani": ("pulse",),
    "choir": ("choir", "pad"), "vocals": ("choir", "pad"),
}  # fmt: skip


def assign(wanted: Sequence[str], scene: Palette, style: Palette) -> dict[str, int]:
    """Role → program for the wanted instrument words; a wish without a fitting role opens a new part."""
    tables = library().instruments
    specs = {spec.role: spec for palette in (style, scene) for spec in palette.parts if spec.gm != "drums"}
    have = {spec.role for spec in scene.parts} if not style.id.startswith("chiptune") else {s.role for s in style.parts}
    out: dict[str, int] = {}
    for word in wanted:
        instrument = tables.get(word)
        if instrument is None or not instrument.gm:
            continue
        role = next(
            (r for r, s in specs.items() if r in have and r not in out and set(instrument.gm) & set(s.gm)), None
        )
        choices = _ROLES.get(word, ("counter", "pad"))
        role = role or next((r for r in choices if r in have and r not in out), None)
        role = role or next((r for r in choices if r not in out), None) or choices[0]
        out[role] = instrument.gm[0]
    return out
