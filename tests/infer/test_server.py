"""A server that fails in every way it can: no answer is lost, none comes twice, and what cannot pass is one line."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kit.core.errors import KitError
from kit.infer import server
from kit.infer.backend import Decoding, Prompt
from kit.infer.server import ServerBackend

FAULTS = ("500", "503", "429", "hang", "truncated", "no json", "closed")


class Faulty(ThreadingHTTPServer):
    """Every message meets the faults of its own, one after the other, and is then answered. daemon_threads: those that hang
    end with the test."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: dict[str, list[str]] = {}
        self.answered: Counter[str] = Counter()
        self.delay = 0.0
        self.text = ""
        self.elsewhere = ""
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[str | None] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One who no longer waits for an answer is no error of the test's."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/"


class Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the base class's name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.headers.append(self.headers["Authorization"])
        message = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        left = self.server.faults.get(message, [])
        fault = left.pop(0) if left else ""
        time.sleep(2 if fault == "hang" else self.server.delay)
        if fault == "closed":
            self.close_connection = True
            return
        text = self.server.text or f"answer to {message}"
        choice = {"message": {"content": text}} if "messages" in body else {"text": text}
        data = b"<html>" if fault == "no json" else json.dumps({"choices": [choice]}).encode()
        self.send_response(int(fault) if fault.isdigit() else 200)
        if fault == "302":
            self.send_header("Location", self.server.elsewhere)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault == "truncated":
            self.wfile.write(data[:5])
            self.wfile.flush()
            self.connection.close()
            return
        if not fault:
            self.server.answered[message] += 1
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    monkeypatch.setattr(server, "PATIENCE", 0.01)
    made = Faulty()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def ask(faulty: Faulty, messages: list[str], **settings: Any) -> dict[int, str]:
    told: list[tuple[int, str]] = []
    backend = ServerBackend(faulty.url, "a model", **{"timeout": 0.5, "tries": 8, **settings})
    backend.generate([Prompt(m) for m in messages], Decoding(7), lambda i, r: told.extend(zip(i, r, strict=True)))
    assert len(dict(told)) == len(told), "told twice"
    return dict(told)


def test_every_fault_is_outlasted_and_nothing_is_lost_or_doubled(faulty: Faulty) -> None:
    messages = [f"question {i}" for i in range(60)]
    faulty.faults = {m: [FAULTS[i % len(FAULTS)], FAULTS[(i // 7) % len(FAULTS)]] for i, m in enumerate(messages) if i % 3}
    assert ask(faulty, messages, concurrency=16) == {i: f"answer to {m}" for i, m in enumerate(messages)}
    assert set(faulty.answered.values()) == {1}


def test_what_is_sent(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    backend = ServerBackend(faulty.url, "a model")
    shot = ("one?", "1")
    told: list[str] = []
    backend.generate([Prompt("two?", shots=(shot,))], Decoding(9), lambda i, r: told.extend(r))
    backend.generate([Prompt("three?")], Decoding(9, 0.7, [5]), lambda i, r: told.extend(r))
    backend.generate([Prompt("to be continued", chat=False)], Decoding(9), lambda i, r: told.extend(r))
    first, second, third = faulty.bodies
    assert first == {
        "model": "a model",
        "max_tokens": 9,
        "temperature": 0.0,
        "messages": [
            {"role": "user", "content": "one?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "two?"},
        ],
    }
    assert (second["temperature"], second["seed"]) == (0.7, 5)
    assert third["prompt"] == "to be continued"
    assert set(faulty.headers) == {"Bearer a key"}
    assert told == ["answer to two?", "answer to three?", "answer to to be continued"]


@pytest.mark.parametrize(("text", "told"), [(" In all 3.", "In all 3."), ("    return x", "    return x"), (" ", "")])
def test_the_blank_of_a_first_word_is_no_part_of_an_answer(text: str, told: str, faulty: Faulty) -> None:
    """vLLM's server tells it, as the token has it; transformers' decoding does not."""
    faulty.text = text
    found: list[str] = []
    ServerBackend(faulty.url, "m").generate([Prompt("hello")], Decoding(8), lambda _, results: found.extend(results))
    assert found == [told]


def test_neither_key_nor_question_follows_a_redirect(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    other = Faulty()
    threading.Thread(target=other.serve_forever, daemon=True).start()
    try:
        faulty.elsewhere = f"{other.url}chat/completions"
        faulty.faults = {"moved": ["302"]}
        with pytest.raises(KitError, match="HTTP 302"):
            ask(faulty, ["moved"])
        assert not other.headers
    finally:
        other.shutdown()
        other.server_close()


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (["500"] * 9, "failed 3 times"),
        (["hang"] * 9, "failed 3 times"),
        (["401"], "refuses the request: HTTP 401"),
        (["404"], "404"),
    ],
)
def test_what_does_not_pass_is_one_line(faults: list[str], message: str, faulty: Faulty) -> None:
    faulty.faults = {"bad": list(faults)}
    told: list[int] = []
    backend = ServerBackend(faulty.url, "a model", concurrency=1, timeout=0.2, tries=3)
    with pytest.raises(KitError, match=message) as caught:
        backend.generate([Prompt("good"), Prompt("bad"), Prompt("later")], Decoding(7), lambda i, r: told.extend(i))
    assert "\n" not in str(caught.value)
    assert told == [0], "what was answered before has been told"


def test_what_a_server_cannot_do_is_said() -> None:
    backend = ServerBackend("http://127.0.0.1:9/v1", "a model", tries=1)
    with pytest.raises(KitError, match="first words"):
        backend.generate([Prompt("a", start="So")], Decoding(1), lambda i, r: None)
    with pytest.raises(KitError, match="mode choice"):
        backend.log_likelihood([Prompt("a")], ["b"], lambda i, r: None)
    with pytest.raises(KitError, match="failed 1 times"):
        backend.generate([Prompt("a")], Decoding(1), lambda i, r: None)
    with pytest.raises(KitError, match="begin with http"):
        ServerBackend("ftp://somewhere", "a model")
