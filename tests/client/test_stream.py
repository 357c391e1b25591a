"""Chat streams: what is read does not depend on how bytes were split, nor on whether the server streamed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from game_music_maker.client.decoding import decode
from game_music_maker.client.framing import Framer
from game_music_maker.client.reply import TurnResult
from game_music_maker.client.stream import TurnReader
from game_music_maker.contract.timing import MAX_EVENT_BYTES, MAX_REPLY_BYTES
from game_music_maker.errors import BadAnswer

CORPUS = Path(__file__).parents[1] / "data" / "sse"
FILES = sorted(CORPUS.glob("adk-*/*.sse"))
PAIRS = sorted(
    path
    for path in FILES
    if path.name.endswith(".stream.sse") and path.with_name(path.name.replace(".stream", ".nostream")).exists()
)


def read(*chunks: bytes) -> TurnResult:
    reader = TurnReader()
    for chunk in chunks:
        reader.feed(chunk)
    reader.close()
    return reader.result("closed")


def framed(*chunks: bytes) -> list[tuple[str, str]]:
    framer = Framer()
    found = [one for chunk in chunks for one in framer.feed(chunk)]
    last = framer.close()
    return [(one.event, one.data) for one in [*found, *([last] if last else [])]]


def event(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def said(*bodies: object) -> TurnResult:
    return read(b"".join(event(body) for body in bodies))


def adk(text: str, **more: object) -> dict[str, object]:
    return {"content": {"parts": [{"text": text}], "role": "model"}, "author": "nemo_agent", **more}


def shown(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_every_two_way_split_reads_the_same(path: Path) -> None:
    raw = path.read_bytes()
    whole, events = read(raw), framed(raw)
    for at in range(len(raw)):
        assert framed(raw[:at], raw[at:]) == events
    for at in range(0, len(raw), 97):
        assert read(raw[:at], raw[at:]) == whole
    assert read(*(raw[i : i + 1] for i in range(len(raw)))) == whole


@pytest.mark.parametrize("path", PAIRS, ids=shown)
def test_streamed_and_whole_answers_read_the_same(path: Path) -> None:
    streamed = read(path.read_bytes())
    whole = read(path.with_name(path.name.replace(".stream", ".nostream")).read_bytes())
    for field in ("text", "truncated", "question", "tools", "failed_tools", "changed_keys", "status"):
        assert getattr(streamed, field) == getattr(whole, field), field
    assert [error.message for error in streamed.errors] == [error.message for error in whole.errors]
    assert streamed.malformed == streamed.unknown == whole.malformed == whole.unknown == 0


@pytest.mark.parametrize("version", ["adk-1.23.0", "adk-2.13.0"])
def test_recorded_turns_say_what_their_servers_meant(version: str) -> None:
    def turn(name: str) -> TurnResult:
        return read((CORPUS / version / f"{name}.sse").read_bytes())

    assert turn("text.stream").text == turn("text.default").text == "Here is a 30-second boss-fight loop."
    assert turn("thought.stream").text == "Done: 140 BPM loop."
    assert turn("unicode.stream").text == "循环 «Löop» 🎮 line1\nline2\nline3\nx"
    assert turn("twotools.stream").tools == ("generate_music", "generate_music")
    assert turn("twotools.stream").changed_keys == ("generated_media", "draft")
    assert turn("toolonly.stream").status == turn("toolonly.nostream").status == "silent"
    assert turn("toolonly.stream").changed
    assert turn("toolfail.stream").failed_tools == ("broken_tool",)
    assert turn("maxtokens.stream").status == "done"
    assert turn("maxtokens.stream").truncated
    assert [e.message for e in turn("blocked.stream").errors] == ["stopped: SAFETY"]
    assert [e.message for e in turn("error.stream").errors] == ['upstream said "quota exceeded"\nretry later']
    broken = turn("miderror.stream")
    assert (broken.status, broken.tail) == ("failed", "Starting the mix")
    assert [e.message for e in broken.errors] == ["connection reset by 'model' backend"]


NASTY = (
    event(adk("循环 🎮 a\u2028b\u0085c"))[:-2]
    .decode()
    .encode()
    .replace(b"\\u2028", "\u2028".encode())
    .replace(b"\\u0085", "\u0085".encode())
)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_ends_bom_comments_and_raw_separators(end: bytes, bom: bytes) -> None:
    lines = [
        b": hello",
        b"id: 1",
        b": again",
        b"",
        NASTY,
        b"",
        b'data: {"content":',
        b'data:{"parts":[{"text":"two"}]}}',
        b"",
        b"data:",
        b"",
        b"heartbeat",
        b"",
    ]
    raw = bom + end.join(lines) + end
    whole = read(raw)
    assert whole.text == "循环 🎮 a\nb\nc\n\ntwo"
    assert whole.malformed == whole.unknown == 0
    assert whole.heartbeats >= 4
    for at in range(len(raw)):
        assert read(raw[:at], raw[at:]) == whole


def test_the_first_event_after_a_byte_order_mark_is_kept() -> None:
    assert read(b"\xef\xbb\xbf" + event(adk("first"))).text == "first"


def test_partial_text_is_progress_and_an_unfinished_tail_is_marked() -> None:
    result = said(adk("All done."), adk("Next I ", partial=True), adk("will", partial=True))
    assert (result.text, result.tail) == ("All done.", "Next I will")


def test_calls_with_new_ids_in_the_repeating_event_count_once() -> None:
    call = {"content": {"parts": [{"functionCall": {"id": "a", "name": "edit", "args": {}}}]}, "author": "x"}
    again = {"content": {"parts": [{"functionCall": {"id": "b", "name": "edit", "args": {}}}]}, "author": "x"}
    assert said({**call, "partial": True}, {**again, "partial": False}).tools == ("edit",)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'data: {"error": "upstream said "quota"\nretry later"}\n\n', 'upstream said "quota"\nretry later'),
        (event({**adk("Error: no quota"), "author": "system"}), "no quota"),
        (event({"error": "no quota"}), "no quota"),
        (event({"error": {"code": "x", "message": "no quota"}}), "no quota"),
        (
            event({"errorCode": "RuntimeError", "errorMessage": "no quota", "author": "a"})
            + event({"error": "RuntimeError: no quota", "error_details": {"error_message": "no quota"}}),
            "no quota",
        ),
        (event({"type": "error", "message": "no quota"}), "no quota"),
    ],
)
def test_every_error_dialect_fails_the_turn_once(body: bytes, message: str) -> None:
    result = read(event(adk("Good so far.", partial=True)) + body)
    assert result.status == "failed"
    assert [error.message for error in result.errors] == [message]


def test_a_model_without_content_is_a_silent_turn_not_a_failure() -> None:
    result = said(
        {"content": {"parts": []}, "errorCode": "MODEL_RETURNED_NO_CONTENT", "errorMessage": "x", "author": "a"}
    )
    assert (result.status, result.errors) == ("silent", ())
    assert read(b"").status == "silent"


def test_a_temporary_issue_after_good_text_is_left_out() -> None:
    noise = "I encountered a temporary issue while finishing up. Please try again."
    assert said(adk("Added the track."), adk(noise)).text == "Added the track."
    assert said(adk("Added the track. " + noise)).text == "Added the track."
    assert said(adk(noise)).text == noise


def test_tagged_events() -> None:
    result = said(
        {"type": "thinking_start"}, {"type": "chunk", "text": "Hel"}, {"type": "chunk", "text": "lo"},
        {"type": "text", "content": "Hello"},
        {"type": "tool_call", "tool": "edit"}, {"type": "tool_result", "tool": "edit"}, {"type": "heartbeat"},
        {"type": "text", "text": "Done."},
        {"type": "surprise"}, {"type": "done"},
    )  # fmt: skip
    assert (result.text, result.tools, result.unknown, result.status) == ("Hello\n\nDone.", ("edit",), 1, "done")
    asked = said({"type": "ask_question", "question": "Which one?"})
    assert (asked.status, asked.question) == ("needs_input", "Which one?")
    assert said({"text": "plain"}).text == "plain"
    assert read(b"data: heartbeat\n\ndata: [DONE]\n\n" + event(adk("after the end"))).text == ""


def test_malformed_and_unknown_events_are_skipped_and_counted() -> None:
    raw = b'data: {"content":\n\ndata: NaN\n\ndata: 7\n\ndata: {"x":1}\n\ndata: \xff\xfe\n\n' + event(adk("still here"))
    result = read(raw)
    assert (result.text, result.malformed, result.unknown) == ("still here", 3, 2)


@pytest.mark.parametrize(
    "chunk", [b"data: " + b"x" * 65536, b"data: 123456789\n" * 4096, b"x" * 65536, b": " + b"-" * 65536]
)
def test_an_event_past_one_mebibyte_is_refused_in_bounded_memory(chunk: bytes) -> None:
    framer = Framer()

    def flood() -> None:
        for _ in range(1024):  # 64 MB, were it let in
            list(framer.feed(chunk))

    with pytest.raises(BadAnswer, match="1024 KiB"):
        flood()
    assert len(framer._pending) <= MAX_EVENT_BYTES


def test_a_reply_is_cut_at_its_limit_and_marked() -> None:
    result = said(*(adk("循" * 30_000) for _ in range(10)))
    assert len(result.text.encode()) <= MAX_REPLY_BYTES
    assert result.truncated
    deltas = said(*({"type": "chunk", "text": "x" * 50_000 + str(i)} for i in range(10)))
    assert len(deltas.text.encode()) <= MAX_REPLY_BYTES
    assert deltas.truncated


def test_replies_lose_what_a_terminal_would_obey_and_an_eye_not_see() -> None:
    result = said(adk("a\x1b[31mred\x1b[0m\u202eb\u200bc\U000e0041d\x07\ud800"))
    assert result.text == "aredbcd\ufffd"


def test_random_bytes_never_raise_anything_but_the_tree() -> None:
    chance = random.Random(7)
    seeds = [path.read_bytes() for path in FILES if path.stat().st_size < 3000]
    for _ in range(1500):
        raw = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        cuts = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
        first = read(bytes(raw))
        assert read(bytes(raw[: cuts[0]]), bytes(raw[cuts[0] : cuts[1]]), bytes(raw[cuts[1] :])) == first


def test_any_json_decodes_without_a_traceback() -> None:
    chance = random.Random(8)
    words = [
        "type", "text", "content", "parts", "error", "error_details", "actions", "stateDelta", "functionCall",
        "name", "args", "functionResponse", "response", "author", "system", "partial", "errorCode", "ask_question",
        "done", "thought",
    ]  # fmt: skip

    def anything(depth: int) -> object:
        kind = chance.randrange(8 if depth else 5)
        if kind >= 6:
            return {chance.choice(words): anything(depth - 1) for _ in range(chance.randrange(5))}
        if kind == 5:
            return [anything(depth - 1) for _ in range(chance.randrange(4))]
        return [None, True, 1e308, chance.choice(words), -1][kind]

    reader = TurnReader()
    for _ in range(5000):
        reader.feed(event(anything(4)))
    for text in ("[" * 100_000, "{" * 5, '{"a":' * 50_000, "1" * 5000, '{"x":1e999}', "[DONE", '{"error":'):
        assert decode(text)
    assert reader.result("closed").events > 0
