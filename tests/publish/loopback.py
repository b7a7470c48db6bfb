"""A Hugging Face hub on the loopback: repositories in memory, behind the part of the hub's interface that uploads and reads use.

It fails when told to, and notes what it was asked. huggingface_hub takes its address at import: what is to talk to this hub is a
process of its own, with LoopbackHub.environment among its variables.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = 10_000  # bytes, above which a file of any name is kept apart from git
ALWAYS_LARGE = (".parquet", ".safetensors")
TIMEOUT = "3"  # seconds that clients wait, where they know a time-out at all


class Request(NamedTuple):
    """What was asked. path: without its query. status: None where no answer was given. received: bytes of its body."""

    method: str
    path: str
    status: int | None
    received: int


class Answer(NamedTuple):
    """status: None closes the connection without a word. body: bytes, or what becomes JSON."""

    status: int | None
    body: Any = b""
    headers: Mapping[str, str] = {}


class Refusal(Exception):  # noqa: N818  # of the hub's, no error of the test's
    """Ends a request's handling by an answer that says why."""

    def __init__(self, status: int, message: str, code: str = "", **body: str) -> None:
        coded = {"X-Error-Code": code} if code else {}
        self.answer = Answer(status, {"error": message, **body}, {"X-Error-Message": message, **coded})


class File(NamedTuple):
    """A file of a commit. oid: of its bytes, sha256 where large, else git's own."""

    oid: str
    size: int
    large: bool

    @property
    def blob(self) -> str:
        """What git has of it: of a large file the name alone, in place of a pointer."""
        return git_oid(self.oid.encode()) if self.large else self.oid

    @property
    def lfs(self) -> dict[str, Any] | None:
        return {"oid": self.oid, "sha256": self.oid, "size": self.size, "pointerSize": 130} if self.large else None


class Commit(NamedTuple):
    """files: all that there are after it, by path."""

    oid: str
    title: str
    date: str
    files: dict[str, File]

    @property
    def paths(self) -> list[str]:
        """Of files and their folders."""
        folders = {path[: slash.start()] for path in self.files for slash in re.finditer("/", path)}
        return sorted({*self.files, *folders})


@dataclass
class Repo:
    """history: of its only branch, main, oldest first. tags: commits' oids by name."""

    id: str
    kind: str
    visibility: str = "public"
    gated: str | bool = False
    history: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, File], title: str) -> Commit:
        oid = hashlib.sha1(repr((self.kind, self.id, len(self.history), title, files)).encode()).hexdigest()
        self.history.append(Commit(oid, title, time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), files))
        return self.history[-1]

    def until(self, revision: str) -> list[Commit]:
        """The history up to main, a tag or (the first seven digits or more of) an oid. Empty if there is no such."""
        start = self.history[-1].oid if revision == "main" else self.tags.get(revision, revision)
        found = [i for i, commit in enumerate(self.history, start=1) if len(start) >= 7 and commit.oid.startswith(start)]
        return self.history[: found[-1]] if found else []


class XetFile(NamedTuple):
    """hash: its name in Xet. parts: what it is made of, each a xorb, the first of its chunks and the one after the last."""

    hash: str
    parts: list[tuple[str, int, int]]


def xet_files(store: Path) -> dict[str, XetFile]:
    """By sha256, what hf_xet has put into a local store."""
    return {oid: file for shard in store.glob("xet/xorbs/shards/*.mdb") for oid, file in shard_files(shard.read_bytes())}


def shard_files(shard: bytes) -> Iterator[tuple[str, XetFile]]:
    """Records of 48 bytes: a file's head, its parts, as many checks if bit 31 of its flags is set, its sha256 if bit 30 is."""
    at = 48
    while shard[at : at + 32] != b"\xff" * 32:
        name, flags, count = struct.unpack_from("<32sII", shard, at)
        parts = [struct.unpack_from("<32s8xII", shard, at + 48 * i) for i in range(1, count + 1)]
        at += 48 * (1 + count * (1 + (flags >> 31)))
        if flags >> 30 & 1:
            yield xet_hex(shard[at : at + 32]), XetFile(xet_hex(name), [(xet_hex(xorb), *ends) for xorb, *ends in parts])
            at += 48


