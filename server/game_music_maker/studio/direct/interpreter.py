"""Words → edits. A message is cut into clauses, each clause is read by the first rule that knows it; what none knows is
a leftover. No numpy, no I/O but the tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import zip_longest

from ..numerals import CHINESE_NUMBER, NUMBER, value
from ..timeline import Timeline
from .clause import Clause, Reading, describes
from .context import Context
from .edits import touched
from .lexer import TOKEN, lex
from .phrases import scan
from .rules_music import generates, read_change, read_new, read_other_take
from .rules_picture import read_picture
from .rules_sound import fades_picture, read_sound
from .rules_titles import read_title
from .settling import complains, needless, removes_it, renumbered, settled, strays, swallows
from .values import (
    AddTitle,
    ChangeScore,
    Describe,
    Edit,
    MakeScore,
    Redo,
    Slideshow,
    StartOver,
    Undo,
)  # fmt: skip

_STRONG = (
    r"\s*[。;；\n!！?？]\s*|\s+/\s+|\.(?:\s+|$)|\s*,?\s*(?:\band\s+)?\b(?:then|after that|"
    r"afterwards)\b\s*,?\s*|[,，]?\s*(?:然后|接着|随后|之后再|另外|此外|同时|顺便|并且|还要|"
    r"最后(?=[把加给再]))"
)
_WEAK = (
    r"\s*,?\s+while (?=(?:keep|leav|mut|turn|rais|lower)ing)|"
    r"\s*[,，、]\s*(?:and |but |also |plus |再(?![来做写试换]|生成)|并)?|(?<!\bblack)\s+(?:and|plus|but|also|&)\s+|"
    r"\s*(?<!合)并(?!排|行)|(?<![\s,，])(?=再[把加给将])|再(?=加|把|给|将)"
    r"|(?<=[>\w])(?<![再并请先要能帮你我想可以后])(?=把(?!手|握))|\s+(?=with (?:a |"
    r"the )?(?:big |small |red |white )?(?:title|caption)\b)"
)
_THEN = re.compile(r"\bthen\b|\bafter|然后|接着|随后|之后")
_SPLIT = re.compile(f"(?P<strong>{_STRONG})|(?P<weak>{_WEAK})")
_TIMES = re.compile(r"<t\d+>\s*$"), re.compile(r"\s*<t\d+>")
_GREETING = re.compile(r"[\s,.!。，！?？~]*")

_Rule = Callable[[Clause], "list[Edit] | None"]


@dataclass(frozen=True, slots=True)
class Understanding:
    """`edits` in the order in which they are to be done; `leftovers` are the user's words that no rule knew."""

    edits: tuple[Edit, ...]
    leftovers: tuple[str, ...]


@dataclass(slots=True)
class _Piece:
    """A stretch `start`…`end` of the tokenised message; `strong`: what stands before it ends a request, `then`: it
    says that this comes afterwards."""

    text: str
    start: int
    end: int
    strong: bool
    then: bool = False
    edits: list[Edit] | None = None


def understand(text: str, timeline: Timeline, context: Context) -> Understanding:
    """The edits that a message in English or Chinese asks for, resolved against the timeline.

    Never raises for any text. Times that count from the end stay relative (negative), so that edits may follow each
    other; cuts, scenes and halves are resolved against the timeline as it is now.
    """
    lexed = lex(text)
    reading = Reading(timeline, context, lexed, context.last_touched)
    pieces = _joined(_split(lexed.text), reading)
    edits: list[Edit] = []
    leftovers: list[str] = []
    for piece, after in zip_longest(pieces, pieces[1:]):
        if piece.edits is not None:
            spoken = after is not None and complains(piece.text, piece.edits, after.text, after.edits or [])
            if not spoken and not (edits and needless(piece.text, edits[-1])):
                edits.extend(piece.edits)
            continue
        if edits and needless(piece.text, edits[-1]):
            continue
        rest = lexed.written(lexed.raw(piece.text)).strip(" ,，、;；。.!！")
        if (rest and not (edits or len(pieces) > 1)) or (rest and not _polite(piece.text)):
            leftovers.append(rest)
    if not edits and not leftovers and all(piece.edits is None for piece in pieces):
        leftovers = [lexed.written(lexed.raw(lexed.text))] if lexed.text else []  # thanks alone: answered, not done
    return Understanding(tuple(renumbered(settled(edits), reading.pictures)), tuple(leftovers))


