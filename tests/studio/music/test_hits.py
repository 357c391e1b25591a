"""What the picture's moments and the turn of a loop do to the notes: hits that are heard as hits, ends that lead on."""

from __future__ import annotations

from fractions import Fraction

import pytest

from game_music_maker.contract.score import PaletteChoice, ScorePlan, SectionPlan
from game_music_maker.studio.footage import Cut, VideoMap
from game_music_maker.studio.music.accents import answer_hits
from game_music_maker.studio.music.brief import Brief, read_brief
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.drums import CRASH, KICK, NOISE, RIDE_BELL, SNARE, one_channel
from game_music_maker.studio.music.endings import close_loop
from game_music_maker.studio.music.plan import make_plan
from game_music_maker.studio.music.score import Chord, Hit, LoopSpan, Note, Part, Score

PAD = Part("pad", "pad", 48, (48, 72), "base")
KIT = Part("perc", "perc", 0, (27, 87), "mid", drums=True)
MINOR, MAJOR = (0, 3, 7), (8, 0, 3)
C, AB = (Chord(Fraction(b), Fraction(8), rn, pcs, pcs[0], (0, 2, 3, 5, 7, 8, 10)) for b, rn, pcs in
         ((0, "i", MINOR), (8, "bVI", MAJOR)))  # fmt: skip


def hit(beat: Fraction | int, weight: float = 1.0) -> Hit:
    return Hit(float(beat) / 2, Fraction(beat), "cut", weight, False, True, "")


def held(part: str, beat: int, beats: int, *pitches: int) -> list[Note]:
    return [Note(part, Fraction(beat), Fraction(beats), pitch, 80) for pitch in pitches]


def test_the_grooves_crashes_leave_room_for_a_hit() -> None:
    groove = [Note("perc", Fraction(b), Fraction(1, 4), CRASH, 90) for b in range(0, 17, 4)]
    pads = held("pad", 0, 17, 60, 63)
    _, out = answer_hits([PAD, KIT], {"perc": groove, "pad": pads}, [hit(10)], [], ScorePlan(meter="4/4"))
    assert [n.beat for n in out["perc"] if n.pitch == CRASH] == [0, 4, 12, 16, 10]


def test_what_drums_in_the_beat_before_a_hit_is_still_whatever_plays_it() -> None:
    taiko = Part("taiko", "perc", 116, (36, 60), "mid")
    strokes = [Note("taiko", Fraction(k, 2), Fraction(1, 4), 45, 80) for k in range(20)]
    _, out = answer_hits(
        [PAD, taiko], {"taiko": strokes, "pad": held("pad", 0, 12, 60, 63)}, [hit(8)], [], ScorePlan(meter="4/4")
    )
    assert not [n for n in out["taiko"] if 7 < n.beat < 8]
    assert [n for n in out["taiko"] if n.beat == 8]


def test_a_hit_just_before_a_chord_brings_the_chord_along() -> None:
    at = Fraction(95, 12)
    notes = {"pad": held("pad", 0, 8, 60, 63, 67) + held("pad", 8, 8, 60, 63, 68), "perc": []}
    section = SectionPlan(start_beat=0, bars=4, energy=0.3)
    _, out = answer_hits([PAD, KIT], notes, [hit(at)], [C, AB], ScorePlan(meter="4/4", sections=(section,)))
    struck = [n for n in out["pad"] if n.beat >= at]
    assert {(n.beat, n.pitch, n.beat + n.dur_beats) for n in struck} == {(at, p, 16) for p in (60, 63, 68)}
    assert max(n.beat + n.dur_beats for n in out["pad"] if n.beat < at) == at


def test_the_first_chord_of_a_section_waits_for_it() -> None:
    at = Fraction(95, 12)
    notes = {"pad": held("pad", 0, 8, 60, 63, 67) + held("pad", 8, 8, 60, 63, 68), "perc": []}
    sections = tuple(SectionPlan(start_beat=b, bars=2, energy=0.3) for b in (0, 8))
    _, out = answer_hits([PAD, KIT], notes, [hit(at)], [C, AB], ScorePlan(meter="4/4", sections=sections))
    assert {n.pitch for n in out["pad"] if n.beat == 8} == {60, 63, 68}


