"""Waits and limits of the contract, in seconds unless the name says otherwise."""

from __future__ import annotations

CONNECT = 10.0
PLAIN_CALL = 60.0
"""A plain call as a whole, retries included."""
GET_TRIES = 5
RETRY_AFTER_LIMIT = 60.0
"""A longer wait comes back as an error that says when."""
RECOVERY_LOOKS = 5
POLL_CLOUD = 30.0
POLL_LOCAL = 0.25
MAX_EVENT_BYTES = 1 << 20
MAX_REPLY_BYTES = 256 << 10
MAX_DOWNLOAD_BYTES = 4 << 30
MAX_ANSWER_BYTES = 32 << 20