def _goes_on(before: str, between: str, after: str) -> bool:
    """Two parts that name one thing: a range, "in and out", "start at … and end at …", "when someone speaks 把…"."""
    if re.match("[把将给]", after) and not re.search(r"[\s,，、]", between):
        return not _heads(before)
    if _two_sounds(before, after):
        return True
    if re.search(r"\b(?:between|from)\s*<t\d+>\s*$", before) and _TIMES[1].match(after):
        return True
    if re.search(r"\bin\b(?: at the \w+)?$", before) and re.match(r"out\b", after):
        return True
    begins = re.search(
        r"\b(?:start|begin|com(?:e|es|ing) in|enter|kick)\w*\b[^<]*<t\d+>\s*$"
        r"|<t\d+>\s*(?:才|再)?(?:开始|响|进来?|出现|起)[响放播]?起?$",
        before,
    )
    return bool(begins and re.match(r"(?:end|stop|finish|leave)\w*\b|(?:到|在)?\s*<t\d+>\s*(?:结束|为止|停)", after))


_SOUNDS = {"on.score", "on.original", "on.own"}


def _two_sounds(before: str, after: str) -> bool:
    """ "the music and the game audio to 50%": one level for both."""
    if describes(before):
        return False  # "calm music and original sound at 50%"
    ends = {hit.concept for hit in scan(before) if hit.end == len(before.rstrip())} & _SOUNDS
    begins = re.match(r"(?:the |my )?", after)
    starts = {hit.concept for hit in scan(after) if hit.start <= (begins.end() if begins else 0)} & _SOUNDS
    apart = bool(ends and starts and ends != starts)
    return apart and not TOKEN.search(before) and not any(hit.concept == "do.own" for hit in scan(before))


def _split(text: str) -> list[_Piece]:
    """A message at everything that may stand between two requests; ranges such as "0:10 and 0:15" stay whole."""
    pieces: list[_Piece] = []
    at, strong, then = 0, True, False
    for found in _SPLIT.finditer(text):
        before, after = text[at : found.start()], text[found.end() :]
        if found.lastgroup == "weak" and _goes_on(before, found.group(), after):
            continue
        if before.strip():
            pieces.append(_Piece(before.strip(), at, found.start(), strong, then))
            strong = then = False
        at, strong = found.end(), strong or found.lastgroup == "strong"
        then = then or bool(_THEN.search(found.group()))
    if text[at:].strip():
        pieces.append(_Piece(text[at:].strip(), at, len(text), strong, then))
    return pieces


def _together(before: _Piece, piece: _Piece, reading: Reading) -> _Piece:
    """Both pieces with what the user wrote between them."""
    text = reading.lexed.text[before.start : piece.end].strip()
    return _Piece(text, before.start, piece.end, before.strong)


def _joined(pieces: list[_Piece], reading: Reading) -> list[_Piece]:
    """Pieces read one by one; those that are no request of their own are joined to the one before."""
    done: list[_Piece] = []
    for piece in pieces:
        before = done[-1] if done else None
        if before is not None and _belongs(piece, before, reading):
            _forget(before, reading)
            _read_into(_together(before, piece, reading), reading, done, replace=True)
            if done[-1].edits is None and (brief := _one_brief(before, done[-1], reading)):
                done[-1].edits = brief
                reading.edits += brief
            elif done[-1].edits == before.edits and _says_nothing(Clause(piece.text, reading)):
                done[-1] = before
                done.append(piece)  # words that changed nothing are a leftover
            elif _loses(done[-1], before, piece, reading):
                _forget(done[-1], reading)
                done.pop()
                for one in (before, piece):
                    _read_into(one, reading, done, replace=False)
            continue
        _read_into(_with_verb(piece, before, reading), reading, done, replace=False)
        latest = done[-1]
        if latest.edits is None and before is not None and not _polite(piece.text):
            _rescue(done, reading)
    return done


