"""The store: what is kept, who may see it, what is undone, and what is cleaned up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from game_music_maker.contract.draft import VIDEO
from game_music_maker.errors import BackendError, Busy, DiskFull, InvalidArgument, SessionGone, TokenRefused
from game_music_maker.studio.footage import MediaInfo, VideoMap
from game_music_maker.studio.store import Database, database_error
from game_music_maker.studio.store_accounts import OWNER, Accounts
from game_music_maker.studio.store_files import Folders
from game_music_maker.studio.store_media import Media
from game_music_maker.studio.store_sessions import Sessions
from game_music_maker.studio.timeline import Clip, StudioTrack, Timeline

DAY = 86_400.0


@dataclass
class Now:
    """A clock that goes only when told to."""

    at: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Store:
    home: Path
    now: Now = field(default_factory=Now)
    cap: int = 10**9

    def __post_init__(self) -> None:
        self.folders = Folders(self.home)
        self.database = Database(self.folders.database, clock=self.now, wait_s=0.1)
        self.accounts = Accounts(self.database, "the owner's token")
        self.sessions = Sessions(self.database)
        self.media = Media(self.database, self.folders, cap_bytes=self.cap)

    def close(self) -> None:
        self.database.close()
        self.folders.close()

    def add_file(self, name: str, content: bytes) -> str:
        """A file of the store, as an upload leaves it; its asset id."""
        import hashlib

        source = self.folders.work / name
        source.write_bytes(content)
        info = MediaInfo(kind="video", container="mp4", duration_s=1, size_bytes=len(content))
        return self.media.keep(source, hashlib.sha256(content).hexdigest(), info)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def named(*names: str) -> Timeline:
    clips = tuple(Clip(name=name, start_ms=i * 1000.0, duration_ms=1000.0) for i, name in enumerate(names))
    return Timeline(tracks=(StudioTrack(type=VIDEO, segments=clips),))


def names(draft: Timeline) -> list[str | None]:
    return [clip.name for clip in draft.of("video")]


def test_undo_and_redo_walk_over_versions_and_a_new_edit_cuts_the_future_off(store: Store) -> None:
    session = store.sessions.open("ann", "run", "en").id
    for draft in (named("a"), named("a", "b"), named("a", "b", "c")):
        store.sessions.save(session, draft, "edit")
    assert store.sessions.history(session) == (3, 0)
    assert store.sessions.move(session, -2) == -2
    assert names(store.sessions.draft(session)) == ["a"]
    assert store.sessions.move(session, 1) == 1
    assert names(store.sessions.draft(session)) == ["a", "b"]
    store.sessions.save(session, named("new"), "edit")
    assert store.sessions.move(session, 5) == 0
    assert store.sessions.move(session, -50) == -3
    assert names(store.sessions.draft(session)) == []


def test_drafts_survive_a_new_process_with_their_unknown_keys(store: Store) -> None:
    session = store.sessions.open("ann", "run", "en").id
    wire = {"t": [{"tt": 3, "sg": [{"s": 0, "d": 5, "zz": {"deep": [1]}}]}], "m": {"later": True}}
    store.sessions.save(session, Timeline.read(wire), "edit")
    store.close()
    store.__post_init__()
    assert store.sessions.draft(session).to_wire() == wire


def test_a_session_is_its_users_and_the_owners_alone(store: Store) -> None:
    session = store.sessions.open("ann", "run", "en").id
    assert store.sessions.get("ann", session).id == store.sessions.get(OWNER, session).id == session
    assert len(session) == 19
    for user, name in (("bob", session), ("ann", "1" * 19)):
        with pytest.raises(SessionGone) as gone:
            store.sessions.get(user, name)
        assert gone.value.message == "The session does not exist in this studio."


def test_tokens_expire_and_are_kept_as_hashes(store: Store) -> None:
    token, user, expires = store.accounts.anonymous("client-0001")
    assert store.accounts.user_of(token) == user
    assert store.accounts.user_of("the owner's token") == OWNER
    assert expires == store.now.at + 7 * DAY
    assert token.encode() not in b"".join(p.read_bytes() for p in store.folders.root.glob("studio.db*"))
    store.now.at += 8 * DAY
    with pytest.raises(TokenRefused):
        store.accounts.user_of(token)
    with pytest.raises(InvalidArgument):
        store.accounts.anonymous("")


def test_a_claim_opens_its_session_until_it_expires(store: Store) -> None:
    _, user, _ = store.accounts.anonymous("client-0001")
    session = store.sessions.open(user, "run", "en").id
    claim = store.accounts.claim(user, session)
    token, opened = store.accounts.redeem(claim)
    assert opened == session
    assert store.sessions.get(store.accounts.user_of(token), session)
    with pytest.raises(TokenRefused):
        store.accounts.user_of(claim)
    store.now.at += 8 * DAY
    with pytest.raises(TokenRefused):
        store.accounts.redeem(claim)


def test_the_same_content_is_kept_once(store: Store) -> None:
    first, second = store.add_file("a.mp4", b"same"), store.add_file("b.mp4", b"same")
    other = store.add_file("c.mp4", b"other")
    assert first == second != other
    assert len([p for p in store.folders.media.rglob("*") if p.is_file()]) == 2


def test_a_look_is_kept_for_each_way_of_looking(store: Store) -> None:
    asset = store.add_file("a.mp4", b"x")
    assert store.media.look(asset, "quick") is None
    store.media.keep_look(asset, "quick", VideoMap(duration=2.5, look="quick"))
    assert store.media.look(asset, "accurate") is None
    found = store.media.look(asset, "quick")
    assert found is not None
    assert found.duration == 2.5


def test_clean_up_removes_what_no_session_refers_to(store: Store) -> None:
    session = store.sessions.open("ann", "run", "en").id
    used, unused = store.add_file("a.mp4", b"used"), store.add_file("b.mp4", b"unused")
    store.media.attach(session, used, "a.mp4")
    store.now.at += DAY
    store.media.clean()
    assert store.media.find(used) is not None
    assert store.media.find(unused) is None
    assert len([p for p in store.folders.media.rglob("*") if p.is_file()]) == 1


def test_the_cap_drops_the_sessions_unused_for_longest_then_says_that_it_is_full(tmp_path: Path) -> None:
    store = Store(tmp_path, cap=1000)
    try:
        assets = []
        for name in ("old", "young"):
            session = store.sessions.open("ann", name, "en").id
            assets.append(store.add_file(f"{name}.mp4", name.encode().ljust(400)))
            store.media.attach(session, assets[-1], name)
            store.now.at += 2 * DAY
        store.media.make_room(400)
        assert [store.media.find(asset) is None for asset in assets] == [True, False]
        with pytest.raises(DiskFull, match="cap"):
            store.media.make_room(2000)
    finally:
        store.close()


def test_unfinished_work_of_a_dead_studio_is_swept_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    dead, living = Folders(tmp_path), Folders(tmp_path)
    (dead.work / "half.mp4").write_bytes(b"x")
    (living.work / "half.mp4").write_bytes(b"x")
    dead._handle.close()  # what the system does when a process is killed
    third = Folders(tmp_path)
    assert (third.alive(dead.owner), third.alive(living.owner)) == (False, True)
    third.sweep()
    assert not dead.work.exists()
    assert (living.work / "half.mp4").exists()
    living.close()
    third.close()


def test_a_locked_database_is_an_error_that_says_so(store: Store) -> None:
    other = sqlite3.connect(store.folders.database)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="locked") as busy:
        store.sessions.open("ann", "run", "en")
    assert busy.value.retry_after_s
    other.rollback()
    other.close()
    assert store.sessions.open("ann", "run", "en")


def test_a_full_disk_is_an_error_that_says_so(store: Store) -> None:
    with store.database.read() as sql:
        pages = sql.execute("PRAGMA page_count").fetchone()[0]
        sql.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull, match="full"):
        store.sessions.open("ann", "x" * 100_000, "en")


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "studio.db").write_bytes(b"this is no database" * 500)
    with pytest.raises(BackendError, match="damaged"):
        Database(tmp_path / "studio.db")
    assert database_error(sqlite3.Error("?"), tmp_path).code == "backend_error"
