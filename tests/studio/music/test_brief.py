"""What a sentence asks for, in English and Chinese."""

from __future__ import annotations

import subprocess
import sys

import pytest

from game_music_maker.studio.music.brief import is_music_request, read_brief, read_changes
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.plan import make_plan


def test_main_sentence() -> None:
    brief = read_brief(
        "generate looping fantasy background music that matches the pace of this dungeon exploration scene"
    )
    assert (brief.scene, brief.style) == ("dungeon_crawl", "fantasy_exploration")
    assert "loop" in brief.requests
    assert brief.match_video
    assert brief.unknown == ()


def test_chinese_sentence_with_numbers_and_exclusions() -> None:
    brief = read_brief("紧张的古风战斗音乐，不要鼓，带有古筝和竹笛，一分三十秒，120拍")
    assert (brief.lang, brief.scene, brief.style) == ("zh", "boss_battle", "wuxia_eastern")
    assert brief.excludes == ("drums",)
    assert set(brief.instruments) == {"guzheng", "bamboo_flute"}
    assert (brief.length_s, brief.bpm) == (90.0, 120.0)
    assert [m.id for m in brief.moods] == ["tense"]


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("epic battle music, no drums or choir", {"drums", "choir"}),
        ("calm piano without vocals, strings or brass", {"vocals", "strings", "brass"}),
        ("no drums but add strings", {"drums"}),
        ("去掉鼓和合唱，加上钢琴", {"drums", "choir"}),
    ],
)
def test_negation_excludes_a_whole_list_and_stops_there(text: str, excluded: set[str]) -> None:
    brief = read_brief(text)
    assert set(brief.excludes) == excluded
    assert not set(brief.instruments) & excluded


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("music in F# minor", "tonic", "F#"),
        ("music in a cave", "tonic", None),
        ("dark music in E", "tonic", "E"),
        ("a tune in Bb major", "mode", "ionian"),
        ("降B大调的音乐", "tonic", "Bb"),
        ("D dorian ambient", "mode", "dorian"),
        ("a waltz for a village", "meter", "3/4"),
        ("in 7/8", "meter", "7/8"),
        ("四分之三拍的音乐", "meter", "3/4"),
        ("bpm 96", "bpm", 96.0),
        ("music for 2 minutes", "length_s", 120.0),
        ("four seconds of calm harp music", "length_s", 4.0),
        ("a twenty-four second chiptune loop", "length_s", 24.0),
        ("a minute of calm harp music", "length_s", 60.0),
        ("a second, calmer theme", "length_s", None),
        ("eight bars of chiptune", "bars", 8),
        ("1:30 long", "length_s", 90.0),
        ("半分钟的音乐", "length_s", 30.0),
        ("16 bars of chiptune", "bars", 16),
        ("seed 42", "seed", 42),
        ("give me three options", "options", 3),
    ],
)
def test_numbers(text: str, field: str, value: object) -> None:
    assert getattr(read_brief(text), field) == value


def test_what_is_not_understood_is_named_and_filler_is_not() -> None:
    assert read_brief("please make some zorblax music for my game scene").unknown == ("zorblax",)
    assert read_brief("please generate a nice background track for this gameplay video").unknown == ()
    assert read_brief("给这段游戏视频配一段好听的背景音乐").unknown == ()


def test_intensity_over_time() -> None:
    brief = read_brief("start quiet and build to an epic climax at 0:40")
    assert brief.arc[0].share == 0.0
    assert brief.arc[0].level < 0.3
    assert brief.arc[-1].at_s == 40.0
    assert brief.arc[-1].level > 0.8
    assert brief.length_s is None
    chinese = read_brief("开始平静，最后激烈").arc
    assert chinese[0].level < 0.3 < 0.8 < chinese[-1].level


def test_a_cue_wins_over_scenes_only_as_a_stinger() -> None:
    assert read_brief("victory stinger").scene == "victory_stinger"
    assert read_brief("chiptune boss battle").scene == "boss_battle"
    assert read_brief("chiptune boss battle").style == "chiptune_platformer"


