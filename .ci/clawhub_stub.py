"""A registry on loopback that knows no skill, for `clawhub skill publish --dry-run`. Ends with its stdin."""

from __future__ import annotations

import http.server
import sys
import threading


class Unknown(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"Skill not found"
        self.send_response(404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unknown)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdout.write(f"{server.server_port}\n")
sys.stdout.flush()
sys.stdin.read()
