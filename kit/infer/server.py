"""Any server that speaks OpenAI's chat completions: many requests at once, each sent again when the server fails it."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import Any

from kit.core.errors import KitError
from kit.infer.backend import FINISHES, Decoding, Likelihood, Output, Prompt, Sink, answer
from kit.models.chat import ChatSettings

try:
    import httpx2
    import openai
    from openai import DefaultHttpx2Client  # noqa: F401  # which openai has since it speaks through httpx2
except ImportError:
    raise KitError("a server is asked through openai 3 or later: pip install 'knowledge-injection-kit[server]'") from None

PATIENCE = 120.0
"""The most seconds before a request is sent again, whatever the server asks for."""

PASSING = (408, 409, 425, 429)
"""HTTP codes of failures that may pass, besides 500 and above."""

NEUTRAL: dict[str, float] = {"top_p": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0, "repetition_penalty": 1.0}
"""What leaves the probabilities as they are: otherwise defaults of the server, or of the checkpoint, decide a score."""

LEFT_OUT = {
    **{name: f"the server takes no {name}: its own decides" for name in NEUTRAL},
    "repetition_penalty": "",
    "seed": "the server takes no seed: its samples cannot be repeated",
}
"""What a server is asked without once it refuses it, and what that means: nothing where it knows of no such penalty."""

NO_KEY = "none"
"""What openai, which wants a key, is told where there is none: it is not sent."""

LIMITS = ("max_tokens", "max_completion_tokens")
"""What servers call the most that an answer may take; the second where the first is refused."""

BROKEN_OFF = ("abort", "error", "insufficient_system_resource")
"""What servers call an answer that they gave up."""

THINKING = ("thinking", "reasoning")
"""Types of the parts of an answer that are none of its text."""

_TOO_LONG = re.compile(
    r"context.?(length|size|window|limit)|max_model_len|maximum (model|prompt|input) length|\bstring too long"
    r"|(prompt|inputs?|messages?)\W* (is|are) too (long|large)|`inputs` must have less than|`inputs` tokens \+"
    r"|input token count|tokens in the prompt|range of input length",
    re.IGNORECASE,
)
"""How servers say that a prompt is longer than the model reads: OpenAI, vLLM, SGLang, llama.cpp, TGI, Anthropic, Gemini, Qwen."""

_OF_ITS_VALUE = re.compile(
    r"too (large|big|high|small|low)|range|must be|at (most|least)|exceed|(less|greater) than", re.IGNORECASE
)
"""How servers say that they know a setting, but not with this value."""

_MARKUP = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class _Connections(httpx2.Client):
    """Whole answers in time, or failures that openai tries again. Where a request is sent it stays (no redirect gets the key),
    and closing ends what is under way: a thread that waits for an answer does not notice that its socket is closed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.over = threading.Event()
        self.sockets: dict[int, socket.socket] = {}
        timeout = httpx2.Timeout(seconds, connect=min(seconds, 5.0))
        super().__init__(timeout=timeout, limits=httpx2.Limits(), follow_redirects=False)

    def send(self, request: httpx2.Request, *, stream: bool = False, **settings: Any) -> httpx2.Response:
        late = time.monotonic() + self.seconds
        request.extensions = {**request.extensions, "trace": self._traced}
        response = super().send(request, stream=True, **settings)
        try:
            pieces = []
            for piece in response.iter_bytes():
                pieces.append(piece)
                if time.monotonic() > late:
                    raise httpx2.ReadTimeout(f"no whole answer in {self.seconds:g} seconds", request=request)
        finally:
            response.close()
        status, body = response.status_code, b"".join(pieces)
        if response.is_success:
            try:
                status = _status(json.loads(body), status)
            except ValueError:
                raise httpx2.RemoteProtocolError("an answer that is no JSON", request=request) from None
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        if status == 425:  # which openai does not count among what may pass
            headers["x-should-retry"] = "true"
        return httpx2.Response(status, headers=headers, content=body, request=request)

    def _traced(self, event: str, info: dict[str, Any]) -> None:
        """Keeps what is open, by the system's numbers, which are given anew."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            opened = info["return_value"].get_extra_info("socket")
            self.sockets[opened.fileno()] = opened
            if self.over.is_set():
                raise RuntimeError("the evaluation was stopped")

    def close(self) -> None:
        self.over.set()
        for opened in list(self.sockets.values()):
            with suppress(OSError):
                socket.socket.shutdown(opened, socket.SHUT_RDWR)
        super().close()


class _Client(openai.OpenAI):
    """Waits to try again for as long as its connections are there."""

    connections: _Connections

    def _sleep_for_retry(self, *, retries_taken: int, max_retries: int, options: Any, response: Any) -> None:
        headers = None if response is None else response.headers
        self.connections.over.wait(min(PATIENCE, self._calculate_retry_timeout(max_retries - retries_taken, options, headers)))


class ServerBackend:
    """url: up to `/v1`. chat: of it the system turn, and the template's arguments as vLLM, SGLang and llama.cpp take them. extra:
    more settings of a request, sent as they are. A key is taken from OPENAI_API_KEY where that is set, and goes nowhere but to
    this server. What it does not know of the settings that nobody chose, it is no longer asked with.
    """

    def __init__(
        self,
        url: str,
        model: str,
        concurrency: int = 8,
        timeout: float = 120.0,
        tries: int = 6,
        chat: ChatSettings | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        if not _is_address(url):
            raise KitError(f"server.url must begin with http:// or https:// and name a host, not {url}")
        self.url, self.model = url.rstrip("/"), model
        self.concurrency, self.timeout, self.tries = concurrency, timeout, tries
        self.chat, self.extra = chat or ChatSettings(), dict(extra or {})
        self.notes: list[str] = []
        self._without: dict[str, set[str]] = {"chat/completions": set(), "completions": set()}
        self._lock = threading.Lock()

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[Output]) -> None:
        if any(p.start for p in prompts):
            raise KitError(
                "a chat server cannot be given the first words of its answer: use mode generate, or the backend transformers"
            )
        with self._client() as client, ThreadPoolExecutor(self.concurrency) as pool:
            futures: dict[Future[Output], int] = {
                pool.submit(self._answer, client, p, decoding, decoding.seeds[i] if decoding.seeds else 0): i
                for i, p in enumerate(prompts)
            }
            told: set[Future[Output]] = set()
            try:
                for future in as_completed(futures):
                    sink([futures[future]], [future.result()])
                    told.add(future)
            except BaseException:
                # Those under way end with the client; what has been answered is told, so that nobody asks it again.
                client.close()
                pool.shutdown(cancel_futures=True)
                for future in futures.keys() - told:
                    if not future.cancelled() and not future.exception():
                        sink([futures[future]], [future.result()])
                raise

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        raise KitError("a chat server does not tell how likely a given text is: use the backend transformers for mode choice")

    def _client(self) -> _Client:
        key = os.environ.get("OPENAI_API_KEY", "").strip()
        if not (key.isascii() and key.isprintable()):
            raise KitError("OPENAI_API_KEY holds what no key can: characters beyond ASCII, or a line break")
        connections = _Connections(self.timeout)
        client = _Client(
            api_key=key or NO_KEY,
            base_url=self.url,
            timeout=connections.timeout,
            max_retries=self.tries - 1,
            http_client=connections,
        )
        client.connections = connections
        return client

    def _answer(self, client: _Client, prompt: Prompt, decoding: Decoding, seed: int) -> Output:
        """The answer, after as many tries as it takes: without what the server does not know; and without a bound where prompt
        and answer may be too long together, for as much as there is room for."""
        path = "chat/completions" if prompt.chat else "completions"
        headers = {} if client.api_key != NO_KEY else {"Authorization": openai.Omit()}
        bounded = True
        while True:
            asked = self._asked(path, prompt, decoding, seed, bounded)
            try:
                answered = client.post(path, cast_to=httpx2.Response, body=asked, options={"headers": headers})
                return self._output(answered.json())
            except openai.APIConnectionError as error:
                # A name that does not resolve, a closed port, a time-out, an answer cut off.
                raise self._failed(error, str(error.__cause__) or type(error.__cause__).__name__) from None
            except openai.APIStatusError as error:
                code, said = error.status_code, _said(error.response.text)
                why = f"HTTP {code} {said[:500]}".strip()
                named = asked.keys() & re.findall(r"\w+", f"{error.param} {said}") if code in (400, 422) else set()
                if code not in PASSING and _TOO_LONG.search(f"{error.code} {error.type} {said}"):
                    if not bounded:
                        return Output("", "too_long")
                    bounded = False
                elif self._leave_out(path, named, said):
                    continue
                elif code in PASSING or code >= 500:
                    raise self._failed(error, why) from None
                elif not bounded and code in (400, 413, 422):
                    return Output("", "too_long")
                else:
                    raise self._refused(asked, named, why) from None

    def _asked(self, path: str, prompt: Prompt, decoding: Decoding, seed: int, bounded: bool) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": self.model, "temperature": decoding.temperature, **NEUTRAL}
        if decoding.temperature:
            asked["seed"] = seed
        if bounded:
            asked[next(name for name in LIMITS if name not in self._without[path])] = decoding.max_new_tokens
        if prompt.chat:
            turns = [(role, text) for shot in prompt.shots for role, text in zip(("user", "assistant"), shot, strict=True)]
            system = [("system", self.chat.system)] if self.chat.system else []
            turns = [*system, *turns, ("user", prompt.message)]
            asked["messages"] = [{"role": role, "content": _whole(text)} for role, text in turns]
            if self.chat.template:
                asked["chat_template_kwargs"] = self.chat.template
        else:
            asked["prompt"] = _whole(prompt.message)
        return {name: value for name, value in asked.items() if name not in self._without[path]} | self.extra

    def _leave_out(self, path: str, named: set[str], said: str) -> bool:
        """Whether, of what a refusal names, something is left out from now on."""
        with self._lock:
            without = self._without[path]
            left = named & LEFT_OUT.keys() - self.extra.keys()
            if not _OF_ITS_VALUE.search(said):
                left |= {name for name in named.intersection(LIMITS) if not without.issuperset({*LIMITS} - {name})}
            without |= left
            notes = [note for name, note in LEFT_OUT.items() if name in left and note and note not in self.notes]
            self.notes += notes
        return bool(left)

    def _output(self, data: Any) -> Output:
        """What an answer holds. Raises KitError where it is none."""
        choice = _in(data, "choices", 0)
        continued = isinstance(choice, dict) and "text" in choice
        message = _in(choice, "message") or ({"content": choice["text"]} if continued else None)
        content = _in(message, "content")
        if not isinstance(message, dict) or not isinstance(content, str | list | None):
            raise KitError(f"{self.url} answers without a text: is it an OpenAI-compatible server?")
        parts = content if isinstance(content, list) else [content]
        thoughts = [part for part in parts if _in(part, "type") in THINKING]
        text = _text([part for part in parts if part not in thoughts])
        thought = _text(thoughts) or _text(message.get("reasoning_content") or message.get("reasoning"))
        finish = FINISHES.get(str(_in(choice, "finish_reason")).lower(), "unknown")
        nothing = content is None and not thought and not message.get("tool_calls") and finish != "length"
        return Output(answer(_whole(text)), "refused" if nothing or message.get("refusal") else finish, _whole(thought))

    def _failed(self, error: openai.APIError, why: str) -> KitError:
        tries = 1 + int(error.request.headers.get("x-stainless-retry-count", self.tries - 1))
        return KitError(f"{self.url} failed {tries} times ({why}): run the same command again to go on")

    def _refused(self, asked: dict[str, Any], named: set[str], why: str) -> KitError:
        if "temperature" in named:
            return KitError(
                f"{self.url} refuses temperature {asked['temperature']:g} ({why}): set temperature to what this model takes,"
                " which for many that think is 1"
            )
        if chosen := sorted(named & self.extra.keys()):
            return KitError(f"{self.url} refuses {chosen[0]}, which server.extra sets ({why}): leave it out")
        if "chat_template_kwargs" in named:
            return KitError(f"{self.url} refuses chat_template_kwargs ({why}): leave template out")
        return KitError(f"{self.url} refuses the request: {why}")


def _is_address(url: str) -> bool:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


def _status(data: Any, status: int) -> int:
    """The code of an answer. An error that comes as if nothing were wrong (OpenRouter's, say) has one of its own, or 400."""
    error = _in(data, "choices", 0, "error") or (_in(data, "error") if not _in(data, "choices") else None)
    if error:
        code = str(_in(error, "code"))
        return int(code) if re.fullmatch("[45][0-9][0-9]", code) else 400
    return 503 if _in(data, "choices", 0, "finish_reason") in BROKEN_OFF else status


def _text(part: Any) -> str:
    """What is written in a part of an answer, or in several."""
    if isinstance(part, list):
        return "".join(map(_text, part))
    if isinstance(part, dict):
        return _text(next((part[name] for name in ("text", *THINKING) if name in part), None))
    return part if isinstance(part, str) else ""


def _said(data: Any) -> str:
    """What an error says, in one line, in whatever form it comes."""
    match data:
        case None:
            return ""
        case str():
            if data.lstrip().startswith(("{", "[")):
                with suppress(ValueError):
                    return _said(json.loads(data))
            return " ".join((_MARKUP.sub(" ", data) if data.lstrip().startswith("<") else data).split())
        case list():
            return "; ".join(map(_said, data))
        case {"loc": [*place], "msg": said}:
            return f"{'.'.join(map(str, place))}: {_said(said)}"
        case {"message": said, "metadata": {"raw": why}}:
            return f"{_said(said)}: {_said(why)}"
        case {"message": said} | {"error": said} | {"detail": said} | {"errors": said} | {"choices": [{"error": said}, *_]}:
            return _said(said)
        case {"choices": [{"finish_reason": said}, *_]}:
            return f"the answer was broken off: {said}"
        case _:
            return json.dumps(data)


def _whole(text: str) -> str:
    """A text with its halves of characters replaced, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _in(data: Any, *path: str | int) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data