@pytest.mark.parametrize(
    ("text", "op", "word", "section"),
    [
        ("make the second section calmer", "energy", None, "2"),
        ("第二段更激烈", "energy", None, "2"),
        ("drop the drums", "exclude", "drums", None),
        ("add strings", "include", "strings", None),
        ("without the flute in the intro", "exclude", "flute", "intro"),
        ("another take", "another", None, None),
        ("换一个", "another", None, None),
        ("in D minor", "key", "D", None),
        ("make it chiptune style", "style", "chiptune_platformer", None),
        ("loop it", "loop", None, None),
        ("不要循环", "unloop", None, None),
        ("fade out at the end", "fade", None, None),
        ("darker", "mood", "dark", None),
        ("three options", "options", None, None),
        ("less drums", "density", "drums", None),
        ("弦乐少一点", "density", "strings", None),
        ("more bass", "density", "bass", None),
        ("把合唱去掉", "exclude", "choir", None),
        ("replace the flute with a violin", "exclude", "flute", None),
        ("钢琴换成竖琴", "exclude", "piano", None),
        ("too slow", "tempo", None, None),
        ("太快了", "tempo", None, None),
        ("10 bpm faster", "faster", None, None),
        ("not so sad", "mood", "sad", None),
        ("make the ending bigger", "energy", None, "outro"),
        ("make the ninth section calmer", "energy", None, "9"),
        ("transpose it down a bit", "up", None, None),
    ],
)
def test_changes(text: str, op: str, word: str | None, section: str | None) -> None:
    changes, left = read_changes(text)
    assert (changes[0].op, changes[0].word, changes[0].section) == (op, word, section)
    assert left == ()


def test_degrees_of_change_have_the_right_sign() -> None:
    def amount(text: str) -> float:
        return next(iter(read_changes(text)[0])).amount or 0.0

    assert amount("too slow") > 1 > amount("too fast")
    assert amount("less drums") < 1 < amount("鼓重一点")
    assert (amount("10 bpm faster"), amount("慢10拍")) == (10, -10)
    assert amount("没那么悲伤") < 0 < (amount("sadder") or 1)
    assert (amount("double the tempo"), amount("速度减半")) == (2, 0.5)


def test_several_sections_change_alike() -> None:
    for text in ("sections 2 and 3 more intense", "第二段和第三段更激烈"):
        assert [(c.op, c.section) for c in read_changes(text)[0]] == [("energy", "2"), ("energy", "3")]


def test_one_instrument_for_another() -> None:
    changes, left = read_changes("swap the piano for a harp")
    assert [(c.op, c.word) for c in changes] == [("exclude", "piano"), ("include", "harp")]
    assert left == ()


def test_a_negation_ends_with_its_clause() -> None:
    assert (read_brief("horror, not too loud, slow").pace or 1) < 0.5
    assert (read_brief("恐怖氛围，不要太吵，慢").pace or 1) < 0.5


def test_moments_of_an_arc_are_no_length() -> None:
    brief = read_brief("开始平静，0:40变激烈，结尾安静")
    assert [(p.at_s, p.share) for p in brief.arc] == [(None, 0.0), (40.0, None), (None, 0.85)]
    assert brief.length_s is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_palette_and_mood_is_reached_by_each_of_its_words(language: str) -> None:
    lib = library()
    missed = []
    for palette in lib.palettes.values():
        for word in (palette.names[language], *getattr(palette.aliases, language)):
            brief = read_brief(f"{word} music" if language == "en" else word)
            wanted = {w.id for w in brief.moods} | {brief.scene, brief.style}
            if palette.id not in wanted and not (palette.kind == "cue" and brief.requests):
                missed.append((palette.id, word, sorted(filter(None, wanted))))
    for mood in lib.moods.values():
        missed += [(mood.id, w) for w in getattr(mood, language) if mood.id not in {m.id for m in read_brief(w).moods}]
    assert len(lib.palettes) == 24
    assert len(lib.moods) == 40
    assert missed == []


