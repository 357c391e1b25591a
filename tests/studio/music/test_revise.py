"""Edits of a score by words: what was asked changes, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import pytest

from game_music_maker.contract.score import LoopPlan, ScorePlan
from game_music_maker.studio.footage import Cut, VideoMap
from game_music_maker.studio.music.brief import read_brief, read_changes
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.plan import make_plan, revise
from game_music_maker.studio.music.report import notes_hash, section_hashes
from game_music_maker.studio.music.score import Part, Score
from game_music_maker.studio.music.words import nearest, normalise

VIDEO = VideoMap(duration=60.0, look="none")


@pytest.fixture(scope="module")
def plan() -> ScorePlan:
    return make_plan(read_brief("overworld adventure music, seed 11"), VIDEO)[0]


def edited(plan: ScorePlan, words: str) -> tuple[ScorePlan, Score]:
    changes, _ = read_changes(words)
    fresh, notes = revise(plan, changes, VIDEO)
    assert notes, "an edit says what it did"
    return fresh, compose(fresh, VIDEO)


def hashes(score: Score) -> list[str]:
    return [row["notes"] for row in section_hashes(score)]


@pytest.mark.parametrize(
    "words", ["make the second section calmer", "第二段更激烈", "another take of the second section"]
)
def test_an_edit_of_one_section_leaves_the_others_alone(plan: ScorePlan, words: str) -> None:
    before = hashes(compose(plan, VIDEO))
    after = hashes(edited(plan, words)[1])
    assert before[1] != after[1]
    assert before[:1] + before[2:] == after[:1] + after[2:]


@pytest.mark.parametrize(("words", "changed"), [("vary the melody in the second section", [1]), ("旋律变奏一下", None)])
def test_a_varied_tune_keeps_its_harmony(plan: ScorePlan, words: str, changed: list[int] | None) -> None:
    old = compose(plan, VIDEO)
    fresh, new = edited(plan, words)
    before, after = hashes(old), hashes(new)
    other = [i for i, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert other == changed if changed else len(other) >= 2

    def line(score: Score, part: str) -> list[tuple[object, int]]:
        return [(n.beat, n.pitch) for n in score.notes if n.part == part]

    assert [s.chords for s in fresh.sections or ()] == [s.chords for s in plan.sections or ()]
    assert line(old, "bass") == line(new, "bass")
    tune, varied = line(old, "lead"), line(new, "lead")
    assert tune != varied
    assert len(set(tune) & set(varied)) > 0.6 * len(tune), "it is still the same tune"


@pytest.mark.parametrize("words", ["put a hit at 0:21.3", "在0:21.3加一个重击"])
def test_a_hit_at_a_moment_is_heard_there_and_stays_there(plan: ScorePlan, words: str) -> None:
    seen = VIDEO.model_copy(update={"cuts": (Cut(t=10.0, w=1.0, kind="cut"), Cut(t=40.0, w=1.0, kind="cut"))})
    known = make_plan(read_brief("overworld adventure music, seed 11"), seen)[0]
    before = compose(known, seen)
    fresh, notes = revise(known, read_changes(words)[0], seen)
    assert "21.3" in notes[0].text("en")
    for change in ("", "at 132 bpm"):  # another tempo meets it anew
        if change:
            fresh, _ = revise(fresh, read_changes(change)[0], seen)
        after = compose(fresh, seen)
        hit = next(h for h in after.hits if h.t == 21.3)
        assert hit.locked
        here = [n for n in after.notes if n.beat == hit.beat]
        assert abs(after.tempo.seconds(hit.beat) - 21.3) < 0.04
        assert len(here) >= 2
        assert max(n.vel for n in here) >= 90
        if not change:
            pairs = zip(hashes(before), hashes(after), strict=True)
            touched = [i for i, (old, new) in enumerate(pairs) if old != new]
            assert touched == [max(i for i, s in enumerate(after.sections) if s.start_beat <= hit.beat)]
    assert "No hit at 120 s" in revise(known, read_changes("put a hit at 2:00")[0], seen)[1][0].text("en")


def test_the_first_hit_of_a_piece_leaves_its_other_sections_alone(plan: ScorePlan) -> None:
    before = compose(plan, VIDEO)
    assert not before.hits
    after = edited(plan, "put a hit at 0:21.3")[1]
    touched = [i for i, (old, new) in enumerate(zip(hashes(before), hashes(after), strict=True)) if old != new]
    assert touched == [max(i for i, s in enumerate(after.sections) if s.start_beat <= after.hits[0].beat)]


def test_drums_stop_where_they_were_told_to(plan: ScorePlan) -> None:
    before = compose(plan, VIDEO)
    _, after = edited(plan, "drop the drums after 0:20")

    def drums(score: Score, late: bool) -> int:
        parts = {p.id for p in score.parts if p.drums}
        return sum(1 for n in score.notes if n.part in parts and (score.tempo.seconds(n.beat) >= 20.3) is late)

    assert drums(before, True) > 0
    assert drums(after, True) == 0
    assert drums(after, False) > 0
    tune = [n for n in before.notes if n.part == "lead"]
    assert tune == [n for n in after.notes if n.part == "lead"]


@pytest.mark.parametrize("then", ["faster", "in 3/4", "make it synthwave", "hit the cuts"])
def test_what_was_said_about_a_part_holds_when_the_piece_is_laid_out_anew(plan: ScorePlan, then: str) -> None:
    seen = VIDEO.model_copy(update={"cuts": (Cut(t=10.0, w=1.0, kind="cut"),)})
    for words in ("no drums after 0:20", "no bass in the first section", "vary the melody in the second section", then):
        plan, _ = revise(plan, read_changes(words)[0], seen)
    score = compose(plan, seen)

    def plays(test: Callable[[Part], bool], start: float, end: float) -> bool:
        parts = {part.id for part in score.parts if test(part)}
        return any(n.part in parts and start <= score.tempo.seconds(n.beat) < end for n in score.notes)

    assert plays(lambda part: part.drums, 0, 19)
    assert not plays(lambda part: part.drums, 20.5, 60)
    assert not plays(lambda part: part.role == "bass", 0, 5)
    assert plays(lambda part: part.role == "bass", 30, 60)
    assert any(section.variation for section in plan.sections or ())


def test_key_changes_and_the_theme_stays(plan: ScorePlan) -> None:
    fresh, score = edited(plan, "keep the theme, change the key")
    assert fresh.key is not None
    assert plan.key is not None
    assert fresh.key.tonic != plan.key.tonic
    assert fresh.motif == plan.motif
    before = [n.beat for n in compose(plan, VIDEO).notes if n.part == "bass"]
    assert [n.beat for n in score.notes if n.part == "bass"] == before


def test_tempo_and_key_by_name(plan: ScorePlan) -> None:
    _, score = edited(plan, "at 128 bpm")
    assert score.tempo.points[0][1] == pytest.approx(128)
    assert score.length_s == 60.0
    _, score = edited(plan, "in D minor")
    assert score.key == ("D", "aeolian")


def test_exclusion_and_wish(plan: ScorePlan) -> None:
    _, score = edited(plan, "no drums")
    assert not any(p.drums for p in score.parts)
    _, score = edited(plan, "add choir")
    assert any(p.program in (52, 53) and any(n.part == p.id for n in score.notes) for p in score.parts)


@pytest.mark.parametrize(
    ("words", "reply"),
    [("no drums", "No drums any more."), ("no harp", "No harp any more."), ("add choir", r"Now in [\w', ]+: choir.")],
)
def test_the_reply_is_grammatical_for_one_and_for_many(plan: ScorePlan, words: str, reply: str) -> None:
    _, notes = revise(plan, read_changes(words)[0], VIDEO)
    assert re.fullmatch(reply, " ".join(note.text("en") for note in notes))


def test_another_take_and_back(plan: ScorePlan) -> None:
    fresh, score = edited(plan, "another take")
    assert fresh.seed != plan.seed
    assert notes_hash(score) != notes_hash(compose(plan, VIDEO))
    kept, _ = revise(plan, read_changes("another take but keep the theme")[0], VIDEO)
    assert kept.motif == plan.motif


def test_loop_and_endings(plan: ScorePlan) -> None:
    fresh, score = edited(plan, "loop it")
    assert score.loop is not None
    assert edited(fresh, "not a loop")[1].loop is None
    assert edited(plan, "fade out at the end")[1].ending == "fade"
    assert edited(plan, "hard ending")[1].ending == "hard"


def test_style_change_keeps_key_free_and_theme(plan: ScorePlan) -> None:
    fresh, score = edited(plan, "make it chiptune style")
    assert fresh.palette is not None
    assert fresh.palette.style == "chiptune_platformer"
    assert all(p.synth for p in score.parts)


def test_a_section_that_does_not_exist_is_named_and_changes_nothing(plan: ScorePlan) -> None:
    short, _ = make_plan(read_brief("adventure music, 12 seconds"))
    fresh, notes = revise(short, read_changes("make the fifth section calmer")[0])
    assert fresh == short
    assert "no such section" in notes[0].text("en")


def test_locked_sections_are_left_alone(plan: ScorePlan) -> None:
    rows = tuple(s.model_copy(update={"lock": i == 1}) for i, s in enumerate(plan.sections or ()))
    locked = plan.model_copy(update={"sections": rows})
    fresh, notes = revise(locked, read_changes("make the second section calmer")[0], VIDEO)
    assert fresh == locked
    assert "locked" in notes[0].text("en")


def test_calmer_is_calmer(plan: ScorePlan) -> None:
    before, (_, after) = compose(plan, VIDEO), edited(plan, "much calmer")
    assert len(after.notes) < len(before.notes)


@pytest.mark.parametrize("words", ["lead an octave lower", "主旋律低八度", "the melody down an octave"])
def test_one_part_moves_by_an_octave_and_keeps_its_notes(plan: ScorePlan, words: str) -> None:
    before, (fresh, after) = compose(plan, VIDEO), edited(plan, words)
    assert fresh.parts is not None
    assert fresh.parts["lead"].octave == -1
    assert [(n.beat, n.pitch - 12) for n in before.notes if n.part == "lead"] == [
        (n.beat, n.pitch) for n in after.notes if n.part == "lead"
    ]
    rest = [n for n in before.notes if n.part != "lead"]
    assert rest == [n for n in after.notes if n.part != "lead"]
    assert compose(edited(fresh, "lead an octave higher")[0], VIDEO).notes == before.notes


@pytest.mark.parametrize("words", ["only strings", "只要弦乐"])
def test_named_instruments_play_alone(plan: ScorePlan, words: str) -> None:
    score = edited(plan, words)[1]
    assert {part.role for part in score.parts} >= {"lead", "bass"}
    assert all(40 <= part.program <= 51 and not part.drums for part in score.parts)


def test_one_instrument_is_quieter_and_no_other(plan: ScorePlan) -> None:
    levels = {part.id: part.gain_db for part in compose(plan, VIDEO).parts}
    fresh, after = edited(plan, "drums quieter")
    assert {part.id: part.gain_db - levels[part.id] for part in after.parts if part.gain_db != levels[part.id]} == {
        part.id: -4.0 for part in after.parts if part.role == "perc"
    }
    assert fresh.mix == plan.mix


def test_less_of_an_instrument_is_also_softer(plan: ScorePlan) -> None:
    fresh, _ = edited(plan, "less drums")
    assert fresh.parts is not None
    assert (fresh.parts["perc"].gain_db or 0) < -3


def test_the_middle_is_a_place(plan: ScorePlan) -> None:
    before, after = hashes(compose(plan, VIDEO)), hashes(edited(plan, "calmer in the middle")[1])
    assert before[0] == after[0]
    assert before[-1] == after[-1]
    assert before[1:-1] != after[1:-1]
    changes, _ = read_changes("slower in the middle")
    same, notes = revise(plan, changes, VIDEO)
    assert same == plan
    assert [note.ids[0] for note in notes] == ["revise.tempo_whole"]


@pytest.mark.parametrize(("words", "palette"), [("rock music", "boss_battle"), ("爵士配乐", "stealth_spy")])
def test_a_genre_without_a_palette_gets_the_nearest(words: str, palette: str) -> None:
    chosen = make_plan(read_brief(words), VIDEO)[0].palette
    assert chosen is not None
    assert palette in (chosen.scene, chosen.style)
    assert [id for _, id in nearest(normalise(words))] == [palette]


def test_a_length_by_words_where_no_picture_has_one() -> None:
    free = make_plan(read_brief("calm piano music, 20 seconds, seed 4"), None)[0]
    changes, left = read_changes("make it 30 seconds long")
    longer, notes = revise(free, changes, None)
    assert not left
    assert compose(longer, None).length_s == pytest.approx(30, abs=0.6)
    assert [note.ids[0] for note in notes][-1] == "revise.length"
    assert revise(free, changes, VIDEO)[1][-1].ids == ("revise.length_of_picture",)


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("fantasy exploration, loop with an intro, 40 seconds", {}),
        ("地牢音乐，带前奏的循环，40秒", {}),
        ("dungeon music", {"loop": {"start_beat": 16}, "meter": "4/4"}),
    ],
)
def test_a_loop_may_have_an_intro_that_is_heard_once(words: str, given: dict[str, object]) -> None:
    made, notes = make_plan(read_brief(words), given=ScorePlan.model_validate(given))
    assert isinstance(made.loop, LoopPlan)
    assert made.sections is not None
    assert made.sections[0].role == "intro"
    assert made.loop.start_beat == made.sections[1].start_beat == (16 if given else made.loop.start_beat) > 0
    assert any("heard once" in note.text("en") for note in notes)
    score = compose(made)
    assert score.loop is not None
    assert (score.loop.start_beat, score.loop.len_beats) == (made.loop.start_beat, made.loop.len_beats)
    faster, _ = revise(made, read_changes("faster")[0])
    assert isinstance(faster.loop, LoopPlan)
    assert faster.loop.start_beat == made.loop.start_beat


def test_a_loop_that_would_start_between_sections_says_where_it_starts() -> None:
    given = ScorePlan.model_validate({"loop": {"start_beat": 13.5}, "meter": "4/4"})
    made, notes = make_plan(read_brief("dungeon music"), given=given)
    assert isinstance(made.loop, LoopPlan)
    assert made.loop.start_beat == 12
    assert "not at 13.5" in " ".join(note.text("en") for note in notes)


def lines(score: Score, part: str) -> list[tuple[object, int]]:
    return [(n.beat, n.pitch) for n in score.notes if n.part == part]


def chords(plan: ScorePlan) -> list[object]:
    return [section.chords for section in plan.sections or ()]


@pytest.mark.parametrize(
    "words", ["let the violin play the melody", "swap the melody to violin", "用小提琴演奏旋律", "旋律换成小提琴"]
)
def test_another_instrument_takes_the_tune(plan: ScorePlan, words: str) -> None:
    _, score = edited(plan, words)
    assert next(part.program for part in score.parts if part.role == "lead") == 40
    assert [beat for beat, _ in lines(score, "lead")] == [beat for beat, _ in lines(compose(plan, VIDEO), "lead")]


def test_another_tune_over_the_same_chords_and_other_chords_under_the_same_theme(plan: ScorePlan) -> None:
    old = compose(plan, VIDEO)
    fresh, score = edited(plan, "same chords, new melody")
    assert chords(fresh) == chords(plan)
    assert lines(score, "bass") == lines(old, "bass")
    shared = set(lines(score, "lead")) & set(lines(old, "lead"))
    assert len(shared) < 0.6 * len(lines(old, "lead"))
    other, _ = edited(plan, "换和弦")
    assert chords(other) != chords(plan)
    assert other.motif == plan.motif
    assert edited(plan, "keep the theme, change the chords")[0].motif == plan.motif


@pytest.mark.parametrize("words", ["key change in the last section", "modulate up at the end", "结尾升调"])
def test_a_key_change_of_a_part_leaves_the_others_in_their_key(plan: ScorePlan, words: str) -> None:
    fresh, _ = edited(plan, words)
    pairs = zip(fresh.sections or (), plan.sections or (), strict=True)
    lifts = [(new.lift or 0) - (old.lift or 0) for new, old in pairs]
    assert fresh.key == plan.key
    assert lifts == [0] * (len(lifts) - 1) + [2]


@pytest.mark.parametrize("words", ["let the drums come in at 0:20", "鼓从0:20开始"])
def test_an_instrument_that_comes_in_later_is_silent_until_then(plan: ScorePlan, words: str) -> None:
    _, score = edited(plan, words)
    kit = {part.id for part in score.parts if part.drums}
    times = [score.tempo.seconds(n.beat) for n in score.notes if n.part in kit]
    assert min(times) >= 19.7
    assert max(times) > 40


@pytest.mark.parametrize("words", ["pause the music at 0:21", "0:21停顿一下"])
def test_the_music_stops_short_where_it_is_told_to(plan: ScorePlan, words: str) -> None:
    fresh, score = edited(plan, words)
    hit = next(h for h in fresh.hits or () if h.kind == "silence")
    assert hit.beat is not None
    bar = 4
    following = (hit.beat // bar + 1) * bar
    begins = [n.beat for n in score.notes if hit.beat < n.beat < following]
    assert begins == [] or following - hit.beat < 1
    assert score.tempo.seconds(max(n.beat + n.dur_beats for n in score.notes if n.beat == hit.beat)) < 22


def test_a_drop_at_a_moment_is_led_to_and_full(plan: ScorePlan) -> None:
    fresh, _ = edited(plan, "drop at 0:30")
    tempo = compose(fresh, VIDEO).tempo
    rows = [(tempo.seconds(Fraction(s.start_beat or 0)), s.energy or 0) for s in fresh.sections or ()]
    assert any(h.t == 30 and h.locked for h in fresh.hits or ())
    assert all(energy >= 0.9 for at, energy in rows if at > 30)


@pytest.mark.parametrize(
    ("words", "op", "word"),
    [
        ("make the last 10 seconds epic", "mood", "epic"), ("最后10秒史诗一点", "mood", "epic"),
        ("没那么史诗", "mood", "epic"),
        ("less epic", "mood", "epic"), ("busier drums", "density", "drums"), ("鼓密一点", "density", "drums"),
        ("simpler melody", "density", "melody"), ("quieter in the middle", "level", None),
    ],
)  # fmt: skip
def test_words_about_a_part_change_that_part_alone(words: str, op: str, word: str | None) -> None:
    found, unknown = read_changes(words)
    assert [(change.op, change.word) for change in found] == [(op, word)]
    assert unknown == ()


@pytest.mark.parametrize(
    ("words", "op", "word", "more"),
    [
        ("no more strings", "exclude", "strings", None),
        ("the flute is annoying", "exclude", "flute", None),
        ("kill the choir", "exclude", "choir", None),
        ("can you lose the drums", "exclude", "drums", None),
        ("我讨厌长笛", "exclude", "flute", None),
        ("more strings", "density", "strings", True),
        ("too happy", "mood", "happy", False),
        ("太欢快了", "mood", "happy", False),
        ("bring up the bass", "gain", "bass", True),
        ("drums are too quiet", "gain", "drums", True),
        ("the melody is too high", "octave", "lead", False),
        ("旋律太低了", "octave", "lead", True),
        ("too busy", "density", None, False),
        ("too empty", "density", None, True),
        ("it's boring", "vary", None, None),
        ("太单调了", "vary", None, None),
        ("change to dorian", "key", None, None),
        ("redo only the ending", "another", None, None),
        ("惊悚一点", "mood", "scary", True),
        ("改成恐怖音乐", "style", "horror_survival", None),
    ],
)
def test_complaints_ask_for_the_opposite(words: str, op: str, word: str | None, more: bool | None) -> None:
    found, unknown = read_changes(words)
    assert [(change.op, change.word) for change in found] == [(op, word)]
    assert unknown == ()
    neutral = 1.0 if op == "density" else 0.0
    assert more is None or ((found[0].amount or 0.0) > neutral) is more


@pytest.mark.parametrize("words", ["drums only in the chorus", "只在副歌用鼓", "choir only in the second section"])
def test_an_instrument_of_one_part_alone(plan: ScorePlan, words: str) -> None:
    fresh, score = edited(plan, words)
    change = read_changes(words)[0][0]
    where = [i for i, s in enumerate(fresh.sections or ()) if (s.role == "B" if change.section == "B" else i == 1)]
    name = change.word or ""
    parts = {p.id for p in score.parts if (p.drums if name == "drums" else p.program in library().instruments[name].gm)}
    assert where
    spans = [(s.start_beat, s.start_beat + s.beats) for i, s in enumerate(score.sections) if i in where]
    end = score.sections[-1].start_beat + score.sections[-1].beats
    playing = {n.beat for n in score.notes if n.part in parts and n.beat < end}
    inside = {beat for beat in playing if any(a - 4 <= beat <= b for a, b in spans)}  # a fill may lead in
    assert inside
    assert playing == inside
