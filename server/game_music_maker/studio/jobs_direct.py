"""One chat turn carried out: words → edits → draft, with the edits that need the store or a worker done here."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..contract.score import ScorePlan
from ..errors import MusicMakerError, NotFound
from .events import Events
from .footage import Asset, VideoMap
from .replies import Language, Said, language_of, say, table
from .scoring_map import inner_cuts_ms, timeline_map
from .store_sessions import Session
from .timeline import Timeline

if TYPE_CHECKING:
    from .direct.context import Context
    from .direct.interpreter import Understanding
    from .direct.values import Edit
    from .jobs import Desk
    from .music.brief import Brief

Progress = Callable[[float, str], None]
_NOTES = 8


class Director:
    """Carries out the messages of one session.

    One message gives at most one new draft version, so that one undo takes it back; nothing is saved before its end,
    but for undo and redo, which move over saved versions.
    """

    def __init__(self, desk: Desk, session: Session, events: Events, language: Language) -> None:
        self._desk = desk
        self._session = session
        self._events = events
        self._language: Language = language
        self._draft = Timeline()
        self._saved = Timeline()
        self._looks: dict[str, VideoMap] = {}
        self._bars: dict[str, tuple[int, int, int, int]] = {}

    async def carry_out(self, text: str, plan: ScorePlan | None, progress: Progress) -> dict[str, Any]:
        """Do what `text` asks, tell it as events, and give what was done: ``edits, version``.

        Raises:
            MusicMakerError: the only thing that was asked could not be done.
        """
        from .direct.edits import apply, touched
        from .direct.explain import explain
        from .direct.settling import in_working_order

        desk, session = self._desk, self._session
        self._draft = self._saved = await desk.db(desk.sessions.draft, session.id)
        await self._tell("progress.reading")
        context = await self._context()
        understood = await asyncio.to_thread(self._understand, text, context)
        edits = in_working_order(self._with_plan(list(understood.edits), text, plan))
        if any(edit.kind == "crop_bars" for edit in edits):
            await self._find_bars()
            context = await self._context()
        sentences: list[str] = []
        for edit in edits:
            await self._events.call(edit.kind, edit.model_dump(mode="json", exclude_none=True, exclude={"kind"}))
            try:
                if self._served(edit):
                    done = await self._serve(edit, context, progress)
                else:
                    self._draft, done = apply(edit, self._draft, context)
                said = done.text(self._language)
            except MusicMakerError as error:
                told = self._told(error)
                if len(edits) == 1:
                    raise told from error
                said = f"{told.message} {told.next}"
            sentences.append(said)
            await desk.db(desk.sessions.touch, session.id, touched(edit) or context.last_touched)
            await self._events.result(edit.kind, {"status": "done", "message": said}, {"draft": edit.kind})
            context = await self._context()
        version = await self._save(text)
        left = [words.text(self._language) for words in explain(understood.leftovers)]
        nothing = say("nothing").text(self._language)
        await self._events.text("\n".join(filter(None, (*sentences, *left))) or nothing)
        return {"edits": [edit.kind for edit in edits], "version": version}

    async def _tell(self, stage: str) -> None:
        await self._events.progress(say(stage).text(self._language))

    def _none(self) -> NotFound:
        """What was asked needs music, and there is none."""
        words = say("no_score").text(self._language), say("no_score.next").text(self._language)
        return NotFound(words[0], next=words[1])

    def _told(self, error: MusicMakerError) -> MusicMakerError:
        """A failure in the user's language; details that only exist in English follow in brackets."""
        if language_of(error.message) == self._language:
            return error
        code = error.code if f"error.{error.code}" in table() else "other"
        said = say(f"error.{code}", detail=error.message), say(f"error.{code}.next", advice=error.next)
        return type(error)(said[0].text(self._language), next=said[1].text(self._language))

    def _understand(self, text: str, context: Context) -> Understanding:
        """The words as edits; what no rule knew goes to the model, where one is set up."""
        from .direct.interpreter import understand

        understood = understand(text, self._draft, context)
        model = self._desk.options.model
        if model is None or not understood.leftovers:
            return understood
        from .direct.llm import Model, ask

        return ask(Model(model.url, model.name, model.key), understood, self._draft, context)

    async def _find_bars(self) -> None:
        """Look for black bars in the clips that are shown."""
        shown = {clip.asset for clip in self._draft.of("video")}
        for asset in await self._desk.db(self._desk.media.of_session, self._session.id):
            if asset.id in shown and asset.id not in self._bars and asset.info is not None and asset.info.video:
                self._bars[asset.id] = await self._desk.bars(asset)

    def _with_plan(self, edits: list[Edit], text: str, plan: ScorePlan | None) -> list[Edit]:
        """A plan that came with the message goes to its score edit, or is one of its own."""
        from .direct.values import MakeScore

        if plan is None:
            return edits
        if any(isinstance(edit, MakeScore) for edit in edits):
            return [e.model_copy(update={"plan": plan}) if isinstance(e, MakeScore) else e for e in edits]
        return [*edits, MakeScore(text=text, plan=plan)]

    def _served(self, edit: Edit) -> bool:
        from .direct.values import SERVED

        return isinstance(edit, SERVED)

    async def _save(self, label: str) -> int | None:
        """A new version where the draft changed."""
        if self._draft == self._saved:
            return None
        version = await self._desk.db(self._desk.sessions.save, self._session.id, self._draft, label)
        self._saved = self._draft
        return version

    # -- what the words are read against -----------------------------------------------------------------------

    async def _context(self) -> Context:
        from .direct.context import Context, File

        desk = self._desk
        files = await desk.db(desk.media.of_session, self._session.id)
        for asset in files:
            if asset.id not in self._looks and (seen := await desk.db(desk.media.look, asset.id, "quick")):
                self._looks[asset.id] = seen
        session = await desk.db(desk.sessions.get, self._session.user, self._session.id)
        return Context(
            cuts_ms=inner_cuts_ms(self._draft, self._looks),
            files=tuple(File.of(asset, self._bars.get(asset.id)) for asset in files),
            last_touched=session.touched,  # type: ignore[arg-type]  # written by `touched` alone
            takes=len(await self._takes()),
            score=await self._score_said(),
        )

    async def _facts(self) -> dict[str, Any]:
        """Facts of the score that the draft plays.

        Raises:
            NotFound: it plays none.
        """
        placed = next((clip.score for clip in self._draft.score_clips if clip.score), None)
        scores = await self._desk.db(self._desk.media.scores, self._session.id)
        found = next((facts for facts in scores if facts["id"] == placed), None)
        if found is None:
            raise self._none()
        return found

    async def _score_said(self) -> Said:
        try:
            return _described(await self._facts())
        except NotFound:
            return Said()

    async def _takes(self) -> list[dict[str, Any]]:
        """The takes that were made together with the present score, in order."""
        try:
            present = await self._facts()
        except NotFound:
            return []
        scores = await self._desk.db(self._desk.media.scores, self._session.id)
        return [facts for facts in scores if facts["group"] == present["group"]]

    # -- edits that need the store or a worker -----------------------------------------------------------------

    async def _serve(self, edit: Edit, context: Context, progress: Progress) -> Said:
        from .direct.values import ChangeScore, ChooseTake, MakeScore, Redo, StartOver, Undo

        match edit:
            case MakeScore():
                return await self._make_score(edit, context, progress)
            case ChangeScore():
                return await self._change_score(edit, context, progress)
            case ChooseTake():
                return await self._choose(edit.number, context)
            case Undo():
                return await self._step(-edit.steps, "undo")
            case Redo():
                return await self._step(edit.steps, "redo")
            case StartOver():
                return await self._start_over(context)
        raise TypeError(f"{edit.kind} is carried out by `apply`")

    async def _step(self, steps: int, verb: str) -> Said:
        await self._save("before " + verb)
        moved = abs(await self._desk.db(self._desk.sessions.move, self._session.id, steps))
        self._draft = self._saved = await self._desk.db(self._desk.sessions.draft, self._session.id)
        if not moved:
            return say(f"{verb}.nothing")
        return say(f"{verb}.done", count=moved)

    async def _start_over(self, context: Context) -> Said:
        from .direct.placing import place_file

        self._draft = Timeline()
        for file in context.files:
            self._draft = place_file(self._draft, file, context)
        return say("start_over.files", count=len(context.files)) if context.files else say("start_over.empty")

    async def _choose(self, number: int, context: Context) -> Said:
        takes = await self._takes()
        if not takes:
            raise self._none()
        if number == 0 or number > len(takes) or -number > len(takes):
            return say("take.no_such", count=len(takes))
        chosen = takes[number - 1 if number > 0 else number]
        self._place(chosen, context)
        return say("take.chosen", number=takes.index(chosen) + 1, score=_described(chosen))

    def _place(self, facts: Mapping[str, Any], context: Context) -> None:
        from .direct.placing import place_score

        self._draft = place_score(
            self._draft, facts["id"], facts["name"], facts["duration_s"] * 1000, score_id=facts["id"], context=context
        )

    async def _make_score(self, edit: Any, context: Context, progress: Progress) -> Said:
        text, group = edit.text, "group_" + secrets.token_hex(6)
        like: dict[str, Any] = {}
        if edit.again:
            before = await self._facts()
            text = f"{before['brief']}. {edit.text}" if edit.text else str(before["brief"])
            group = str(before["group"])
            like = {"like": str(self._desk.media.score_folder(before["id"]))}
        brief = await asyncio.to_thread(_brief, text)
        self._share_out((edit.plan and edit.plan.length_s) or brief.length_s)
        video = await self._video(accurate="sync_cuts" in brief.requests)
        seed = edit.plan.seed if edit.plan and edit.plan.seed is not None else await self._seed()
        given = (edit.plan or ScorePlan()).model_copy(update={"seed": seed})
        args = {"text": text, "given": given.model_dump(mode="json", exclude_none=True)} | like
        made = [
            await self._compose(args | {"take": (number, edit.takes)}, video, group, progress)
            for number in range(edit.takes)
        ]
        self._place(made[0], context)
        if len(made) == 1:
            return say("score.another" if edit.again else "score.made", score=_described(made[0])) + _notes(made)
        said = say("score.takes", count=len(made))
        for number, facts in enumerate(made, 1):
            said += say("score.take", number=number, direction=facts["direction"], score=_described(facts))
        return said + _notes(made)

    async def _change_score(self, edit: Any, context: Context, progress: Progress) -> Said:
        before = await self._facts()
        args = {"changes": edit.text, "previous": str(self._desk.media.score_folder(before["id"]))}
        self._share_out((await asyncio.to_thread(_brief, edit.text)).length_s)
        facts = await self._compose(args, await self._video(), "group_" + secrets.token_hex(6), progress)
        if facts.get("unchanged"):
            return say("score.unchanged") + _notes([facts])
        self._place(facts, context)
        return say("score.changed", score=_described(facts)) + _notes([facts])

    def _share_out(self, seconds: float | None) -> None:
        """Stills whose lengths nobody named follow the length that the music is to have."""
        from .direct.drafting import shared_out

        self._draft = shared_out(self._draft, (seconds or 0) * 1000)

    async def _seed(self) -> int:
        """A seed that no other request of this session gets."""
        take = await self._desk.db(self._desk.sessions.next_take, self._session.id)
        digest = hashlib.sha256(f"{self._session.id}/{take}".encode()).digest()
        return int.from_bytes(digest[:4], "big")

    async def _video(self, *, accurate: bool = False) -> VideoMap:
        """What happens in the timeline, once every clip has been looked at (frame by frame where `accurate`)."""
        from .direct.drafting import is_elastic

        if is_elastic(self._draft) and len(self._draft.of("video")) == 1:
            return VideoMap(duration=0.0)  # one picture is shown for as long as the music wants to be
        files = {asset.id: asset for asset in await self._desk.db(self._desk.media.of_session, self._session.id)}
        for clip in self._draft.of("video"):
            asset = files.get(clip.asset or "")
            if asset is None or not _moving(asset):
                continue
            seen = self._looks.get(asset.id)
            if seen is None or (accurate and seen.look == "quick"):
                await self._tell("progress.looking")
                self._looks[asset.id] = await self._desk.look(asset, accurate=accurate)
        return timeline_map(self._draft, self._looks)

    async def _compose(self, args: dict[str, Any], video: VideoMap, group: str, progress: Progress) -> dict[str, Any]:
        """Run the worker task, keep the score, give its facts."""
        desk = self._desk
        score_id = "s_" + secrets.token_hex(12)
        loop = asyncio.get_running_loop()

        def tell(fraction: float, stage: str) -> None:
            progress(fraction, stage)
            id = f"progress.{stage.replace(' ', '_')}"
            words = say(id if id in table() else "progress.working")
            loop.create_task(self._events.progress(words.text(self._language)))  # noqa: RUF006  # short, in order

        await self._tell("progress.composing")
        await desk.db(desk.media.make_room, round(video.duration * 48_000 * 8) + 10**7)
        with desk.folders.scratch() as work:
            folder = work / score_id
            order = args | {
                "video": video.model_dump(mode="json"), "folder": str(folder), "language": self._language,
            }  # fmt: skip
            facts = await desk.pool.run("score", order, needs="score", progress=tell)
            if facts.get("unchanged"):
                return facts
            facts = {**facts, "group": group}
            await desk.db(desk.media.keep_score, self._session.id, score_id, folder, facts)
        return {"id": score_id, **facts}