_NAMED = re.compile(r"(?:(?:all|the|my|any|both)\s+)*[a-z ]+|[\u4e00-\u9fff]+")


def _with_verb(piece: _Piece, before: _Piece | None, reading: Reading) -> _Piece:
    """ "remove all the text and the music": the verb stands once for both."""
    clause = Clause(piece.text, reading)
    named = clause.has("on.score", "on.original", "on.title") and all(c.startswith("on.") for c in clause.concepts)
    if before is None or not before.edits or not named or piece.strong or not _NAMED.fullmatch(clause.text):
        return piece
    if Clause(before.text, reading).starting("do.") != ["remove"]:
        return piece
    return replace(piece, text=f"remove {piece.text}")


def _one_brief(before: _Piece, both: _Piece, reading: Reading) -> list[Edit] | None:
    """A brief and what goes on with it, read as neither together ("…, no drums"): words for one new score."""
    if [edit.kind for edit in before.edits or ()] != ["make_score"]:
        return None
    return [MakeScore(text=Clause(both.text, reading).raw)]


def _loses(both: _Piece, before: _Piece, piece: _Piece, reading: Reading) -> bool:
    whole, first, second = (Clause(one.text, reading) for one in (both, before, piece))
    return swallows((whole, both.edits), (first, before.edits), (second, read_clause(second)))


def _says_nothing(clause: Clause) -> bool:
    """No concept, no music word and no exact thing stands in the clause."""
    known = {concept for concept in clause.concepts if concept != "is.polite" and not concept.startswith("color.")}
    return not known and not clause.musical and not TOKEN.search(clause.text)


def _read_into(piece: _Piece, reading: Reading, done: list[_Piece], *, replace: bool) -> None:
    piece.edits = read_clause(Clause(piece.text, reading))
    if piece.then and piece.edits and not _heads(piece.text):
        piece.edits = [_following(edit, reading.edits) for edit in piece.edits]
    for edit in piece.edits or ():
        reading.edits.append(edit)
        reading.last = touched(edit) or reading.last
    if replace:
        done[-1] = piece
    else:
        done.append(piece)


def _following(edit: Edit, before: list[object]) -> Edit:
    """ "title A for 4 s, then B": the second begins where the first one ends."""
    last = before[-1] if before else None
    if isinstance(edit, AddTitle) and isinstance(last, AddTitle) and edit.start_ms == 0 and last.duration_ms:
        return edit.model_copy(update={"start_ms": last.start_ms + last.duration_ms})
    return edit


def _forget(piece: _Piece, reading: Reading) -> None:
    for edit in piece.edits or ():
        reading.edits.remove(edit)


def _rescue(done: list[_Piece], reading: Reading) -> None:
    """Two pieces that mean nothing apart but something together."""
    latest, before = done[-1], done[-2]
    fragment = not _heads(latest.text)
    if before.edits is not None and (not fragment or latest.strong):
        return
    both = _together(before, latest, reading)
    found = read_clause(Clause(both.text, reading))
    if strays(before.edits or [], found):
        return
    if found and (before.edits is None or found != before.edits):
        _forget(before, reading)
        done.pop()
        _read_into(both, reading, done, replace=True)


def _heads(text: str) -> bool:
    """Has something of its own to do."""
    return any(hit.concept.startswith("do.") for hit in scan(text))


