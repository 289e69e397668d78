"""A server on this machine that answers as the public one of the data sets does."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Remote:
    """What the server holds, and what it was asked for."""

    address: str = ""
    dataset: str = ""
    """Identifier of the data set."""
    version: int = 2
    versions: object = field(default_factory=lambda: [{"version": 1}, {"version": 2}])
    files: dict[str, bytes] = field(default_factory=dict)
    listing: object = None
    """In place of the list of ``files``, if given."""
    truncated: frozenset[str] = frozenset()
    vouches: bool = True
    """Whether the listing has sizes and checksums."""
    asked: list[str] = field(default_factory=list)

    def row(self, name: str) -> dict[str, object]:
        details: dict[str, object] = {"download_url": self.place(name)}
        if self.vouches:
            details["size"] = len(self.files[name])
            details["sha256_hash"] = hashlib.sha256(self.files[name]).hexdigest()
        return {"filename": name, "content_details": details}

    def place(self, name: str) -> str:
        folder = f"{self.address}/public-files/datasets/{self.dataset}/files"
        return f"{folder}/{name}/file_downloaded"

    def answer(self, path: str) -> bytes | None:
        api = f"/public-api/datasets/{self.dataset}"
        if path == f"{api}/versions":
            return as_bytes(self.versions)
        if path == f"{api}/files?folder_id=root&version={self.version}":
            rows = [self.row(name) for name in self.files]
            return as_bytes(rows if self.listing is None else self.listing)
        found = re.fullmatch(r".*/files/([^/]+)/file_downloaded", path)
        return self.files.get(found[1]) if found else None

    def downloads(self) -> list[str]:
        return [path for path in self.asked if "file_downloaded" in path]


def as_bytes(answer: object) -> bytes:
    return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def handler_of(remotes: tuple[Remote, ...]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            remote = next((r for r in remotes if f"/{r.dataset}/" in self.path), None)
            if remote is None:
                self.send_error(404)
                return
            remote.asked.append(self.path)
            body = remote.answer(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            is_short = any(f"/{name}/" in self.path for name in remote.truncated)
            self.wfile.write(body[: len(body) // 2] if is_short else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serving(*remotes: Remote) -> Iterator[str]:
    """Serve data sets on this machine for a block; give the server's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(remotes))
    address = f"http://127.0.0.1:{server.server_port}"
    for remote in remotes:
        remote.address = address
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