def _moving(asset: Asset) -> bool:
    return asset.info is not None and asset.info.kind == "video"


def _described(facts: Mapping[str, Any]) -> Said:
    """ "Dungeon exploration", 90.0 s, 92 BPM, D minor, loop, 7 of 9 picture events met, seed 4711"""
    tonic, _, mode = str(facts["key"]).partition(" ")
    parts = [
        say("score.name", name=facts["name"]),
        say("score.length", s=facts["duration_s"]),
        say("score.bpm", bpm=facts["bpm"]),
        say("key", tonic=tonic, mode=say(f"mode.{mode}")),
    ]
    if facts.get("loop"):
        parts.append(say("score.loop"))
    hits = facts.get("hits") or {}
    if hits.get("planned"):
        parts.append(say("score.hits", landed=hits["landed"], planned=hits["planned"]))
    parts.append(say("score.seed", seed=str(facts["seed"])))
    return say("score.facts", parts=parts)


def _notes(made: list[dict[str, Any]]) -> Said:
    """Corrections and words that were not understood, once each; what was not understood stands last."""
    notes = list(dict.fromkeys(note for facts in made for note in facts.get("notes", ())))
    kept = notes if len(notes) <= _NOTES else [*notes[: _NOTES - 1], notes[-1]]
    said = Said()
    for note in kept:
        said += say("note", text=note)
    return said


def _brief(text: str) -> Brief:
    from .music.brief import read_brief

    return read_brief(text)