@pytest.mark.parametrize(
    ("say", "first", "rest"),
    [("start quiet", 0.15, 0.65), ("epic music that starts softly", 0.15, 0.65), ("开头要安静的史诗音乐", 0.15, 0.65),
     ("finish strong", 0.5, 0.95)],
)  # fmt: skip
def test_one_end_that_differs_from_the_rest(say: str, first: float, rest: float) -> None:
    brief = read_brief(say)
    assert [point.level for point in brief.arc] == [first, rest]
    assert "calm" not in {mood.id for mood in brief.moods}
    assert not brief.unknown
    assert read_brief("calm music for the start menu").arc == ()


@pytest.mark.parametrize(
    ("say", "op", "section"),
    [("start quiet", "energy", "intro"), ("let it start off soft", "energy", "intro"),
     ("end softly", "energy", "outro"), ("begin with drums", "include", "intro")],
)  # fmt: skip
def test_a_change_of_one_end(say: str, op: str, section: str) -> None:
    changes, left = read_changes(say)
    assert [(change.op, change.section) for change in changes] == [(op, section)]
    assert left == ()


@pytest.mark.parametrize(("say", "bpm"), [("one twenty bpm", 120), ("at ninety five bpm", 95), ("一百二十bpm", 120)])
def test_a_tempo_in_words(say: str, bpm: float) -> None:
    assert read_brief(say).bpm == bpm
    assert [(change.op, change.amount) for change in read_changes(say)[0]] == [("bpm", bpm)]


@pytest.mark.parametrize(
    ("say", "factor"),
    [("50% faster", 1.5), ("slow it down by 20%", 0.8), ("整体提速 50%", 1.5), ("慢10%", 0.9), ("faster", 1.12)],
)
def test_a_tempo_by_a_share(say: str, factor: float) -> None:
    changes, left = read_changes(say)
    assert [(change.op, change.amount) for change in changes] == [("tempo", pytest.approx(factor))]
    assert left == ()


@pytest.mark.parametrize(
    ("say", "changes"),
    [
        ("transpose up 3 semitones", [("up", 3.0)]), ("降两个半音", [("up", -2.0)]),
        ("合唱和钢琴都不要", [("exclude", None), ("exclude", None)]), ("这段要无限循环", [("loop", None)]),
        ("don't touch the drums but make the bass quieter", [("gain", -4.0)]),
        ("别动鼓，把弦乐去掉", [("exclude", None)]),
        ("end with a bang", [("hard", None)]), ("速度加到140", [("bpm", 140.0)]), ("节奏降到 85", [("bpm", 85.0)]),
        ("the strings are too loud", [("gain", -4.0)]), ("弦乐太响了", [("gain", -4.0)]),
    ],
)  # fmt: skip
def test_changes_by_semitones_in_lists_and_what_stays(say: str, changes: list[tuple[str, float | None]]) -> None:
    found, left = read_changes(say)
    assert [(change.op, change.amount) for change in found] == changes
    assert left == ()


def test_changes_in_time_and_several_at_once() -> None:
    (drop,), _ = read_changes("drop the drums after 0:20")
    assert (drop.op, drop.start_s, drop.end_s) == ("exclude", 20.0, None)
    (dark,), _ = read_changes("much darker from 0:10 to 0:20")
    assert (dark.start_s, dark.end_s) == (10.0, 20.0)
    both, _ = read_changes("keep the theme, change the key")
    assert [c.op for c in both] == ["keep_theme", "rekey"]
    (bpm,), _ = read_changes("at 128 bpm")
    assert (bpm.op, bpm.amount) == ("bpm", 128.0)
    assert read_changes("hello there")[0] == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("generate music", True), ("calmer", True), ("no drums", True), ("配乐", True), ("add strings", True),
        ("faster", True), ("at 128 bpm", True), ("trim to the first 10 seconds", False), ("crop to 9:16", False),
        ("加字幕", False), ("undo", False), ("speed up the video 2x", False), ("make the title bigger", False),
    ],
)  # fmt: skip
def test_which_clauses_are_about_music(text: str, wanted: bool) -> None:
    assert is_music_request(text) is wanted


