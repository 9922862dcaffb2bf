"""A hub on this machine that takes uploads: repositories, branches, tokens, and its faults."""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
# What each token may do: write as its owner, or read.
TOKENS = {"hf_writer": "owner", "hf_reader": ""}


class Repository:
    def __init__(self, *, is_private: bool = False) -> None:
        self.is_private = is_private
        self.branches: dict[str, dict[str, bytes]] = {"main": {".gitattributes": b"*.bin lfs\n"}}
        self.messages: list[str] = []

    def describe(self, name: str, branch: str) -> dict[str, Any]:
        siblings = [{"rfilename": file} for file in sorted(self.branches[branch])]
        found = {"_id": "1", "id": name, "sha": COMMIT, "siblings": siblings, "tags": []}
        return {**found, "private": self.is_private}

    def list_tree(self, branch: str) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": len(data), "oid": hash_blob(data)}
            for name, data in self.branches[branch].items()
        ]


class WritableHub:
    """Repositories by name.

    fault: "", or what goes wrong: "hang", or a part of a path with a status: "/commit/ 500".
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.stored: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.fault = ""
        self.endpoint = ""


def hash_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Answer(Exception):
    """Ends a request with a status and what goes with it."""

    def __init__(self, status: int, data: Any = None, **headers: str) -> None:
        super().__init__(status)
        self.status, self.headers = status, headers
        self.data = data if isinstance(data, bytes) else json.dumps(data or {}).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: WritableHub

    def do_POST(self) -> None:
        self.path = unquote(self.path.partition("?")[0])
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append(f"{self.command} {self.path}")
        try:
            self.fail_if_asked()
            self.route(body)
        except Answer as found:
            self.answer(found)

    do_GET = do_HEAD = do_PUT = do_POST

    def fail_if_asked(self) -> None:
        if self.hub.fault == "hang":
            time.sleep(1.0)
        part, _, status = self.hub.fault.partition(" ")
        if status and part in self.path:
            raise Answer(int(status), {"error": "out of order"})

    def route(self, body: bytes) -> None:
        if self.path == "/api/validate-yaml":
            raise Answer(200, {"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            self.create(json.loads(body))
        if self.command == "PUT":
            self.hub.stored[self.path.rpartition("/")[2]] = body
            raise Answer(200)
        if self.path.endswith("/objects/batch"):
            raise Answer(200, self.plan_uploads(json.loads(body)))
        form = r"/api/models/([^/]+/[^/]+)(?:/(preupload|commit|branch|revision|tree)/([^/]+))?"
        if match := re.fullmatch(form, self.path):
            self.do_model(*match.groups(), body)
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path):
            self.send_file(*match.groups())
        raise Answer(404)

    def find_owner(self) -> str:
        """Owner of the token. A token that nobody knows ends the request."""
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in TOKENS:
            raise Answer(401, {"error": "Invalid credentials"})
        return TOKENS[token]

    def check_right(self, name: str) -> None:
        if name.partition("/")[0] != self.find_owner():
            raise Answer(403, {"error": f"no right to write to {name}"})

    def create(self, body: dict[str, Any]) -> None:
        name = f"{body['organization'] or self.find_owner() or 'reader'}/{body['name']}"
        self.check_right(name)
        url = {"url": f"{self.hub.endpoint}/{name}"}
        if name in self.hub.repositories:
            raise Answer(409, {**url, "error": "You already created this model repo"})
        is_private = body.get("visibility") == "private" or bool(body.get("private"))
        self.hub.repositories[name] = Repository(is_private=is_private)
        raise Answer(200, url)

    def find(self, name: str, branch: str) -> Repository:
        repository = self.hub.repositories.get(name)
        if repository is None:
            raise Answer(404, **{"X-Error-Code": "RepoNotFound"})
        if branch not in repository.branches:
            raise Answer(404, **{"X-Error-Code": "RevisionNotFound"})
        return repository

    def do_model(self, name: str, action: str | None, branch: str | None, body: bytes) -> None:
        branch = "main" if branch in (None, COMMIT) else branch
        if action == "branch":
            self.check_right(name)
            branches = self.find(name, "main").branches
            if branch in branches:
                raise Answer(409, {"error": "Reference already exists"})
            branches[branch] = dict(branches["main"])
            raise Answer(201)
        repository = self.find(name, branch)
        if action in (None, "revision"):
            raise Answer(200, repository.describe(name, branch))
        if action == "tree":
            raise Answer(200, repository.list_tree(branch))
        self.check_right(name)
        if action == "preupload":
            raise Answer(200, {"files": [plan_file(f) for f in json.loads(body)["files"]]})
        self.commit(repository, branch, [json.loads(line) for line in body.splitlines()])
        url = f"{self.hub.endpoint}/{name}/commit/{COMMIT}"
        raise Answer(200, {"commitUrl": url, "commitOid": COMMIT})

    def commit(self, repository: Repository, branch: str, lines: list[dict[str, Any]]) -> None:
        files = dict(repository.branches[branch])
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                repository.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
            else:
                del files[value["path"]]
        repository.branches[branch] = files

    def plan_uploads(self, body: dict[str, Any]) -> dict[str, Any]:
        objects = [
            {**o, "actions": {"upload": {"href": f"{self.hub.endpoint}/put/{o['oid']}"}}}
            for o in body["objects"]
        ]
        return {"transfer": "basic", "objects": objects}

    def send_file(self, name: str, branch: str, file: str) -> None:
        branch = "main" if branch == COMMIT else branch
        files = self.find(name, branch).branches[branch]
        if file not in files:
            raise Answer(404, **{"X-Error-Code": "EntryNotFound"})
        data = files[file]
        raise Answer(200, data, **{"ETag": f'"{hash_blob(data)}"', "X-Repo-Commit": COMMIT})

    def answer(self, found: Answer) -> None:
        try:
            self.send_response(found.status)
            headers = {"Content-Type": "application/json", **found.headers}
            for key, value in {**headers, "Content-Length": str(len(found.data))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.data)
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


def plan_file(file: dict[str, Any]) -> dict[str, Any]:
    """Weights and wheels go as large files, everything else within the commit."""
    is_large = file["path"].endswith((".safetensors", ".whl"))
    mode = "lfs" if is_large else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        pass


@contextmanager
def serve() -> Iterator[WritableHub]:
    hub = WritableHub()
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
