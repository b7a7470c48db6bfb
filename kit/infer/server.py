"""Any server that speaks OpenAI's chat completions: many requests at once, each sent again when the server fails it."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any

from kit.core.errors import KitError
from kit.infer.backend import Decoding, Likelihood, Prompt, Sink, answer
from kit.models.chat import ChatSettings

AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
"""HTTP codes of failures that may pass."""

PATIENCE = 0.5
"""Seconds before a request is sent again, doubled each time up to a minute; a server may ask for another time."""


class _FailedError(Exception):
    """A try that may succeed later; `wait`: the seconds the server asks for."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is refused: the key, and the answers, are those of the server that was named."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


class ServerBackend:
    """url: up to `/v1`. chat: of it the system turn, and the template's arguments as vLLM, SGLang and llama.cpp take them. A key
    is taken from OPENAI_API_KEY where that is set, and goes nowhere but to this server."""

    def __init__(
        self,
        url: str,
        model: str,
        concurrency: int = 8,
        timeout: float = 120.0,
        tries: int = 6,
        chat: ChatSettings | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise KitError(f"server.url must begin with http:// or https://, not {url}")
        self.url, self.model = url.rstrip("/"), model
        self.concurrency, self.timeout, self.tries = concurrency, timeout, tries
        self.chat = chat or ChatSettings()
        self._stop = threading.Event()

    def generate(self, prompts: Sequence[Prompt], decoding: Decoding, sink: Sink[str]) -> None:
        if any(p.start for p in prompts):
            raise KitError(
                "a chat server cannot be given the first words of its answer: use mode generate, or the backend transformers"
            )
        self._stop.clear()
        with ThreadPoolExecutor(self.concurrency) as pool:
            futures: dict[Future[str], int] = {
                pool.submit(self._answer, p, decoding, decoding.seeds[i] if decoding.seeds else 0): i
                for i, p in enumerate(prompts)
            }
            told: set[Future[str]] = set()
            try:
                for future in as_completed(futures):
                    sink([futures[future]], [future.result()])
                    told.add(future)
            except BaseException:
                # Those under way end with their next try; what has been answered is told, so that nobody asks it again.
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                for future in futures.keys() - told:
                    if future.done() and not future.cancelled() and not future.exception():
                        sink([futures[future]], [future.result()])
                raise

    def log_likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str], sink: Sink[Likelihood]) -> None:
        raise KitError("a chat server does not tell how likely a given text is: use the backend transformers for mode choice")

    def _answer(self, prompt: Prompt, decoding: Decoding, seed: int) -> str:
        asked: dict[str, Any] = {"model": self.model, "max_tokens": decoding.max_new_tokens, "temperature": decoding.temperature}
        if decoding.temperature:
            asked["seed"] = seed
        if prompt.chat:
            turns = [(role, text) for shot in prompt.shots for role, text in zip(("user", "assistant"), shot, strict=True)]
            system = [("system", self.chat.system)] if self.chat.system else []
            asked["messages"] = [{"role": role, "content": text} for role, text in [*system, *turns, ("user", prompt.message)]]
            if self.chat.template:
                asked["chat_template_kwargs"] = self.chat.template
            data = self._posted("chat/completions", asked)
            found = _in(data, "choices", 0, "message", "content")
        else:
            data = self._posted("completions", {**asked, "prompt": prompt.message})
            found = _in(data, "choices", 0, "text")
        if found is None and _in(data, "choices", 0, "message") is not None:
            return ""  # what a server says that refuses to answer
        if not isinstance(found, str):
            raise KitError(f"{self.url} answers without a text: is it an OpenAI-compatible server?")
        return answer(found)

    def _posted(self, path: str, asked: dict[str, Any]) -> Any:
        """The server's answer as data, after as many tries as it takes."""
        why = ""
        for turn in range(self.tries):
            if self._stop.is_set():
                raise KitError("the evaluation was stopped")
            try:
                return self._once(path, asked)
            except _FailedError as error:
                why = str(error)
                if turn + 1 < self.tries:
                    self._stop.wait(min(60.0, error.wait or PATIENCE * 2**turn))
        raise KitError(f"{self.url} failed {self.tries} times ({why}): run the same command again to go on")

    def _once(self, path: str, asked: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("OPENAI_API_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(f"{self.url}/{path}", json.dumps(asked).encode(), headers)
        try:
            with _OPENER.open(request, timeout=self.timeout) as response:
                return json.loads(self._whole(response))
        except urllib.error.HTTPError as error:
            told = error.read(500).decode("utf-8", "replace").strip().split("\n")[0]
            if error.code in AGAIN:
                wait = error.headers.get("Retry-After", "")
                raise _FailedError(f"HTTP {error.code} {told}", float(wait) if wait.isdigit() else 0.0) from None
            raise KitError(f"{self.url} refuses the request: HTTP {error.code} {told}") from None
        except ValueError:  # no JSON, or not in UTF-8
            raise _FailedError("an answer that is no JSON") from None
        except (OSError, http.client.HTTPException) as error:
            # A name that does not resolve, a closed port, a time-out, an answer cut off.
            raise _FailedError(str(getattr(error, "reason", "") or error) or type(error).__name__) from None

    def _whole(self, response: http.client.HTTPResponse) -> bytes:
        """All of an answer, within the time-out, which urllib counts anew for every piece."""
        pieces, late = [], time.monotonic() + self.timeout
        while piece := response.read1(65536):
            pieces.append(piece)
            if time.monotonic() > late:
                raise _FailedError(f"no whole answer in {self.timeout:g} seconds")
        return b"".join(pieces)


def _in(data: Any, *path: str | int) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data