def _belongs(piece: _Piece, before: _Piece, reading: Reading) -> bool:
    """Whether a piece goes on with the request before it."""
    clause = Clause(piece.text, reading)
    if before.edits is None and clause.quotes and not _heads(piece.text.removeprefix("写")):
        asked = Clause(before.text, reading)
        if asked.has("on.title") and not asked.quotes:
            return True
    if before.edits is None:
        return (
            not _heads(before.text) and not clause.has("do.undo") and _polite(before.text) is False and not piece.strong
        )
    if not before.edits:
        return False  # "leave the rest as it is"
    last = before.edits[-1]
    if any(isinstance(edit, MakeScore) for edit in before.edits):
        return _continues_brief(clause, piece)
    if isinstance(last, ChangeScore) and (_changes_only(clause) or removes_it(clause)):
        return True  # one revision for all that is wished of the score
    if (
        isinstance(last, AddTitle)
        and re.match(r"带|有|with\b|fad", clause.text)
        and not fades_picture(clause)
        and not clause.targets
        and not clause.quotes
    ):
        return True
    if isinstance(last, ChangeScore) and not _heads(piece.text) and not clause.targets and not clause.quotes:
        return bool(clause.musical) or not piece.strong
    if isinstance(last, Slideshow) and not clause.targets and not clause.has("on.title", "on.score"):
        return clause.has("do.slideshow", "do.join", "do.fade", "do.fade_in", "do.fade_out") or bool(clause.when.bare)
    if clause.quotes and isinstance(last, AddTitle):
        return not Clause(before.text, reading).quotes and not _heads(piece.text)
    if _heads(piece.text) or piece.strong:
        return False
    named = clause.targets or clause.has("on.title", "on.score")
    return not named and not _polite(piece.text)


def _changes_only(clause: Clause) -> bool:
    return [edit.kind for edit in read_clause(clause) or ()] == ["change_score"]


def _continues_brief(clause: Clause, piece: _Piece) -> bool:
    """ "…, no drums", "… and harp", "then intense battle music" go on with a brief; other requests do not."""
    if _polite(piece.text):
        return False
    found = read_clause(clause)
    if found is None:
        return not _heads(piece.text) and (not piece.strong or bool(clause.musical))
    if generates(clause) and piece.strong:
        return False
    return all(isinstance(edit, ChangeScore | MakeScore) and not getattr(edit, "again", False) for edit in found)


def _polite(text: str) -> bool:
    """Only greetings, thanks and filler words."""
    rest = TOKEN.sub("x", text)
    kept = [
        " " if any(h.start <= i < h.end for h in scan(rest) if h.concept == "is.polite") else c
        for i, c in enumerate(rest)
    ]
    return bool(_GREETING.fullmatch("".join(kept)))


def read_clause(clause: Clause) -> list[Edit] | None:
    """The edits of one clause by the first rule that knows it, or None; none at all where it says what is to stay."""
    if not clause.text:
        return None
    if clause.has("do.keep"):
        return []
    for rule in _RULES:
        found = rule(clause)
        if found:
            return found
    return None


_PART = re.compile(r"\b(?:sections?|intro|ending|chorus|verse|bridge|outro)\b|第.段|前奏|尾声|副歌|间奏|结尾|开头")
"""Of "redo the ending", which is another take of it."""


def _history(clause: Clause) -> list[Edit] | None:
    if clause.quotes:
        return None
    if clause.has("do.start_over") and not clause.has("on.score", "on.title") and "<t" not in clause.text:
        return [StartOver()]
    if clause.has("do.redo") and not (clause.reading.score and _PART.search(clause.text)):
        return [Redo(steps=_steps(clause.text))]
    if clause.has("do.undo"):
        return [Undo(steps=_steps(clause.text))]
    return [Describe()] if clause.has("do.describe") and not generates(clause) else None


def _steps(text: str) -> int:
    found = re.search(rf"({NUMBER}|{CHINESE_NUMBER})\s*(?:steps?|changes?|edits?|times?|things|步|次|个)", text)
    if found is None and re.search(r"\b(?:everything|all)\b|全部|所有", text):
        return 1000
    if found is None:
        return 2 if re.search(r"\btwice\b", text) else 1
    return min(max(int(value(found.group(1))), 1), 1000)


_RULES: tuple[_Rule, ...] = (
    _history, read_other_take, read_new, read_title, read_sound, read_picture, read_change,
)  # fmt: skip
