"""Edits of a score by words: what was asked changes, and nothing else."""

from __future__ import annotations

import re

import pytest

from game_music_maker.contract.score import ScorePlan
from game_music_maker.studio.footage import VideoMap
from game_music_maker.studio.music.brief import read_brief, read_changes
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.plan import make_plan, revise
from game_music_maker.studio.music.report import notes_hash, section_hashes
from game_music_maker.studio.music.score import Score

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