def test_reading_a_brief_needs_no_numpy() -> None:
    load = "import sys; from game_music_maker.studio.music.brief import read_brief"
    code = f"{load}; read_brief('calm music'); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "course"),
    [
        ("quiet until 0:20, then intense, 60 seconds", [(0, False), (20, True)]),
        ("the first 20 seconds calm, then action, 60 seconds", [(0, False), (20, True)]),
        ("intense for the first 15 seconds then calm, 60 seconds", [(0, True), (15, False)]),
        ("calm, then epic at 0:30 and calm again at 0:50, 60 seconds", [(0, False), (30, True), (50, False)]),
        ("前20秒平静，之后激烈，60秒", [(0, False), (20, True)]),
        ("平静到0:20然后激烈，60秒", [(0, False), (20, True)]),
        ("先平静，0:30开始激烈，0:50又平静，60秒", [(0, False), (30, True), (50, False)]),
    ],
)
def test_intensity_turns_at_the_moments_that_are_named(words: str, course: list[tuple[float, bool]]) -> None:
    brief = read_brief(words)
    assert [(p.at_s or 0.0, p.level > 0.5) for p in brief.arc] == course
    assert (brief.length_s, brief.unknown) == (60.0, ())
    plan, _ = make_plan(brief)
    assert plan.tempo_map is not None
    assert plan.sections is not None
    second = 60 / plan.tempo_map[0].bpm
    starts = [(s.start_beat or 0) * second for s in plan.sections]
    ends = [*starts[1:], 60.0]
    for (at, loud), (until, _) in zip(course, [*course[1:], (60.0, False)], strict=True):
        inside = [s.energy for s, a, b in zip(plan.sections, starts, ends, strict=True) if at - 2 < (a + b) / 2 < until]
        assert inside
        assert all(((energy or 0) > 0.5) is loud for energy in inside), (at, inside)
        assert not at or min(abs(start - at) for start in starts) < 2.0


def test_a_climax_is_built_up_to() -> None:
    plan, _ = make_plan(read_brief("build slowly to a climax at 0:45, 60 seconds"))
    energies = [s.energy for s in plan.sections or ()]
    assert energies == sorted(energies)
    assert len(set(energies)) >= 3


@pytest.mark.parametrize(
    ("words", "hits", "length"),
    [
        ("epic battle music with a hit at 0:15, 40 seconds", (15,), 40),
        ("史诗战斗音乐，0:15处来个重击，40秒", (15,), 40),
        ("dark ambient, 30 s, accents at 12 s and 20 s", (12, 20), 30),
        ("calm music, 30 seconds", (), 30),
    ],
)
def test_hits_at_moments_of_a_brief(words: str, hits: tuple[float, ...], length: float) -> None:
    brief = read_brief(words)
    assert (brief.hits, brief.length_s, brief.unknown) == (hits, length, ())
    plan, _ = make_plan(brief)
    assert tuple(h.t for h in plan.hits or () if h.locked and h.beat is not None) == hits
    stopping, _ = make_plan(read_brief("epic battle music with a pause at 0:12, 30 seconds"))
    assert [(h.t, h.kind) for h in stopping.hits or ()] == [(12, "silence")]
    assert read_brief("electronic music, drop at 0:20, 40 seconds").arc[-1].at_s == 20


@pytest.mark.parametrize(
    "words",
    [
        "boss battle music, hit the cuts", "battle music that hits all the cuts", "battle music synced to the cuts",
        "卡点的战斗音乐", "战斗音乐，跟着画面剪辑点",
    ],
)  # fmt: skip
def test_a_brief_asks_for_its_cuts_as_the_manual_says(words: str) -> None:
    brief = read_brief(words)
    assert "sync_cuts" in brief.requests
    assert brief.unknown == ()


