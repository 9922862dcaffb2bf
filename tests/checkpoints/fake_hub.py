"""A hub on this machine: as much of its interface as its client asks for, and its faults."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HTML = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"


class FakeHub:
    """Serves the files of one folder as the model "owner/model".

    fault: "", or what goes wrong: "500", "html", "404", "401 gated", "hang", or, for the file
        `fault_file` alone, "cut", "flip", "file html", "file 500".
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.fault = ""
        self.fault_file = "model.safetensors"
        self.requests: list[str] = []
        self.endpoint = ""

    def describe(self) -> dict[str, Any]:
        siblings = [{"rfilename": name} for name in self.files]
        return {"_id": "1", "id": "owner/model", "sha": COMMIT, "siblings": siblings, "tags": []}

    def list_tree(self) -> list[dict[str, Any]]:
        tree = []
        for name, data in self.files.items():
            entry: dict[str, Any] = {"type": "file", "path": name, "size": len(data)}
            entry["oid"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            if name.endswith(".safetensors"):
                oid = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"oid": oid, "size": len(data), "pointerSize": 130}
            tree.append(entry)
        return tree

    def get_etag(self, name: str) -> str:
        entry = next(entry for entry in self.list_tree() if entry["path"] == name)
        return str(entry["lfs"]["oid"] if "lfs" in entry else entry["oid"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_GET(self) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        hub.requests.append(f"{self.command} {path}")
        if hub.fault == "hang":
            time.sleep(3)
        if hub.fault == "500":
            self.answer(500, b"out of order")
        elif hub.fault == "html":
            self.answer(200, HTML, {"Content-Type": "text/html"})
        elif hub.fault == "404" or "/owner/model" not in path:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif hub.fault == "401 gated":
            self.answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif "no-such-branch" in path:
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif "/tree/" in path:
            self.answer(200, json.dumps(hub.list_tree()).encode())
        elif path.startswith("/api/models/"):
            self.answer(200, json.dumps(hub.describe()).encode())
        else:
            self.send_file(path.rpartition("/")[2])

    do_HEAD = do_GET

    def send_file(self, name: str) -> None:
        hub = self.hub
        if name not in hub.files:
            self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            return
        data = hub.files[name]
        fault = hub.fault if name == hub.fault_file and self.command == "GET" else ""
        headers = {"ETag": f'"{hub.get_etag(name)}"', "X-Repo-Commit": COMMIT}
        if fault == "file 500":
            self.answer(500, b"out of order")
        elif fault == "file html":
            self.answer(200, HTML, headers)
        elif fault == "flip":
            self.answer(200, data[:-1] + bytes([data[-1] ^ 1]), headers)
        elif fault == "cut":
            self.answer(200, data[: len(data) // 2], {**headers, "Content-Length": str(len(data))})
            self.close_connection = True
        else:
            self.answer(200, data, headers)

    def answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        found = {"Content-Length": str(len(data)), "Content-Type": "application/json"}
        found.update(headers or {})
        try:
            self.send_response(status)
            for key, value in found.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[FakeHub]:
    hub = FakeHub({path.name: path.read_bytes() for path in folder.iterdir()})
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
