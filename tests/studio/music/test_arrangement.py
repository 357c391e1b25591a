"""How a piece is laid out: who plays when, what leads where, what the picture's moments do to the notes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from game_music_maker.contract.score import HitPlan, PaletteChoice, ScorePlan, SectionPlan
from game_music_maker.studio.footage import VideoMap
from game_music_maker.studio.music import arrange, melody, metrics, metrics_lines
from game_music_maker.studio.music.accents import answer_hits
from game_music_maker.studio.music.accompaniment import accompany, fitted
from game_music_maker.studio.music.band import assemble
from game_music_maker.studio.music.brief import Brief, read_brief
from game_music_maker.studio.music.chance import chance
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.contour import Wish, fit
from game_music_maker.studio.music.drums import CRASH, KICK, SNARE
from game_music_maker.studio.music.figure import Line, Task
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.melody import LeadNote, Room
from game_music_maker.studio.music.plan import make_plan, takes
from game_music_maker.studio.music.score import Chord, Hit, Note, Part, Score, Section
from game_music_maker.studio.music.tempo import Event, Limits, start
from game_music_maker.studio.music.voicing import voice

BAR = Fraction(4)
SONGS = ("boss_battle", "overworld_adventure", "town_village", "lofi_chill", "synthwave_racing", "fantasy_exploration")


def piece(palette: str, seed: int = 3, video: VideoMap | None = None, **given: object) -> Score:
    choice = PaletteChoice(scene=palette, style=palette)
    wanted = ScorePlan.model_validate({"seed": seed, "palette": choice, "length_s": 70, **given})
    return compose(make_plan(Brief(), video, given=wanted)[0], video)


def test_phrases_off_their_register_are_brought_there_and_keep_their_shape() -> None:
    chord = Chord(Fraction(0), Fraction(32), "I", (0, 4, 7), 0, (0, 2, 4, 5, 7, 9, 11))
    room = Room(BAR, 16, (48, 96), 72.0, library().palettes["town_village"], 0.5, 0.1)
    pitches = (84, 86, 88, 86, 84, 60, 62, 64, 62, 60)  # two phrases, an octave above and an octave below
    theme = [LeadNote(Fraction(i), Fraction(1), p, i // 5) for i, p in enumerate(pitches)]
    settled = melody.settled(theme, [chord], room, 72.0, None)
    for phrase in (0, 1):
        row = [n.pitch for n in settled if n.phrase == phrase]
        assert abs(sum(row) / len(row) - 72) < 3
        assert row[0] < row[2] > row[4]
    assert melody.settled(theme, [chord], room, 84.0, None)[:5] == theme[:5]  # what lies there already is left alone


PUZZLE = assemble(ScorePlan(palette=PaletteChoice(scene="puzzle_casual", style="puzzle_casual"), seed=0))
PLUCKED = [Line(Fraction(2 * i), Fraction(1, 4), 60, 0.0) for i in range(16)]  # two short notes a bar, eight bars
CALM = Section("A2", "A'", Fraction(32), 8, Fraction(32), 0.4, 0.1)


def test_held_chords_come_in_where_plucked_notes_are_all_there_is() -> None:
    held = [Line(4 * Fraction(i), BAR, 55, 0.0) for i in range(8)]
    rows = {"comp": PLUCKED, "bass": PLUCKED, "pad": held}
    everywhere = frozenset(range(8))
    none: frozenset[int] = frozenset()
    rests = {"comp": none, "bass": none, "pad": everywhere}
    assert arrange.joined(rows, rests, dict.fromkeys(rows, none), CALM, PUZZLE)["pad"] == none
    due = {"comp": none, "bass": none, "pad": frozenset(range(4))}  # its own rest stays
    assert arrange.joined(rows, rests, due, CALM, PUZZLE)["pad"] == frozenset(range(4))
    firm = {**rows, "comp": held, "bass": held}
    assert arrange.joined(firm, rests, dict.fromkeys(rows, none), CALM, PUZZLE)["pad"] == everywhere


def test_tones_ring_on_where_nothing_else_sounds() -> None:
    chords = [Chord(Fraction(8 * i), Fraction(8), "I", (0, 4, 7), 0, (0, 2, 4, 5, 7, 9, 11)) for i in range(4)]
    out = arrange.rung({"comp": PLUCKED, "bass": []}, chords, CALM, PUZZLE)
    assert [x.dur for x in out["comp"]] == [2] * 16
    covered = [Line(Fraction(0), Fraction(32), 40, 0.0)]
    assert arrange.rung({"comp": PLUCKED, "bass": covered}, chords, CALM, PUZZLE)["comp"] == PLUCKED
    alone = arrange.rung({"comp": [], "bass": PLUCKED}, chords, CALM, PUZZLE)
    assert [x.dur for x in alone["bass"]] == [2] * 16
    assert arrange.rung({"comp": PLUCKED, "bass": PLUCKED}, chords, CALM, PUZZLE)["bass"] == PLUCKED


def test_a_chord_whose_tones_come_one_by_one_has_all_of_them_in_soft_sections_too() -> None:
    chord = Chord(Fraction(0), BAR, "I", (0, 4, 7), 0, (0, 2, 4, 5, 7, 9, 11))
    task = Task([chord], BAR, (48, 72), 0.05, 1.0, 0.9, 1, chance(1, "pad"), play=("bloom",))
    assert {x.pitch % 12 for x in accompany("pad", task)} == {0, 4, 7}


def starts(score: Score) -> dict[str, Fraction]:
    return {p.id: min(n.beat for n in score.notes if n.part == p.id) for p in score.parts}


@pytest.mark.parametrize("palette", SONGS)
def test_parts_come_in_one_after_another_and_rest_at_times(palette: str) -> None:
    score = piece(palette)
    assert len(set(starts(score).values())) >= 3
    bars, bar = metrics.bar_count(score), metrics.bar_beats(score)
    for part in score.parts:
        if not part.drums and part.role not in ("drone", "perc", "fx"):
            heard = {int(n.beat // bar) for n in score.notes if n.part == part.id}
            assert len(heard) <= 0.9 * bars, part.role


def test_two_seeds_have_other_grooves_and_figures() -> None:
    rhythms = set()
    for seed in range(6):
        score = piece("sports_hype", seed)
        drums = next(p.id for p in score.parts if p.drums)
        first = score.sections[-1].start_beat
        rhythms.add(
            tuple(sorted((n.beat - first, n.pitch) for n in score.notes if n.part == drums and n.beat >= first))
        )
    assert len(rhythms) == 6


def test_every_figure_fits_every_bar() -> None:
    for group in library().figures.values():
        for rows in group.values():
            for bar in (Fraction(3), Fraction(4), Fraction(5), Fraction(7, 2)):
                row = fitted(rows, bar, False)
                assert len(row) % int(bar * 4) == 0
                assert row.strip("-.")


def test_palettes_name_figures_that_exist_and_grooves_of_their_length() -> None:
    known = {name for group in library().figures.values() for name in group}
    for palette in library().palettes.values():
        for part in palette.parts:
            assert set(part.play) <= known, palette.id
        for lanes in (palette.drums.lanes, *palette.drums.more):
            assert {len(row) for row in lanes.values()} == {palette.drums.steps}, palette.id


def _chord(beat: int, pcs: tuple[int, ...]) -> Chord:
    return Chord(Fraction(beat), BAR, "I", pcs, pcs[0], (0, 2, 4, 5, 7, 9, 11))


def test_a_shape_sings_over_the_chords() -> None:
    chords = [_chord(0, (0, 4, 7)), _chord(4, (7, 11, 2))]
    shape = [72, 77, 79, 77, 76, 81, 72, 71]
    wishes = [Wish(Fraction(i), Fraction(1), float(p), i % 2 == 0) for i, p in enumerate(shape)]
    line = fit(wishes, chords, (60, 84), leap_max=9)
    for wish, pitch in zip(wishes, line, strict=True):
        pcs = chords[int(wish.beat // 4)].pcs
        assert not wish.strong or pitch % 12 in pcs
        assert pitch % 12 in pcs or ((pitch - 1) % 12 not in pcs and (pitch + 1) % 12 not in pcs)
    moves = [b - a for a, b in pairwise(line)]
    assert all(a * b < 0 for a, b in pairwise(moves) if abs(a) >= 5)


def test_a_row_of_chords_leads_into_the_next_row() -> None:
    first = [(0, 4, 7), (5, 9, 0), (7, 11, 2)]
    second = [(9, 0, 4), (2, 5, 9)]
    before = voice(first, (52, 74), following=second[0])
    after = voice(second, (52, 74))
    parallels, move = metrics_lines.voice_leading([*before, *after])
    assert parallels == 0
    assert move <= 2.5


def test_riser_leads_to_a_reveal_and_the_chord_opens() -> None:
    hit = HitPlan(t=24.0, kind="reveal", weight=1.0, locked=True)
    score = piece("fantasy_exploration", hits=[hit.model_dump()])
    at = next(h.beat for h in score.hits)
    rise = [n for n in score.notes if n.part == "riser"]
    assert any(n.beat + n.dur_beats == at and n.dur_beats >= 4 for n in rise)
    assert not [n for n in compose_without(score, "riser") if n.part == "riser"]


def compose_without(score: Score, synth: str) -> list[object]:
    """The same with synthesisers excluded."""
    plan = ScorePlan(
        seed=score.seed, palette=PaletteChoice(style="fantasy_exploration"), length_s=70, excludes=("synth",),
        hits=(HitPlan(t=24.0, kind="reveal", weight=1.0, locked=True),),
    )  # fmt: skip
    return list(compose(make_plan(Brief(), None, given=plan)[0]).notes)


def test_silence_is_stop_time() -> None:
    score = piece("boss_battle", hits=[{"t": 30.0, "kind": "silence", "weight": 1.0, "locked": True}])
    at = next(h.beat for h in score.hits)
    until = (at // BAR + 1) * BAR
    until += BAR if until - at < 1 else 0
    assert [n for n in score.notes if n.beat == at]
    assert not [n for n in score.notes if at < n.beat < until]
    assert not [
        n for n in score.notes if n.beat <= at and n.beat + n.dur_beats > at + Fraction(1, 2) and n.beat < until
    ]


def test_the_lead_steps_back_while_somebody_speaks() -> None:
    quiet = VideoMap(duration=70.0, look="none")
    talk = quiet.model_copy(update={"speech": ((20.0, 50.0),)})

    def lead(video: VideoMap) -> list[int]:
        score = piece("town_village", video=video)
        spoken = [n for n in score.notes if n.part == "lead" and 20.2 < score.tempo.seconds(n.beat) < 49.8]
        return [n.pitch for n in spoken]

    assert len(lead(talk)) < 0.7 * len(lead(quiet))
    assert sum(lead(talk)) / len(lead(talk)) < sum(lead(quiet)) / len(lead(quiet)) - 3


def test_key_lift_moves_the_last_theme_and_the_last_chord() -> None:
    brief = read_brief("overworld adventure music with a key change at the end, 70 seconds, seed 5")
    plan, said = make_plan(brief, None)
    lifted = [s for s in plan.sections or () if s.lift]
    assert lifted
    assert any(sentence.startswith("The key rises") for sentence in map(str, said)) or said
    score = compose(plan)
    plain = compose(
        plan.model_copy(update={"sections": tuple(s.model_copy(update={"lift": 0}) for s in plan.sections or ())})
    )
    first = lifted[0].start_beat
    moved = {(n.pitch - m.pitch) % 12 for n, m in zip(_bass(score, first), _bass(plain, first), strict=True)}
    assert moved == {(lifted[0].lift or 0) % 12}
    before = [n for n in score.notes if n.beat < first - 8]
    assert before == [n for n in plain.notes if n.beat < first - 8]
    looped, _ = make_plan(read_brief("looping adventure music with a key change at the end, seed 5"), None)
    assert not any(s.lift for s in looped.sections or ())


def _bass(score: Score, first: float | None) -> list[object]:
    return sorted((n for n in score.notes if n.part == "bass" and n.beat >= (first or 0)), key=lambda n: n.beat)


def test_music_that_may_start_late_meets_more_cuts() -> None:
    cuts = [1.37 + k * 60 / 100 * 4 for k in range(8)]
    limits = Limits(100, 90, 110)
    found = start([Event(t, 1.0) for t in cuts], limits, BAR)
    away = (1.37 - found) % 2.4
    assert min(away, 2.4 - away) < 0.02
    given = ScorePlan(seed=1, palette=PaletteChoice(scene="overworld_adventure"), length_s=60, phase_s=1.5)
    score = compose(make_plan(Brief(), None, given=given)[0])
    assert score.tempo.seconds(0) == 1.5
    assert max(score.tempo.seconds(n.beat) for n in score.notes) < 60


def test_the_second_section_of_a_theme_keeps_its_tune_when_the_first_loses_it() -> None:
    plan, _ = make_plan(
        Brief(), None, given=ScorePlan(seed=4, palette=PaletteChoice(scene="farming_cozy"), length_s=80)
    )
    rows = list(plan.sections or ())
    rows[0] = rows[0].model_copy(update={"active": {**(rows[0].active or {}), "lead": False}})
    quiet = compose(plan.model_copy(update={"sections": tuple(rows)}))
    later = (plan.sections or (SectionPlan(),))[1].start_beat or 0
    assert [n for n in quiet.notes if n.beat >= later] == [n for n in compose(plan).notes if n.beat >= later]


def test_a_darker_take_is_in_no_brighter_mode() -> None:
    from game_music_maker.studio.music.affect import BRIGHTNESS

    for seed in range(5):
        rows = takes(read_brief(f"forest exploration, seed {seed}"), None, 4)
        modes = [BRIGHTNESS[plan.key.mode] for _, plan, _ in rows if plan.key and plan.key.mode]
        assert modes[3] <= modes[0]


def test_a_hit_in_soft_music_is_soft_and_has_no_cymbal() -> None:
    loud, soft = (_struck(palette) for palette in ("boss_battle", "scifi_ambient"))
    drums = [{n.pitch for n in row if n.part == "perc"} for row in (loud, soft)]
    assert drums[0] & {49, 55}
    assert soft
    assert not drums[1] & {49, 55, 36}
    assert max(n.vel for n in soft) <= max(n.vel for n in loud) - 20


def _struck(palette: str) -> list[Note]:
    """What begins on the hits of a piece, those on which the form itself opens a section left out."""
    hits = [HitPlan(t=9.0, kind="cut", weight=1.0), HitPlan(t=30.0, kind="cut", weight=1.0)]
    score = piece(palette, hits=hits, loop=False)
    beats = {hit.beat for hit in score.hits if hit.planned} - {s.start_beat for s in score.sections}
    return [n for n in score.notes if n.beat in beats]


def test_of_hits_close_together_the_last_one_gets_the_crash() -> None:
    times = [20.0, 20.9, 25.0]
    score = piece("boss_battle", hits=[{"t": t, "kind": "cut", "weight": 1.0, "locked": True} for t in times])
    first, second, alone = (h.beat for h in score.hits)
    struck = {
        beat: {n.pitch for n in score.notes if n.part == "perc" and n.beat == beat} for beat in (first, second, alone)
    }
    assert CRASH not in struck[first]
    assert CRASH in struck[second]
    assert all({KICK, SNARE} <= keys for keys in struck.values())


def test_an_accent_has_headroom() -> None:
    score = piece("epic_war", hits=[{"t": 20.0, "kind": "cut", "weight": 1.0, "locked": True}])
    at = score.hits[0].beat
    here = next(s for s in reversed(score.sections) if s.start_beat <= at)
    others = [n.vel for n in score.notes if n.beat != at and 0 <= n.beat - here.start_beat < here.beats]
    assert max(others) <= 112
    assert max(n.vel for n in score.notes if n.beat == at) >= 120


def test_drums_land_on_the_first_beat_of_a_loop_that_begins_with_little() -> None:
    opens = [n for n in piece("epic_war", seed=2, loop=True).notes if n.beat == 0]
    assert len({n.part for n in opens if n.part != "perc"}) < 3
    assert KICK in {n.pitch for n in opens if n.part == "perc"}


def test_a_whistle_sounds_in_its_own_octave() -> None:
    given = ScorePlan(seed=1, palette=PaletteChoice(scene="western_frontier"), length_s=40, instruments={"lead": 78})
    tune = [n.pitch for n in compose(make_plan(Brief(), None, given=given)[0]).notes if n.part == "lead"]
    assert min(tune) >= 72


def test_a_riser_is_as_strong_as_the_section_that_it_leads_to() -> None:
    def risen(energy: float) -> list[int]:
        section = {"bars": 4, "role": "A", "energy": energy}
        hit = {"t": 12.0, "beat": 24.0, "kind": "reveal", "weight": 1.0}
        score = piece("synthwave_racing", sections=[section, section, section], hits=[hit])
        return [n.vel for n in score.notes if n.part == "riser"]

    calm, full = risen(0.3), risen(1.0)
    assert calm
    assert max(calm) + 20 <= max(full)


def test_room_before_a_hit_is_no_hole() -> None:
    part, drums = Part("arp", "arp", 46, (48, 84), "mid"), Part("perc", "perc", 0, (27, 87), "mid", drums=True)
    pad = Part("pad", "pad", 48, (48, 72), "base")
    notes = {
        "arp": [Note("arp", Fraction(k, 2), Fraction(1, 2), 60, 80) for k in range(16)],
        "perc": [Note("perc", Fraction(k, 2), Fraction(1, 4), 42, 80) for k in range(16)],
        "pad": [],
    }
    hit = Hit(2.0, Fraction(4), "cut", 1.0, False, True, "")

    def before(held: list[Note]) -> int:
        _, out = answer_hits([part, drums, pad], notes | {"pad": held}, [hit], [], ScorePlan(meter="4/4"))
        return sum(3 < n.beat < 4 for row in out.values() for n in row)

    assert before([Note("pad", Fraction(0), Fraction(8), 60, 70)]) == 0
    assert before([]) == 2


@pytest.mark.parametrize(("palette", "low", "high"), [("chiptune_platformer", 4, 9), ("overworld_adventure", 9, 16)])
def test_the_tune_has_the_metre_of_its_bars_and_on_a_console_half_of_it(palette: str, low: int, high: int) -> None:
    for seed in range(3):
        score = piece(palette, seed)
        tune, bar = [n for n in score.notes if n.part == "lead"], metrics.bar_beats(score)
        firsts = [n.vel for n in tune if n.beat % bar == 0]
        between = [n.vel for n in tune if n.beat.denominator == 2]
        assert low < sum(firsts) / len(firsts) - sum(between) / len(between) < high