def xet_hex(digest: bytes) -> str:
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", digest))


def xorb_chunks(store: Path, xorb: str) -> list[bytes]:
    """Each comes after eight bytes: 0, its length there (three bytes), how it is compressed (0: not at all), its own length."""
    data, at, chunks = (store / "xet/xorbs/xorbs" / f"default.{xorb}").read_bytes(), 0, []
    while data[at] == 0:
        assert data[at + 4] == 0, "compressed: HF_XET_XORB_COMPRESSION_POLICY was not none"
        end = at + 8 + int.from_bytes(data[at + 1 : at + 4], "little")
        chunks.append(data[at + 8 : end])
        at = end
    return chunks


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_large(path: str, size: int) -> bool:
    return size > LARGE or path.endswith(ALWAYS_LARGE)


@dataclass
class Call:
    """A request under way, and what can be asked. parts: of its path, as its route names them. user: whether it has the token."""

    hub: LoopbackHub
    parts: dict[str, str]
    query: dict[str, list[str]]
    headers: Message
    body: bytes
    user: bool

    def signed(self) -> None:
        if not self.user:
            raise Refusal(401, "Invalid username or password.")

    def repo(self, write: bool = False) -> Repo:
        """The repository of the path. write: to change it. Both need the token, but to see what is public."""
        if write:
            self.signed()
        repo = self.hub.repos.get(("dataset" if self.parts["kind"].startswith("dataset") else "model", self.parts["name"]))
        if repo and (self.user or repo.visibility == "public"):
            return repo
        raise Refusal(*(404, "Repository not found") if self.user else (401, "Invalid username or password."), "RepoNotFound")

    def until(self, repo: Repo) -> list[Commit]:
        """The commits up to the path's revision."""
        revision = self.parts.get("revision", "main")
        if found := repo.until(revision):
            return found
        raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def contents(self) -> Repo:
        """The repository, to read bytes of its files."""
        repo = self.repo()
        if repo.gated and not self.user:
            message = f"Access to {repo.kind} {repo.id} is restricted. You must have access to it and be authenticated."
            raise Refusal(401, message, "GatedRepo")
        return repo

    def whoami(self) -> Answer:
        self.signed()
        token = {"type": "access_token", "accessToken": {"displayName": "test", "role": "write"}}
        return Answer(200, {"type": "user", "name": self.hub.user, "orgs": [], "auth": token})

    def validate_yaml(self) -> Answer:
        warning = {"message": "empty or missing yaml metadata in repo card"}
        return Answer(200, {"errors": [], "warnings": [] if json.loads(self.body)["content"].startswith("---\n") else [warning]})

    def create_repo(self) -> Answer:
        self.signed()
        asked = json.loads(self.body)
        name, kind = f"{asked['organization'] or self.hub.user}/{asked['name']}", asked.get("type", "model")
        url = self.hub.page(name, kind)
        if (kind, name) in self.hub.repos:
            raise Refusal(409, f"You already created this {kind} repo", url=url)
        self.hub.create(name, kind, asked.get("visibility", "public"))
        return Answer(200, {"url": url, "name": name})

    def repo_info(self) -> Answer:
        repo = self.repo()
        commit = self.until(repo)[-1]
        about = {"id": repo.id, "sha": commit.oid, "createdAt": repo.history[0].date, "lastModified": commit.date, "tags": []}
        access = {"private": repo.visibility != "public", "gated": repo.gated, "disabled": False, "downloads": 0, "likes": 0}
        siblings: list[dict[str, Any]] = [{"rfilename": path} for path in commit.files]
        if "blobs" in self.query:
            for sibling, file in zip(siblings, commit.files.values(), strict=True):
                sibling |= {"size": file.size, "blobId": file.blob, "lfs": file.lfs}
        return Answer(200, {**about, **access, "siblings": siblings})

    def tree(self) -> Answer:
        commits, deep = self.until(self.repo()), self.query.get("recursive") == ["true"]
        start = f"{self.parts['path']}/" if "path" in self.parts else ""
        below = [path for path in commits[-1].paths if path.startswith(start)]
        if start and not below:
            raise Refusal(404, f"{start} does not exist", "EntryNotFound")
        told = [path for path in below if deep or "/" not in path.removeprefix(start)]
        return Answer(200, [self.entry(commits, path, self.query) for path in told])

    def paths_info(self) -> Answer:
        commits, form = self.until(self.repo()), parse_qs(self.body.decode())
        return Answer(200, [self.entry(commits, path, form) for path in form["paths"] if path in commits[-1].paths])

    def entry(self, commits: list[Commit], path: str, options: dict[str, list[str]]) -> dict[str, Any]:
        """What is told of a file or folder. Its last commit, if asked for, is taken to be the first that had it as it is."""
        file = commits[-1].files.get(path)
        if not file:
            return {"type": "directory", "path": path, "size": 0, "oid": git_oid(path.encode())}
        told: dict[str, Any] = {"type": "file", "path": path, "size": file.size, "oid": file.blob, "lfs": file.lfs}
        if xet := self.hub.xet_file(file.oid):
            told["xetHash"] = xet.hash
        if options.get("expand") == ["true"]:
            last = next(commit for commit in commits if commit.files.get(path) == file)
            told["lastCommit"] = {"id": last.oid, "title": last.title, "date": last.date}
        return told

    def resolve(self) -> Answer:
        """A file's bytes, or the range of them asked for, and where Xet keeps them."""
        repo = self.contents()
        commit = self.until(repo)[-1]
        file = commit.files.get(self.parts["path"])
        if not file:
            return Answer(404, b"Entry not found", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit.oid})
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{file.oid}"', "Accept-Ranges": "bytes"}
        if xet := self.hub.xet_file(file.oid):
            link = f"{self.hub.url}/api/{repo.kind}s/{repo.id}/xet-read-token/{commit.oid}"
            headers |= {"X-Xet-Hash": xet.hash, "Link": f'<{link}>; rel="xet-auth"'}
        data = self.hub.read(file.oid)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            return Answer(200, data, headers)
        start, stop = int(asked[1]), min(int(asked[2] or len(data)) + 1, len(data))
        if start >= stop:
            raise Refusal(416, "Range not satisfiable")
        return Answer(206, data[start:stop], headers | {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})

    def preupload(self) -> Answer:
        now = self.until(self.repo(write=True))[-1].files
        told = []
        for file in json.loads(self.body)["files"]:
            path, mode = file["path"], "lfs" if is_large(file["path"], file["size"]) else "regular"
            told.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": now[path].oid if path in now else None})
        return Answer(200, {"files": told})

    def lfs_batch(self) -> Answer:
        self.repo(write=True)
        objects = [{"oid": each["oid"], "size": each["size"]} for each in json.loads(self.body)["objects"]]
        for each in objects:
            if not self.hub.holds(each["oid"]):
                each["actions"] = {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}", "header": {}}}
        return Answer(200, {"transfer": "basic", "objects": objects})

    def lfs_put(self) -> Answer:
        """Unsigned: who was told the address may."""
        if self.hub.keep(self.body, large=True).oid != self.parts["oid"]:
            raise Refusal(400, "The bytes have another sha256")
        return Answer(200)

    def xet_token(self) -> Answer:
        self.until(self.repo(write=True) if self.parts["right"] == "write" else self.contents())
        url, end = f"local://{self.hub.xet}", int(time.time()) + 3600
        headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": "xet", "X-Xet-Token-Expiration": str(end)}
        return Answer(200, {"casUrl": url, "accessToken": "xet", "exp": end}, headers)

    def commit(self) -> Answer:
        repo = self.repo(write=True)
        if self.parts["revision"] != "main":
            raise Refusal(404, f"Invalid rev id: {self.parts['revision']}", "RevisionNotFound")
        head, *operations = map(json.loads, self.body.splitlines())
        if not repo.history[-1].oid.startswith(head["value"].get("parentCommit", "")):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repo.history[-1].files)
        for operation in operations:
            self.change(files, operation["key"], operation["value"])
        made = repo.commit(files, head["value"]["summary"])
        url = f"{self.hub.page(repo.id, repo.kind)}/commit/{made.oid}"
        return Answer(200, {"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})

    def change(self, files: dict[str, File], key: str, value: dict[str, Any]) -> None:
        """One operation of a commit."""
        path = value["path"]
        if key == "file":
            files[path] = self.hub.keep(base64.b64decode(value["content"]), large=False)
        elif key == "lfsFile":
            if not self.hub.holds(value["oid"]):
                raise Refusal(400, f"LFS pointer pointed to a file that does not exist: {path}")
            files[path] = File(value["oid"], value["size"], large=True)
        else:
            gone = [each for each in files if each == path or each.startswith(path.rstrip("/") + "/")]
            if not gone:
                raise Refusal(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
            for each in gone:
                del files[each]

    def commits(self) -> Answer:
        commits = reversed(self.until(self.repo()))
        return Answer(200, [{"id": c.oid, "title": c.title, "message": "", "date": c.date, "authors": []} for c in commits])

    def refs(self) -> Answer:
        repo = self.repo()
        branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": repo.history[-1].oid}]
        tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid} for name, oid in repo.tags.items()]
        return Answer(200, {"branches": branches, "tags": tags, "converts": [], "pullRequests": []})

    def create_tag(self) -> Answer:
        repo, tag = self.repo(write=True), json.loads(self.body)["tag"]
        if tag in repo.tags:
            raise Refusal(409, "Tag reference exists already")
        repo.tags[tag] = self.until(repo)[-1].oid
        return Answer(200, {})

    def delete_tag(self) -> Answer:
        if not self.repo(write=True).tags.pop(self.parts["tag"], None):
            raise Refusal(404, f"Invalid rev id: {self.parts['tag']}", "RevisionNotFound")
        return Answer(200, {})

    def settings(self) -> Answer:
        repo, asked = self.repo(write=True), json.loads(self.body)
        repo.visibility, repo.gated = asked.get("visibility", repo.visibility), asked.get("gated", repo.gated)
        return Answer(200, asked)


API, GIT = r"/api/(?P<kind>dataset|model)s/(?P<name>[^/]+/[^/]+)", r"/(?P<kind>datasets/|)(?P<name>[^/]+/[^/]+)"
AT = r"(?P<revision>[^/]+)"
ROUTES: dict[tuple[str, str], Callable[[Call], Answer]] = {
    ("GET", r"/api/whoami-v2"): Call.whoami,
    ("POST", r"/api/validate-yaml"): Call.validate_yaml,
    ("POST", r"/api/repos/create"): Call.create_repo,
    ("GET", API): Call.repo_info,
    ("GET", rf"{API}/revision/{AT}"): Call.repo_info,
    ("GET", rf"{API}/tree/{AT}(?:/(?P<path>.+))?"): Call.tree,
    ("POST", rf"{API}/paths-info/{AT}"): Call.paths_info,
    ("GET", rf"{GIT}/resolve/{AT}/(?P<path>.+)"): Call.resolve,
    ("POST", rf"{API}/preupload/{AT}"): Call.preupload,
    ("POST", rf"{GIT}\.git/info/lfs/objects/batch"): Call.lfs_batch,
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})"): Call.lfs_put,
    ("GET", rf"{API}/xet-(?P<right>read|write)-token/{AT}"): Call.xet_token,
    ("POST", rf"{API}/commit/{AT}"): Call.commit,
    ("GET", rf"{API}/commits/{AT}"): Call.commits,
    ("GET", rf"{API}/refs"): Call.refs,
    ("POST", rf"{API}/tag/{AT}"): Call.create_tag,
    ("DELETE", rf"{API}/tag/(?P<tag>[^/]+)"): Call.delete_tag,
    ("PUT", rf"{API}/settings"): Call.settings,
}