def test_a_drone_goes_on_through_a_row_of_hits() -> None:
    drone = Part("drone", "drone", 43, (26, 42), "base")
    notes = {"drone": held("drone", 0, 16, 36), "pad": held("pad", 0, 16, 60, 63, 67)}
    hits = [hit(b, 0.5) for b in (5, 6, 7)]
    _, out = answer_hits([drone, PAD], notes, hits, [C], ScorePlan(meter="4/4"), soft=True)
    assert [(n.beat, n.dur_beats) for n in out["drone"]] == [(0, 16)]
    assert {5, 6, 7} <= {n.beat for n in out["pad"]}


def test_one_noise_channel_is_taken_over_stroke_by_stroke_and_still_before_a_hit() -> None:
    row = [Note("perc", Fraction(b), Fraction(1, 4), 42, 80) for b in (0, 1, 3)] + [
        Note("perc", Fraction(3), Fraction(1, 2), CRASH, 120)
    ]
    out = one_channel(row, hits=[Fraction(3)], ends=[Fraction(6)])
    assert [(n.beat, n.dur_beats) for n in out] == [(0, 1), (1, Fraction(7, 4)), (3, 3), (3, 3)]


def console(seed: int) -> Score:
    events = [{"t": t, "kind": "cut", "weight": 1.0} for t in (5.3, 9.1, 13.7, 18.2)]
    choice = PaletteChoice(style="chiptune_platformer")
    given = ScorePlan.model_validate({"seed": seed, "palette": choice, "length_s": 24, "hits": events})
    return compose(make_plan(Brief(), None, given=given)[0])


def test_a_consoles_percussion_never_sounds_over_itself() -> None:
    score = console(3)
    drums = {p.id for p in score.parts if p.synth == NOISE}
    row = sorted((n for n in score.notes if n.part in drums), key=lambda n: n.beat)
    for note in row:
        after = [n.beat for n in row if n.beat > note.beat]
        assert not after or note.beat + note.dur_beats <= after[0]
    end = score.sections[-1].start_beat + score.sections[-1].beats
    assert max(n.dur_beats for n in row if n.beat < end) >= 1  # what nothing follows rings
    for struck in (h.beat for h in score.hits if h.planned):
        before = [n.beat + n.dur_beats for n in row if n.beat < struck]
        assert not before or max(before) <= struck - Fraction(1, 4)


def test_a_console_makes_room_for_a_hit_even_where_nothing_is_held() -> None:
    chip = Part("perc", "perc", 0, (0, 127), "mid", drums=True, synth=NOISE)
    hats = [Note("perc", Fraction(k, 4), Fraction(1, 4), 42, 80) for k in range(40)]
    _, out = answer_hits([chip], {"perc": hats}, [hit(8)], [], ScorePlan(meter="4/4"))
    assert not [n for n in out["perc"] if 7 < n.beat < 8]


LOOP = LoopSpan(Fraction(0), Fraction(16))


def closed(notes: dict[str, list[Note]], energy: float = 0.8, *, soft: bool = False) -> dict[str, list[Note]]:
    parts = [PAD, KIT, Part("lead", "lead", 73, (60, 84), "high"), Part("bass", "bass", 33, (28, 50), "mid")]
    sections = (SectionPlan(start_beat=0, bars=4, energy=energy),)
    plan = ScorePlan(meter="4/4", sections=sections)
    return close_loop(parts, {p.id: [] for p in parts} | notes, LOOP, [C, AB], plan, soft=soft)


def test_the_last_chord_of_a_loop_is_held_into_its_first() -> None:
    ends = {"lead": held("lead", 0, 1, 72) + held("lead", 12, 1, 72), "pad": held("pad", 0, 8, 60, 63, 67)}
    carried = [n for n in closed(ends)["pad"] if n.beat >= 12]
    assert {n.pitch % 12 for n in carried} <= set(MAJOR)
    assert len({n.pitch for n in carried}) >= 3
    assert all(n.beat + n.dur_beats == 16 for n in carried)
    full = {"lead": held("lead", 12, 4, 72), "bass": held("bass", 12, 4, 32), "pad": held("pad", 0, 8, 60, 63, 67)}
    assert closed(full)["pad"] == full["pad"]


