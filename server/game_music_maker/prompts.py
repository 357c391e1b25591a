"""The words of the two prompts that hosts offer."""

from __future__ import annotations

SCORE_CLIP = """\
Make music for the clip {clip}. Wish: {wish}.
1. Call upload with the clip's absolute path.
2. Call send_message with the wish in one concrete sentence (genre, mood, scene, tempo or instruments where known).
3. If an answer says that it is running, call state with its job and wait_s=45 until it is done.
4. Tell me in two sentences what was composed and how it fits the cuts, then call export and give me the absolute path.
5. Offer one or two refinements (calmer, no drums, music at 35%, loop it, 9:16)."""

BATCH_SCORE = """\
Make music for each of these clips: {clips}. Wish: {wish}.
Work on one clip after the other, each in a project of its own: connect with a project named after the clip, upload, \
send_message, export. Wait for running jobs with state. A clip that fails does not stop the rest: note the reason.
At the end give a table: clip, what was composed, absolute path of the export or the reason why there is none."""