@dataclass
class Trick:
    """What the next requests meet, left of them: something done before they are carried out, or an answer that is not theirs."""

    method: str
    pattern: str
    left: int
    action: Callable[[], object] = lambda: None
    answer: Answer | None = None
    after: bool = False


class LoopbackHub:
    """The hub, which serves while in its context. xet: where the bytes of large files go; without it they come by LFS.

    Its methods take a repository as "OWNER/NAME" and its kind, "dataset" or "model".
    """

    user, token = "tester", "hf_test"

    def __init__(self, xet: Path | None = None) -> None:
        self.xet = xet
        self.repos: dict[tuple[str, str], Repo] = {}
        self.requests: list[Request] = []
        self._blobs: dict[str, bytes] = {}
        self._tricks: list[Trick] = []
        self._lock, self._closed = threading.RLock(), threading.Event()
        self._server = Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> LoopbackHub:
        if self.xet:
            self.xet.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def environment(self, home: Path) -> dict[str, str]:
        """What makes this the only hub that a process knows. home: for what it caches."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.token,
            "HF_HOME": f"{home / 'huggingface'}",
            "HF_HUB_CACHE": f"{home / 'huggingface' / 'hub'}",
            "HF_DATASETS_CACHE": f"{home / 'datasets'}",
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_ETAG_TIMEOUT": TIMEOUT,
            "HF_HUB_DOWNLOAD_TIMEOUT": TIMEOUT,
            "HF_HUB_DISABLE_XET": "0" if self.xet else "1",
            "HF_XET_XORB_COMPRESSION_POLICY": "none",
            "HF_XET_CLIENT_READ_TIMEOUT": f"{TIMEOUT}s",
            "HF_XET_CLIENT_RETRY_BASE_DELAY": "100ms",
            "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1",
            "NO_PROXY": "127.0.0.1",
        }

    def fail(
        self, method: str, pattern: str, status: int | None, times: int = 1, headers: Mapping[str, str] = {}, after: bool = False
    ) -> None:
        """The next requests whose path holds the pattern are answered by the status; None: by closing the connection.

        after: they are carried out all the same, and only their answer is lost.
        """
        self._tricks.append(Trick(method, pattern, times, answer=Answer(status, {"error": "As told to"}, headers), after=after))

    def hang(self, method: str, pattern: str, seconds: float, times: int = 1) -> None:
        """The next requests are carried out and answered only after so long; not at all where the hub closes before."""
        self._tricks.append(Trick(method, pattern, times, lambda: self._closed.wait(seconds)))

    def recover(self) -> None:
        """Nothing fails or hangs any more."""
        self._tricks.clear()

    def before(self, method: str, pattern: str, action: Callable[[], object]) -> None:
        """Run once, before the next such request is carried out."""
        self._tricks.append(Trick(method, pattern, 1, action))

    def create(self, repo: str, kind: str = "dataset", visibility: str = "public") -> Repo:
        """As new repositories are: with one commit, of .gitattributes."""
        made = self.repos[kind, repo] = Repo(repo, kind, visibility)
        made.commit(
            {".gitattributes": self.keep(b"*.parquet filter=lfs diff=lfs merge=lfs -text\n", large=False)}, "initial commit"
        )
        return made

    def put(self, repo: str, files: dict[str, bytes], kind: str = "dataset", message: str = "By a stranger") -> str:
        """Commits files as a stranger would, to a new repository if need be. Returns the commit's oid."""
        with self._lock:
            to = self.repos.get((kind, repo)) or self.create(repo, kind)
            kept = {path: self.keep(data, is_large(path, len(data))) for path, data in files.items()}
            return to.commit(to.history[-1].files | kept, message).oid

    def repo(self, repo: str, kind: str = "dataset") -> Repo:
        return self.repos[kind, repo]

    def files(self, repo: str, kind: str = "dataset", revision: str = "main") -> dict[str, bytes]:
        """All files' bytes, .gitattributes' too."""
        return {path: self.read(file.oid) for path, file in self.repos[kind, repo].until(revision)[-1].files.items()}

    def commits(self, repo: str, kind: str = "dataset") -> list[str]:
        """Oids, newest first."""
        return [commit.oid for commit in reversed(self.repos[kind, repo].history)]

    def tags(self, repo: str, kind: str = "dataset") -> dict[str, str]:
        """Commits' oids by tag."""
        return dict(self.repos[kind, repo].tags)

    def page(self, repo: str, kind: str) -> str:
        return f"{self.url}/{'datasets/' if kind == 'dataset' else ''}{repo}"

    def keep(self, data: bytes, large: bool) -> File:
        file = File(hashlib.sha256(data).hexdigest() if large else git_oid(data), len(data), large)
        self._blobs[file.oid] = data
        return file

    def xet_file(self, oid: str) -> XetFile | None:
        """What Xet knows of a file: nothing of one that did not come by it."""
        return xet_files(self.xet).get(oid) if self.xet else None

    def holds(self, oid: str) -> bool:
        return oid in self._blobs or self.xet_file(oid) is not None

    def read(self, oid: str) -> bytes:
        if not self.xet or oid in self._blobs:
            return self._blobs[oid]
        store, file = self.xet, xet_files(self.xet)[oid]
        return b"".join(chunk for xorb, start, end in file.parts for chunk in xorb_chunks(store, xorb)[start:end])

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        """What is answered to a request, after the tricks that wait for it: all actions, of the answers the first. Noted."""
        url = urlsplit(target)
        path = unquote(url.path)
        with self._lock:
            due = [each for each in self._tricks if each.left and each.method == method and re.search(each.pattern, path)]
            instead = next((each for each in due if each.answer), None)
            due = [each for each in due if each is instead or not each.answer]
            for trick in due:
                trick.left -= 1
        for trick in due:
            trick.action()
        with self._lock:
            answer = instead.answer if instead else None
            if self._closed.is_set():
                answer = Answer(None)
            elif not instead or instead.after:
                own = self._own_answer(method, url.path, parse_qs(url.query), headers, body)
                answer = answer or own
            assert answer
            self.requests.append(Request(method, path, answer.status, len(body)))
        return answer

    def _own_answer(self, method: str, path: str, query: dict[str, list[str]], headers: Message, body: bytes) -> Answer:
        signed, user = "Authorization" in headers, headers.get("Authorization") == f"Bearer {self.token}"
        try:
            if signed and not user:
                raise Refusal(401, "Invalid credentials in Authorization header")
            for (of, pattern), handler in ROUTES.items():
                if of == method.replace("HEAD", "GET") and (match := re.fullmatch(pattern, path)):
                    parts = {name: unquote(part) for name, part in match.groupdict().items() if part is not None}
                    return handler(Call(self, parts, query, headers, body, user))
            raise Refusal(404, f"No such page: {method} {path}")
        except Refusal as refusal:
            return refusal.answer


class Server(ThreadingHTTPServer):
    """daemon_threads: what hangs ends with the test."""

    daemon_threads = True

    def __init__(self, hub: LoopbackHub) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = hub

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Told, but for a client that is gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the base class's name
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        answer = self.server.hub.answer(self.command, self.path, self.headers, body) if len(body) == size else Answer(None)
        if answer.status is None:
            self.close_connection = True
            return
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        always = {"Content-Type": "application/json", "Content-Length": str(len(data)), "X-Request-Id": "loopback"}
        for name, value in {**always, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else data)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Nothing."""