def test_drums_land_on_a_loops_thin_first_beat_with_a_crash_where_there_is_energy() -> None:
    tune, groove = held("lead", 0, 16, 72), [Note("perc", Fraction(b), Fraction(1, 4), 42, 80) for b in (1, 2, 3)]

    def landed(row: list[Note], energy: float, *, soft: bool = False) -> set[int]:
        return {n.pitch for n in closed({"lead": tune, "perc": row}, energy, soft=soft)["perc"] if n.beat == 0}

    assert landed(groove, 0.8) == {KICK, CRASH}
    assert CRASH not in landed(groove, 0.3)
    later = [Note("perc", Fraction(9), Fraction(1, 4), 42, 80)]
    assert landed(later, 0.8) == {KICK, RIDE_BELL}
    assert landed(later, 0.8, soft=True) == set()
    assert landed(groove, 0.8, soft=True) == {KICK, RIDE_BELL}


def test_a_bass_note_that_is_near_comes_with_the_hit_and_none_is_struck_for_a_blink() -> None:
    bass, at = Part("bass", "bass", 33, (28, 50), "mid"), Fraction(95, 12)
    pads = held("pad", 0, 16, 60, 63, 67)

    def played(row: list[Note]) -> list[tuple[Fraction, Fraction]]:
        _, out = answer_hits([bass, PAD], {"bass": row, "pad": pads}, [hit(at)], [C], ScorePlan(meter="4/4"))
        return [(n.beat, n.dur_beats) for n in out["bass"] if n.beat >= at]

    assert played(held("bass", 4, 3, 36) + held("bass", 8, 4, 36)) == [(at, 4 + Fraction(1, 12))]
    assert played(held("bass", 4, 4, 36) + held("bass", 9, 3, 36)) == [(9, 3), (at, 1)]


def test_a_soft_stroke_of_the_groove_on_a_hit_is_struck_as_hard() -> None:
    groove = [
        Note("perc", Fraction(b), Fraction(1, 4), k, vel) for b in range(16) for k, vel in ((42, 100), (SNARE, 40))
    ]
    notes = {"perc": groove, "pad": held("pad", 0, 16, 60, 63, 67, 72, 75)}
    _, out = answer_hits([PAD, KIT], notes, [hit(8)], [C], ScorePlan(meter="4/4"))
    assert [n.vel for n in out["perc"] if n.beat == 8 and n.pitch == SNARE] > [90]


def test_headroom_for_hits_leaves_the_metre_of_the_rest() -> None:
    """Ten steps of velocity between beat and off-beat are still seven or more."""
    row = [Note("pad", Fraction(b, 2), Fraction(1, 2), 60, 90 if b % 2 else 100) for b in range(16)]
    _, out = answer_hits([PAD], {"pad": row}, [hit(7)], [], ScorePlan(meter="4/4"))
    half = Fraction(1, 2)
    on, off = ({n.vel for n in out["pad"] if n.beat in beats} for beats in ((1, 2, 3), (1 + half, 2 + half)))
    assert len(on) == len(off) == 1
    assert min(on) - max(off) >= 7
    assert max(on) <= 90


@pytest.mark.parametrize("style", ["overworld_adventure", "synthwave_racing", "town_village"])
def test_all_who_play_strike_the_last_chord(style: str) -> None:
    """A hit adds notes behind a part's others; the part still plays to the end."""
    cuts = tuple(Cut(t=t, w=1.0) for t in (6.0, 13.5, 21.0))
    video = VideoMap(duration=45.0, look="accurate", fps=30.0, cuts=cuts)
    score = compose(make_plan(read_brief(f"{style.replace('_', ' ')} music, hit the cuts, seed 5"), video)[0], video)
    assert any(h.planned for h in score.hits)
    end = max(s.start_beat + s.beats for s in score.sections)
    late = {n.part for n in score.notes if end - 8 <= n.beat < end}
    fx = {part.id for part in score.parts if part.role == "fx"}
    assert {n.part for n in score.notes if n.beat == end} >= late - fx