@pytest.mark.parametrize(
    "words",
    [
        "a roguelike", "JRPG", "a soulslike", "tower defense", "a castle", "a temple", "a final boss", "wild west",
        "an adventure",
        "an underwater level", "a battle royale", "肉鸽", "塔防", "雪地", "城堡", "忍者", "格斗",
    ],
)  # fmt: skip
def test_kinds_and_places_of_games_are_known(words: str) -> None:
    brief = read_brief(f"music for {words} game" if words.isascii() else f"{words}游戏的音乐")
    assert (brief.scene or brief.style) is not None
    assert brief.unknown == ()


@pytest.mark.parametrize(
    ("words", "bpm"),
    [("allegro", 132), ("an adagio", 70), ("presto, in D minor", 180), ("行板", 92), ("小快板", 116), ("速度128", 128)],
)
def test_tempo_words_of_scores(words: str, bpm: float) -> None:
    brief = read_brief(f"town music, {words}" if words[0].isascii() else f"小镇音乐，{words}")
    assert (brief.bpm, brief.unknown) == (bpm, ())
    assert read_changes(words)[0][0].amount == bpm


def test_a_major_key_is_none_in_particular_and_a_metre_that_cannot_be_is_named() -> None:
    bright = read_brief("town music in a major key")
    assert (bright.tonic, bright.major) == (None, True)
    assert read_brief("town music in a minor").tonic == "A"
    assert read_brief("battle music in 11/8").unknown == ("11/8",)


@pytest.mark.parametrize(
    ("words", "scene", "style", "mood"),
    [
        ("epic chiptune boss battle", "boss_battle", "chiptune_platformer", "epic"),
        ("heroic boss battle", "boss_battle", None, "heroic"),
        ("cozy tavern music", "town_village", None, "cozy"),
        ("cute 8-bit music", None, "chiptune_platformer", "cute"),
        ("epic synthwave", None, "synthwave_racing", "epic"),
        ("cinematic western", None, "western_frontier", "epic"),
        ("史诗武侠音乐", None, "wuxia_eastern", "epic"),
        ("恐怖的芯片音乐", None, "chiptune_platformer", "scary"),
        ("热血格斗", "boss_battle", None, "hype_mood"),
        ("温馨小镇", "town_village", None, "cozy"),
        ("epic music", None, "epic_war", "epic"),
        ("可爱的音乐", None, "puzzle_casual", "cute"),
    ],
)
def test_a_word_that_describes_gives_way_to_one_that_names(
    words: str, scene: str | None, style: str | None, mood: str
) -> None:
    brief = read_brief(words)
    assert (brief.scene, brief.style, brief.unknown) == (scene, style, ())
    assert mood in [wanted.id for wanted in brief.moods]


@pytest.mark.parametrize(
    ("words", "scene", "style", "one_shot"),
    [
        ("8-bit victory fanfare, 3 seconds", "victory_stinger", "chiptune_platformer", True),
        ("8位机风格的胜利音效，3秒", "victory_stinger", "chiptune_platformer", True),
        ("victory music", "victory_stinger", None, True),
        ("a sad piano piece for a character's death, 40 seconds", None, None, False),
        ("victory theme, loop it", None, None, False),
        ("epic victory music", None, "epic_war", False),
    ],
)
def test_a_cue_is_as_short_as_a_cue(words: str, scene: str | None, style: str | None, one_shot: bool) -> None:
    brief = read_brief(words)
    assert (brief.scene, brief.style, "one_shot" in brief.requests) == (scene, style, one_shot)


def test_every_word_that_only_describes_is_a_palettes_and_stands_for_a_mood() -> None:
    tables = library()
    aliases = {a.lower() for p in tables.palettes.values() for a in (*p.aliases.en, *p.aliases.zh)}
    assert set(tables.colours) <= aliases
    assert set(tables.colours.values()) - {""} <= set(tables.moods)
