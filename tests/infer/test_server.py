"""A server that fails in every way it can: no answer is lost, none comes twice, and what cannot pass is one line."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from evals.config import BackendConfig, ServerConfig
from evals.run import keyed, open_backend
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.infer import server
from kit.infer.backend import Decoding, Output, Prompt
from kit.infer.server import ServerBackend
from kit.models.chat import ChatSettings

FAULTS = ("500", "503", "429", "425", "hang", "drip", "truncated", "no json", "closed", "broken off", "late")


class Reply(NamedTuple):
    """What is answered in place of a text. headers: besides its length."""

    status: int
    body: Any = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def data(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class Faulty(ThreadingHTTPServer):
    """Every message meets the faults of its own, one after the other, then what the server refuses, and is then answered, with a
    choice of its own or a text. daemon_threads: those that hang end with the test."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: dict[str, list[str | Reply]] = {}
        self.refuses: Callable[[dict[str, Any]], Reply | None] = lambda body: None
        self.choices: dict[str, dict[str, Any]] = {}
        self.answered: Counter[str] = Counter()
        self.delay = 0.0
        self.hang = 4.0
        self.text = ""
        self.elsewhere = ""
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[str | None] = []
        self.times: list[float] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One who no longer waits for an answer is no error of the test's."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/"


class Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:  # the base class's name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.headers.append(self.headers["Authorization"])
        self.server.times.append(time.time())
        message = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        left = self.server.faults.get(message, [])
        fault = left.pop(0) if left else ""
        time.sleep(self.server.hang if fault == "hang" else self.server.delay)
        if fault == "closed":
            self.close_connection = True
            return
        refused = fault if isinstance(fault, Reply) else self.server.refuses(body) if not fault else None
        if refused:
            self.tell(refused.status, refused.data, *refused.headers)
            return
        text = self.server.text or f"answer to {message}"
        choice = self.server.choices.get(message) or ({"message": {"content": text}} if "messages" in body else {"text": text})
        answered: dict[str, Any] = {"choices": [choice]}
        if fault == "broken off":
            answered = {"choices": [{"message": {"content": "answ"}, "finish_reason": "error"}]}
        elif fault == "late":
            answered = {"error": {"code": 503, "message": "overloaded"}}
        elif not fault:
            self.server.answered[message] += 1
        data = b"<html>" if fault == "no json" else json.dumps(answered).encode()
        status = int(fault) if isinstance(fault, str) and fault.isdigit() else 200
        headers = (("Location", self.server.elsewhere),) if fault == "302" else ()
        self.tell(status, data, *headers, cut=5 if fault == "truncated" else None, pause=0.05 if fault == "drip" else 0.0)

    def tell(self, status: int, data: bytes, *headers: tuple[str, str], cut: int | None = None, pause: float = 0.0) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for byte in data if pause else ():
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(pause)
        if not pause:
            self.wfile.write(data[:cut])
        self.close_connection |= cut is not None

    def log_message(self, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    monkeypatch.setattr(server, "PATIENCE", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    made = Faulty()
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


GREEDY = Decoding(7)


def asked(backend: ServerBackend, prompts: list[Prompt], decoding: Decoding = GREEDY) -> dict[int, Output]:
    told: list[tuple[int, Output]] = []
    backend.generate(prompts, decoding, lambda i, r: told.extend(zip(i, r, strict=True)))
    assert len(dict(told)) == len(told), "told twice"
    return dict(told)


def ask(faulty: Faulty, messages: list[str], **settings: Any) -> dict[int, Output]:
    return asked(ServerBackend(faulty.url, "a model", **{"timeout": 1.0, "tries": 8, **settings}), [Prompt(m) for m in messages])


def said(faulty: Faulty, choice: dict[str, Any]) -> Output:
    """What is told of an answer."""
    faulty.choices = {"a question": choice}
    return ask(faulty, ["a question"])[0]


def refusal(faulty: Faulty, reply: Reply, **settings: Any) -> str:
    """The one line that an error becomes."""
    faulty.faults = {"a question": [reply] * 9}
    with pytest.raises(KitError) as caught:
        ask(faulty, ["a question"], **{"tries": 2, **settings})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_fault_is_outlasted_and_nothing_is_lost_or_doubled(faulty: Faulty) -> None:
    messages = [f"question {i}" for i in range(60)]
    faulty.faults = {m: [FAULTS[i % len(FAULTS)], FAULTS[(i // 7) % len(FAULTS)]] for i, m in enumerate(messages) if i % 3}
    assert ask(faulty, messages, concurrency=16) == {i: Output(f"answer to {m}", "unknown") for i, m in enumerate(messages)}
    assert set(faulty.answered.values()) == {1}


def test_a_run_of_everything_at_once(faulty: Faulty) -> None:
    """Faults, refused settings, prompts too long and answers of every kind, a hundred at sixteen at a time."""
    kinds = [
        ({"message": {"content": "text"}, "finish_reason": "stop"}, Output("text")),
        ({"message": {"content": "tex"}, "finish_reason": "length"}, Output("tex", "length")),
        ({"message": {"content": None}, "finish_reason": "content_filter"}, Output("", "refused")),
        ({"message": {"content": None, "reasoning": "hm"}, "finish_reason": "length"}, Output("", "length", "hm")),
        ({}, Output("", "too_long")),
        ({"message": {"content": "short"}, "finish_reason": "length"}, Output("short", "length")),
    ]
    faults: list[str | Reply] = [
        *FAULTS,
        Reply(429, {"error": "slow down"}, (("Retry-After", "1"),)),
        Reply(503, "<html><h1>Busy</h1></html>", (("Retry-After", formatdate(time.time() + 1, usegmt=True)),)),
    ]
    messages = [f"{i} of kind {i % len(kinds)}" for i in range(102)]
    faulty.choices = {m: kinds[i % len(kinds)][0] for i, m in enumerate(messages)}
    faulty.faults = {m: [faults[i % len(faults)]] for i, m in enumerate(messages) if i % 2}

    def refuses(body: dict[str, Any]) -> Reply | None:
        if "repetition_penalty" in body:
            return Reply(400, {"error": {"message": "Unrecognized request argument supplied: repetition_penalty"}})
        if "max_tokens" in body:
            return Reply(400, {"error": {"message": "Use 'max_completion_tokens' instead.", "param": "max_tokens"}})
        bounded, kind = "max_completion_tokens" in body, body["messages"][-1]["content"][-1]
        if kind == "4" or (kind == "5" and bounded):
            return Reply(400, {"error": {"message": "too much", "code": "context_length_exceeded"}})
        return None

    faulty.refuses = refuses
    backend = ServerBackend(faulty.url, "a model", concurrency=16, timeout=1.0, tries=8)
    assert asked(backend, [Prompt(m) for m in messages]) == {i: kinds[i % len(kinds)][1] for i in range(len(messages))}
    assert faulty.answered == Counter(m for m in messages if not m.endswith("4"))
    assert backend.notes == []


def test_what_is_sent(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a key\n")
    backend = ServerBackend(faulty.url, "a model", chat=ChatSettings(system="Be brief."), extra={"top_k": -1, "top_p": 0.9})
    told = asked(backend, [Prompt("two?", shots=(("one?", "1"),))], Decoding(9))
    thinking = ServerBackend(faulty.url, "a model", chat=ChatSettings(template={"enable_thinking": False}))
    told |= {1: asked(thinking, [Prompt("three?")], Decoding(9, 0.7, [5]))[0]}
    told |= {2: asked(thinking, [Prompt("to be continued", chat=False)], Decoding(9))[0]}
    first, second, third = faulty.bodies
    neutral = {"top_p": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0, "repetition_penalty": 1.0}
    assert first == {
        "model": "a model",
        "max_tokens": 9,
        "temperature": 0.0,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "two?"},
        ],
        **neutral,
        "top_k": -1,
        "top_p": 0.9,
    }
    assert (second["temperature"], second["seed"]) == (0.7, 5)
    assert second["chat_template_kwargs"] == {"enable_thinking": False}
    assert third == {"model": "a model", "max_tokens": 9, "temperature": 0.0, "prompt": "to be continued", **neutral}
    assert set(faulty.headers) == {"Bearer a key"}
    assert [o.text for o in told.values()] == ["answer to two?", "answer to three?", "answer to to be continued"]


def test_without_a_key_none_is_sent_and_none_that_cannot_be(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(faulty, ["one?"])
    assert faulty.headers == [None]
    monkeypatch.setenv("OPENAI_API_KEY", "a “key”")
    with pytest.raises(KitError, match="OPENAI_API_KEY holds what no key can"):
        ask(faulty, ["one?"])


@pytest.mark.parametrize(("text", "told"), [(" In all 3.", "In all 3."), ("    return x", "    return x"), (" ", "")])
def test_the_blank_of_a_first_word_is_no_part_of_an_answer(text: str, told: str, faulty: Faulty) -> None:
    """vLLM's server tells it, as the token has it; transformers' decoding does not."""
    faulty.text = text
    assert ask(faulty, ["hello"]) == {0: Output(told, "unknown")}


PARTS = [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]
MAGISTRAL = {"type": "thinking", "thinking": [{"type": "text", "text": "well"}]}


@pytest.mark.parametrize(
    ("message", "reason", "output"),
    [
        ({"content": "so"}, "stop", Output("so")),
        ({"content": "so"}, "eos", Output("so")),
        ({"content": "so"}, "end_turn", Output("so")),
        ({"content": "so"}, "STOP", Output("so")),
        ({"content": "so"}, "length", Output("so", "length")),
        ({"content": "so"}, "max_tokens", Output("so", "length")),
        ({"content": "so"}, None, Output("so", "unknown")),
        ({"content": "so"}, "a new reason", Output("so", "unknown")),
        ({"content": "so far"}, "content_filter", Output("so far", "refused")),
        ({"content": ""}, "stop", Output("")),
        ({"content": None}, "stop", Output("", "refused")),
        ({}, "stop", None),
        ({"role": "assistant"}, "length", Output("", "length")),
        ({"content": None, "refusal": "I will not."}, "stop", Output("", "refused")),
        ({"content": None, "tool_calls": [{"id": "1"}]}, "tool_calls", Output("")),
        ({"content": "so", "reasoning_content": "well"}, "stop", Output("so", "stop", "well")),
        ({"content": "so", "reasoning": "well"}, "stop", Output("so", "stop", "well")),
        ({"content": "so", "reasoning_content": None, "reasoning": None, "refusal": None}, "stop", Output("so")),
        ({"content": None, "reasoning_content": "well"}, "length", Output("", "length", "well")),
        ({"content": None, "reasoning": "well"}, "stop", Output("", "stop", "well")),
        ({"content": PARTS}, "stop", Output("in parts")),
        ({"content": [MAGISTRAL, *PARTS]}, "stop", Output("in parts", "stop", "well")),
        ({"content": [{"type": "reasoning", "reasoning": "well"}]}, "length", Output("", "length", "well")),
        ({"content": "half \ud83d", "reasoning": "\udc00"}, "stop", Output("half ?", "stop", "?")),
        ({"content": 7}, "stop", None),
        ("so", "stop", None),
    ],
)
def test_what_an_answer_holds(message: Any, reason: str | None, output: Output | None, faulty: Faulty) -> None:
    choice = {"message": message, "finish_reason": reason}
    if output is None:
        with pytest.raises(KitError, match="answers without a text: is it an OpenAI-compatible server"):
            said(faulty, choice)
    else:
        assert said(faulty, choice) == output


@pytest.mark.parametrize("body", [{}, [], 7, "null", {"choices": []}, {"choices": [7]}, {"choices": {"a": 1}}, {"choices": [{}]}])
def test_what_holds_no_text_is_no_answer(body: Any, faulty: Faulty) -> None:
    assert refusal(faulty, Reply(200, body)).endswith("answers without a text: is it an OpenAI-compatible server?")


def test_a_text_that_is_continued_ends_as_an_answer_does(faulty: Faulty) -> None:
    faulty.choices = {"a": {"text": " b", "finish_reason": "length"}, "c": {"text": None, "finish_reason": "content_filter"}}
    backend = ServerBackend(faulty.url, "m")
    assert asked(backend, [Prompt("a", chat=False), Prompt("c", chat=False)]) == {
        0: Output("b", "length"),
        1: Output("", "refused"),
    }


def test_a_half_character_is_asked_as_it_is_told(faulty: Faulty) -> None:
    assert ask(faulty, ["half \ud83d"])[0].text == "answer to half ?"


def test_neither_key_nor_question_follows_a_redirect(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    other = Faulty()
    threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
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
        (["500"] * 9, r"failed 3 times \(HTTP 500"),
        (["hang"] * 9, r"failed 3 times \(timed out\)"),
        (["drip"] * 9, r"failed 3 times \(no whole answer in 0.4 seconds\)"),
        (["truncated"] * 9, r"failed 3 times \(peer closed connection"),
        (["closed"] * 9, r"failed 3 times \((Server disconnected|.*reset)"),
        (["no json"] * 9, r"failed 3 times \(an answer that is no JSON\)"),
        (["broken off"] * 9, r"failed 3 times \(HTTP 503 the answer was broken off: error\)"),
        (["late"] * 9, r"failed 3 times \(HTTP 503 overloaded\): run the same command again to go on"),
        ([Reply(429, {"detail": "come tomorrow"}, (("Retry-After", "86400"),))], r"failed 1 times \(HTTP 429 come tomorrow\)"),
        (["401"], "refuses the request: HTTP 401"),
        (["404"], "404"),
    ],
)
def test_what_does_not_pass_is_one_line(faults: list[str | Reply], message: str, faulty: Faulty) -> None:
    faulty.faults = {"bad": list(faults)}
    told: list[int] = []
    slow = faults[0] in ("hang", "drip")
    backend = ServerBackend(faulty.url, "a model", concurrency=1, timeout=0.4 if slow else 10.0, tries=3)
    with pytest.raises(KitError, match=message) as caught:
        backend.generate([Prompt("good"), Prompt("bad"), Prompt("later")], Decoding(7), lambda i, r: told.extend(i))
    assert "\n" not in str(caught.value)
    assert told[0] == 0, "what was answered before has been told"
    assert 1 not in told


def test_those_under_way_end_with_the_run(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits for an answer, and one that waits to ask again."""
    monkeypatch.setattr(server, "PATIENCE", 60.0)
    faulty.hang = 20.0
    faulty.faults = {"slow": ["hang"], "later": [Reply(429, "", (("Retry-After", "30"),))], "bad": ["503", "401"]}
    told: dict[int, Output] = {}
    start = time.monotonic()
    with pytest.raises(KitError, match="HTTP 401"):
        ServerBackend(faulty.url, "a model", concurrency=4, timeout=30.0).generate(
            [Prompt(m) for m in ("slow", "later", "bad", "good")], Decoding(7), lambda i, r: told.update(zip(i, r, strict=True))
        )
    assert time.monotonic() - start < 5
    assert told == {3: Output("answer to good", "unknown")}


def test_whoever_stops_a_run_has_every_answer_told_once(faulty: Faulty) -> None:
    faulty.delay = 0.01
    told: list[int] = []

    def sink(indices: Any, results: Any) -> None:
        told.extend(indices)
        if len(told) == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ServerBackend(faulty.url, "a model", concurrency=4).generate([Prompt(str(i)) for i in range(200)], Decoding(7), sink)
    assert 10 <= len(set(told)) < 30
    assert {str(i) for i in told} <= set(faulty.answered)


@pytest.mark.parametrize(("when", "least"), [("0.4", 0.4), ("date", 1.0)])
def test_a_server_says_when_to_ask_again(when: str, least: float, faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 60.0)
    after = formatdate(time.time() + 2, usegmt=True) if when == "date" else when
    faulty.faults = {"a": [Reply(429, {"error": {"message": "slow down"}}, (("Retry-After", after),))]}
    assert ask(faulty, ["a"])[0].text == "answer to a"
    first, second = faulty.times
    assert 0.95 * least <= second - first < 2.5


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": {"message": "no such model", "type": "x", "code": None}}, "no such model"),
        ({"error": "no such model"}, "no such model"),
        ({"message": "no such\nmodel", "object": "error"}, "no such model"),
        ({"error": True, "message": "no such model"}, "no such model"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": [{"loc": ["body", "model"], "msg": "is missing", "input": {"messages": "…"}}]}, "body.model: is missing"),
        ({"object": "error", "message": {"detail": [{"loc": ["a"], "msg": "b"}]}}, "a: b"),
        ({"errors": [{"message": "one"}, "two"]}, "one; two"),
        ([{"error": {"code": 403, "message": "as Gemini has it"}}], "as Gemini has it"),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": '{"error": "the why"}'}}},
            "Provider returned error: the why",
        ),
        (json.dumps({"error": {"message": "indented"}}, indent=2), "indented"),
        (json.dumps({"strange": 1}, indent=2), '{"strange": 1}'),
        ("<html><style>a {b}</style><title>Forbidden</title>\n<body>by a <b>proxy</b>", "Forbidden by a proxy"),
        ("plain\n\ntext", "plain text"),
        ("", ""),
    ],
)
def test_an_error_of_any_form_is_read(body: Any, told: str, faulty: Faulty) -> None:
    assert refusal(faulty, Reply(403, body)) == f"{faulty.url.rstrip('/')} refuses the request: HTTP 403 {told}".rstrip()
    if isinstance(body, dict) and "error" in body and body["error"] is not True:
        assert refusal(faulty, Reply(200, body)).endswith(f"refuses the request: HTTP 400 {told}")
    assert refusal(faulty, Reply(502, body)).endswith(
        f"failed 2 times (HTTP 502 {told}".rstrip() + "): run the same command again to go on"
    )


def test_an_error_that_comes_as_an_answer_is_none(faulty: Faulty) -> None:
    assert "HTTP 402 no credit" in refusal(faulty, Reply(200, {"error": {"code": 402, "message": "no credit"}}))
    broken = {"choices": [{"error": {"code": "502", "message": "gone"}, "message": {"content": "hal"}}]}
    assert "failed 2 times (HTTP 502 gone)" in refusal(faulty, Reply(200, broken))
    faulty.faults = {"a": [Reply(200, {"error": {"code": 429, "message": "slow down"}})]}
    assert ask(faulty, ["a"])[0].text == "answer to a"


def of_openai(name: str) -> Any:
    return {
        "error": {"message": f"Unrecognized request argument supplied: {name}", "type": "invalid_request_error", "param": None}
    }


def of_a_model(name: str) -> Any:
    return {"error": {"message": f"Unsupported parameter: '{name}' is not supported with this model.", "param": name}}


def of_pydantic(name: str) -> Any:
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}]}


def refusing(
    *names: str, wording: Callable[[str], Any] = of_openai, status: int = 400
) -> Callable[[dict[str, Any]], Reply | None]:
    return lambda body: next((Reply(status, wording(name)) for name in names if name in body), None)


@pytest.mark.parametrize(("wording", "status"), [(of_openai, 400), (of_a_model, 400), (of_pydantic, 422)])
def test_what_a_server_does_not_know_it_is_asked_without(wording: Callable[[str], Any], status: int, faulty: Faulty) -> None:
    names = ("top_p", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed")
    faulty.refuses = refusing(*names, wording=wording, status=status)
    backend = ServerBackend(faulty.url, "a model", concurrency=4, tries=1)
    for _ in range(2):
        told = asked(backend, [Prompt(str(i)) for i in range(20)], Decoding(7, 0.5, range(20)))
        assert [told[i].text for i in range(20)] == [f"answer to {i}" for i in range(20)]
    assert set(faulty.answered.values()) == {2}
    assert len(faulty.bodies) <= 40 + 4 * len(names), "told once, it is known"
    assert sorted(backend.notes) == [
        "the server takes no frequency_penalty: its own decides",
        "the server takes no presence_penalty: its own decides",
        "the server takes no seed: its samples cannot be repeated",
        "the server takes no top_p: its own decides",
    ]
    assert sorted(faulty.bodies[-1]) == ["max_tokens", "messages", "model", "temperature"]


def test_of_two_that_exclude_each_other_the_temperature_stays(faulty: Faulty) -> None:
    together = "temperature and top_p cannot both be specified for this model"
    faulty.refuses = lambda body: Reply(400, {"message": together}) if {"temperature", "top_p"} <= body.keys() else None
    assert ask(faulty, ["a"])[0].text == "answer to a"
    assert "temperature" in faulty.bodies[-1]


def test_the_bound_has_two_names_and_which_is_kept(faulty: Faulty) -> None:
    faulty.refuses = refusing("max_tokens", wording=of_a_model)
    backend = ServerBackend(faulty.url, "a model", concurrency=1)
    assert len(asked(backend, [Prompt(str(i)) for i in range(3)])) == 3
    assert [body.get("max_completion_tokens") for body in faulty.bodies] == [None, 7, 7, 7]
    asked(backend, [Prompt("a text", chat=False)])
    assert "max_tokens" in faulty.bodies[-2], "another path is another matter"


@pytest.mark.parametrize("wording", [of_openai, of_a_model, of_pydantic])
def test_a_server_that_takes_neither_name_says_so(wording: Callable[[str], Any], faulty: Faulty) -> None:
    faulty.refuses = refusing("max_tokens", "max_completion_tokens", wording=wording)
    with pytest.raises(KitError, match=r"refuses the request: HTTP 400 .*max_completion_tokens"):
        ask(faulty, ["a"])
    assert len(faulty.bodies) == 2


def test_a_bound_that_is_too_large_is_no_matter_of_its_name(faulty: Faulty) -> None:
    large = "max_tokens is too large: 7. This model supports at most 4 completion tokens."
    assert large in refusal(faulty, Reply(400, {"error": {"message": large, "param": "max_tokens"}}))
    assert len(faulty.bodies) == 1


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("temperature", {}, r"refuses temperature 0 \(HTTP 400 .*temperature.*\): set temperature to"),
        ("top_k", {"extra": {"top_k": 5}}, r"refuses top_k, which server.extra sets \(HTTP 400 .*top_k.*\): leave it out"),
        ("top_p", {"extra": {"top_p": 0.5}}, "refuses top_p, which server.extra sets"),
        (
            "chat_template_kwargs",
            {"chat": ChatSettings(template={"a": 1})},
            r"refuses chat_template_kwargs .*: leave template out",
        ),
        ("model", {}, "refuses the request: HTTP 400"),
    ],
)
@pytest.mark.parametrize("wording", [of_openai, of_a_model, of_pydantic])
def test_what_was_chosen_is_not_left_out(
    name: str, settings: Any, message: str, wording: Callable[[str], Any], faulty: Faulty
) -> None:
    faulty.refuses = refusing(name, wording=wording)
    with pytest.raises(KitError, match=message) as caught:
        ask(faulty, ["a"], **settings)
    assert "\n" not in str(caught.value)


TOO_LONG = [
    (400, {"error": {"message": "too much", "code": "context_length_exceeded"}}),
    (400, {"error": {"message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000."}}),
    (400, {"object": "error", "message": "This model's maximum context length is 64 tokens. However, you requested 70 tokens (63"
     " in the messages, 7 in the completion). Please reduce the length of the messages or completion.", "code": 400}),
    (400, {"error": {"message": "'max_tokens' or 'max_completion_tokens' is too large: 7. This model's maximum context length is"
     " 64 tokens and your request has 63 input tokens (7 > 64 - 63).", "param": "max_tokens", "code": 400}}),
    (400, {"error": {"message": "The decoder prompt (length 70) is longer than the maximum model length of 64."}}),
    (400, {"error": {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}}),
    (400, {"error": {"message": "too much", "type": "exceed_context_size_error", "code": 400}}),
    (422, {"error": "Input validation error: `inputs` must have less than 64 tokens. Given: 70", "error_type": "validation"}),
    (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 64. Given: 63 and 7"}),
    (400, {"error": {"message": "prompt is too long: 70 tokens > 64 maximum"}}),
    (400, {"error": {"message": "input length and `max_tokens` exceed context limit: 63 + 7 > 64"}}),
    (413, {"message": "Input is too long for requested model."}),
    (400, {"object": "error", "message": "The input (70 tokens) is longer than the model's context length (64 tokens)."}),
    (400, {"error": {"message": "Requested token count exceeds the model's maximum context length of 64 tokens."}}),
    (400, {"error": {"message": "This model's maximum prompt length is 64 but the request contains 70 tokens."}}),
    (400, {"message": "Prompt contains 70 tokens and 0 draft tokens, too large for model with 64 maximum context length"}),
    (400, [{"error": {"message": "The input token count (70) exceeds the maximum number of tokens allowed (64)."}}]),
    (500, {"error": {"message": "Requested tokens (70) exceed context window of 64", "type": "internal_server_error"}}),
    (400, {"error": {"message": "Range of input length should be [1, 64]"}}),
    (200, {"error": {"message": "This endpoint's maximum context length is 64 tokens.", "code": 400}}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), TOO_LONG, ids=range(len(TOO_LONG)))
def test_a_prompt_that_is_too_long_is_an_answer_of_its_own(status: int, body: Any, faulty: Faulty) -> None:
    """Where it is too long only together with the bound, it is answered without."""

    def refuses(asked: dict[str, Any]) -> Reply | None:
        message = asked["messages"][-1]["content"]
        return Reply(status, body) if message == "long" or (message == "longish" and "max_tokens" in asked) else None

    faulty.refuses = refuses
    faulty.choices = {"longish": {"message": {"content": "as far as"}, "finish_reason": "length"}}
    told = ask(faulty, ["long", "longish", "short"], tries=1, concurrency=1)
    assert told == {0: Output("", "too_long"), 1: Output("as far as", "length"), 2: Output("answer to short", "unknown")}
    assert "max_tokens" in faulty.bodies[-1]


def test_a_server_that_wants_a_bound_and_has_no_room_for_it(faulty: Faulty) -> None:
    """The second refusal is of the missing bound."""
    long = Reply(400, {"error": {"message": "prompt is too long"}})
    faulty.faults = {"a": [long, Reply(422, {"detail": [{"loc": ["body", "max_tokens"], "msg": "Field required"}]})]}
    assert ask(faulty, ["a"]) == {0: Output("", "too_long")}
    faulty.faults = {"b": [long, "401"]}
    with pytest.raises(KitError, match="401"):
        ask(faulty, ["b"])


def test_what_a_server_cannot_do_is_said() -> None:
    backend = ServerBackend("http://127.0.0.1:9/v1", "a model", tries=1)
    with pytest.raises(KitError, match="first words"):
        backend.generate([Prompt("a", start="So")], Decoding(1), lambda i, r: None)
    with pytest.raises(KitError, match="mode choice"):
        backend.log_likelihood([Prompt("a")], ["b"], lambda i, r: None)
    with pytest.raises(KitError, match=r"failed 1 times \(.*refused\)"):
        backend.generate([Prompt("a")], Decoding(1), lambda i, r: None)
    for url in ("ftp://somewhere", "http://", "http://here:port/v1", "https:///v1"):
        with pytest.raises(KitError, match="begin with http"):
            ServerBackend(url, "a model")


def test_more_settings_are_sent_and_count(faulty: Faulty) -> None:
    def configured(extra: dict[str, Any]) -> BackendConfig:
        return resolve(BackendConfig, {"backend": "server", "server": {"url": faulty.url, "extra": extra}})

    nested = {"reasoning": {"effort": "low"}, "stop": ["a", "b"], "top_k": -1}
    backend = open_backend(configured(nested), "a model")
    backend.generate([Prompt("a")], Decoding(7), lambda i, r: None)
    assert faulty.bodies[0] | nested == faulty.bodies[0]
    assert keyed(configured(nested), {}, "a model") != keyed(configured({}), {}, "a model")
    assert keyed(configured({}), {}, "a model")[0]["server"] == {"url": faulty.url, "revision": "", "extra": {}}


@pytest.mark.parametrize(
    "name", ["model", "messages", "prompt", "max_tokens", "max_completion_tokens", "temperature", "stream", "n"]
)
def test_what_kit_says_itself_is_no_extra(name: str) -> None:
    with pytest.raises(KitError, match=rf"extra: {name} is not for server.extra: \w+"):
        resolve(ServerConfig, {"url": "http://here/v1", "extra": {name: 1}})


def test_numbers_that_json_has_not_are_no_extra() -> None:
    with pytest.raises(KitError, match="not JSON compliant"):
        resolve(ServerConfig, {"url": "http://here/v1", "extra": {"top_k": float("nan")}})


def test_without_openai_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    monkeypatch.delitem(sys.modules, "kit.infer.server")
    with pytest.raises(KitError, match=re.escape("pip install 'knowledge-injection-kit[server]'")):
        importlib.import_module("kit.infer.server")


def test_nobody_else_waits_for_openai() -> None:
    code = "import sys, kit.cli.main, evals.run, evals.preference, kit.infer.recorded; sys.exit('openai' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
