"""A stand-in for the Hub: the endpoints that `huggingface_hub` and `datasets` really ask, over repositories in memory.

It speaks plain LFS (clients are started with HF_HUB_DISABLE_XET=1), keeps every commit, and can be told to be gated, to
forbid writing, to be broken, or to cut the connection after some uploads. Every request is kept in `log`.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import hashlib
import json
import os
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

OWNER, FRIEND, STRANGER = "hf_owner", "hf_friend", "hf_stranger"
_LFS = ("*.parquet", "*.mp4", "*.wav", "*.png")


@dataclass
class Repo:
    """A dataset repository: its commits, each a whole tree, and what its branches point to."""

    private: bool = False
    gated: object = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.commit("main", {})

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        oid = hashlib.sha1(f"{branch}{len(self.commits)}{sorted(files)}".encode()).hexdigest()
        self.commits[oid] = files
        self.branches[branch] = oid
        return oid

    def at(self, revision: str) -> str | None:
        return self.branches.get(revision, revision if revision in self.commits else None)


class Hub:
    """The server. `with Hub() as hub:` gives one that listens at `hub.url`."""

    def __init__(self):
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.log: list[tuple[str, str]] = []
        self.sent: list[str] = []
        self.cut_after: int | None = None
        self.broken = False
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def environment(self, home: Path, token: str | None = OWNER) -> dict[str, str]:
        """Variables under which a new process takes this for the Hub."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "MMDIA_", "HUGGING"))}
        own |= {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        own |= {"HF_HUB_DOWNLOAD_TIMEOUT": "5", "HF_HUB_ETAG_TIMEOUT": "5", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        own |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return own | ({"HF_TOKEN": token} if token else {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "0"})

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        """What a revision holds."""
        found = self.repos[repo]
        return found.commits[found.at(revision)]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: object = b"", code: str | None = None, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", headers.pop("length", str(len(data))))
        if not isinstance(body, bytes):
            self.send_header("Content-Type", "application/json")
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _serve(self) -> None:
        body = self._body()
        where = urlsplit(self.path)
        path = unquote(where.path)
        self.hub.log.append((self.command, path))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        if self.hub.broken:
            return self._answer(503, {"error": "down"})
        if path.startswith("/lfs/"):
            return self._lfs(path, body)
        if token not in (None, OWNER, FRIEND, STRANGER):
            return self._answer(401, {"error": "Invalid credentials in Authorization header"})
        if path == "/api/validate-yaml":
            return self._answer(200, {"errors": [], "warnings": []})
        if path == "/api/whoami-v2":
            return self._answer(200, {"name": token, "type": "user"}) if token else self._answer(401, {"error": "no"})
        if path == "/api/repos/create":
            return self._create(json.loads(body), token)
        name, rest = self._repo(path)
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and token != OWNER):
            return self._answer(404 if token else 401, {"error": "Repository not found"}, "RepoNotFound")
        if self.command in ("POST", "PUT") and rest[0] != "paths-info" and token != OWNER:
            return self._answer(403 if token else 401, {"error": "you may not write here"})
        with contextlib.suppress(BrokenPipeError):
            return self._in_repo(name, repo, rest, parse_qs(where.query), body, token)
        return None

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    @staticmethod
    def _repo(path: str) -> tuple[str, list[str]]:
        parts = path.removeprefix("/api").removeprefix("/datasets/").strip("/").split("/")
        name = "/".join(parts[:2]).removesuffix(".git")
        return name, parts[2:] or ["info"]

    def _create(self, asked: dict, token: str | None) -> None:
        if token != OWNER:
            return self._answer(403 if token else 401, {"error": "you may not create repositories here"})
        name = f"{asked['organization']}/{asked['name']}"
        known = name in self.hub.repos
        if not known:
            private = asked.get("private") or asked.get("visibility") == "private"
            self.hub.repos[name] = Repo(bool(private))
        answer = {"url": f"{self.hub.url}/datasets/{name}", "name": name, "id": name, "error": "it exists"}
        return self._answer(409 if known else 200, answer)

    def _in_repo(self, name: str, repo: Repo, rest: list[str], query: dict, body: bytes, token: str | None) -> None:
        kind, *more = rest
        if kind == "info" and more[:1] == ["lfs"]:
            return self._batch(json.loads(body))
        if kind == "settings":
            repo.gated = json.loads(body).get("gated", repo.gated)
            return self._answer(200, {})
        if kind == "branch":
            repo.branches.setdefault(more[0], repo.branches["main"])
            return self._answer(200, {})
        if kind in ("preupload", "commit"):
            commit = repo.at(more[0])
            if commit is None:
                return self._answer(404, {"error": "no such revision"}, "RevisionNotFound")
            files = repo.commits[commit]
            if kind == "preupload":
                return self._answer(200, {"files": [self._mode(one, files) for one in json.loads(body)["files"]]})
            return self._commit(name, repo, more[0], files, body)
        revision = more[0] if more and kind in ("revision", "tree", "resolve", "paths-info") else "main"
        commit = repo.at(revision)
        if commit is None:
            return self._answer(404, {"error": "Invalid rev id"}, "RevisionNotFound")
        files = repo.commits[commit]
        if kind in ("info", "revision"):
            return self._answer(200, self._info(name, repo, commit, files))
        if kind == "tree":
            below = "/".join(more[1:])
            return self._answer(200, self._tree(files, below, query.get("recursive") in (["True"], ["true"], ["1"])))
        if kind == "paths-info":
            asked = parse_qs(body.decode()).get("paths") or json.loads(body or b"{}").get("paths", [])
            found = self._tree(files, "", recursive=True)
            return self._answer(200, [one for one in found if one["path"] in asked])
        if kind == "resolve":
            return self._resolve(repo, commit, files, "/".join(more[1:]), token)
        return self._answer(404, {"error": "no such page"}, "EntryNotFound")

    @staticmethod
    def _info(name: str, repo: Repo, commit: str, files: dict[str, bytes]) -> dict:
        return {
            "_id": "1", "id": name, "author": name.split("/")[0], "sha": commit, "private": repo.private,
            "gated": repo.gated, "disabled": False, "tags": [], "downloads": 0, "likes": 0,
            "lastModified": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z",
            "siblings": [{"rfilename": file} for file in files],
        }  # fmt: skip

    @staticmethod
    def _entry(path: str, data: bytes) -> dict:
        entry = {"type": "file", "path": path, "size": len(data), "oid": _blob(data)}
        if _is_lfs(path):
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return entry

    def _tree(self, files: dict[str, bytes], below: str, recursive: bool) -> list[dict]:
        prefix = f"{below}/" if below else ""
        inside = {path: data for path, data in files.items() if path.startswith(prefix)}
        folders = {
            "/".join(path.split("/")[:depth])
            for path in inside
            for depth in range(1, path.count("/") + 1)
            if depth > prefix.count("/")
        }
        entries = [
            {"type": "directory", "path": folder, "size": 0, "oid": _blob(folder.encode())} for folder in folders
        ]
        entries += [self._entry(path, data) for path, data in inside.items()]
        return [one for one in entries if recursive or "/" not in one["path"].removeprefix(prefix)]

    @staticmethod
    def _mode(asked: dict, files: dict[str, bytes]) -> dict:
        path = asked["path"]
        answer = {"path": path, "uploadMode": "lfs" if _is_lfs(path) else "regular", "shouldIgnore": False}
        if path in files:
            answer["oid"] = hashlib.sha256(files[path]).hexdigest() if _is_lfs(path) else _blob(files[path])
        return answer

    def _batch(self, asked: dict) -> None:
        objects = []
        for one in asked["objects"]:
            answer = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.hub.objects:
                answer["actions"] = {"upload": {"href": f"{self.hub.url}/lfs/{one['oid']}"}}
            objects.append(answer)
        return self._answer(200, {"transfer": "basic", "objects": objects})

    def _lfs(self, path: str, body: bytes) -> None:
        oid = path.rsplit("/", 1)[1]
        if self.command == "PUT":
            if self.hub.cut_after is not None and len(self.hub.sent) >= self.hub.cut_after:
                self.connection.shutdown(socket.SHUT_RDWR)  # the line is cut: no answer at all
                self.close_connection = True
                return None
            assert hashlib.sha256(body).hexdigest() == oid
            self.hub.objects[oid] = body
            self.hub.sent.append(oid)
        return self._answer(200, self.hub.objects[oid] if self.command == "GET" else b"")

    def _commit(self, name: str, repo: Repo, branch: str, files: dict[str, bytes], body: bytes) -> None:
        files = dict(files)
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        oid = repo.commit(branch, files)
        return self._answer(200, {"commitOid": oid, "commitUrl": f"{self.hub.url}/datasets/{name}/commit/{oid}"})

    def _resolve(self, repo: Repo, commit: str, files: dict[str, bytes], path: str, token: str | None) -> None:
        if repo.gated and token not in (OWNER, FRIEND):
            return self._answer(403 if token else 401, {"error": "Access to it is restricted"}, "GatedRepo")
        if path not in files:
            return self._answer(404, {"error": "Entry not found"}, "EntryNotFound", X_Repo_Commit=commit)
        data = files[path]
        etag = hashlib.sha256(data).hexdigest() if _is_lfs(path) else _blob(data)
        headers = {"X_Repo_Commit": commit, "ETag": f'"{etag}"', "Accept_Ranges": "bytes"}
        if _is_lfs(path):
            headers |= {"X_Linked_Etag": f'"{etag}"', "X_Linked_Size": str(len(data))}
        asked = self.headers.get("Range")
        if not asked:
            return self._answer(200, data, length=str(len(data)), **headers)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(data) - 1), len(data) - 1)
        headers["Content_Range"] = f"bytes {start}-{end}/{len(data)}"
        return self._answer(206, data[start : end + 1], **headers)


def _is_lfs(path: str) -> bool:
    return any(fnmatch.fnmatch(path, pattern) for pattern in _LFS)


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
