"""A loopback server that knows nothing of kit: transformers alone, on what a checkpoint's directory holds."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch


class Server(HTTPServer):
    """today: the day that it tells a template. base: of an adapter."""

    def __init__(self, directory: Path, today: str, base: Path | None = None) -> None:
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

        super().__init__(("127.0.0.1", 0), Handler)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(directory)
        self.model: Any = AutoModelForCausalLM.from_pretrained(base or directory)
        if base:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of experts that peft looks for by names that are not there
                self.model = PeftModel.from_pretrained(self.model, str(directory))
        self.generation = GenerationConfig.from_pretrained(directory)
        self.today = date.fromisoformat(today)
        self.ended: list[bool] = []

    def now(self) -> date:
        """In place of the clock that a template is told the day by."""
        return self.today

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:  # the base class's name
        import torch

        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tokenizer, model = self.server.tokenizer, self.server.model
        messages = body["messages"]
        if "part.type" in tokenizer.chat_template:
            messages = [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]
        with patch("transformers.utils.chat_template_utils.datetime", self.server):
            text = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, **body.get("chat_template_kwargs", {})
            )
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            made = model.generate(
                input_ids=ids, generation_config=self.server.generation, max_new_tokens=body["max_tokens"], do_sample=False
            )[0, ids.shape[1] :]
        self.server.ended.append(len(made) < body["max_tokens"])
        answer = tokenizer.decode(made, skip_special_tokens=True)
        data = json.dumps({"choices": [{"message": {"content": answer}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def serving(directory: Path, today: str, base: Path | None = None) -> Iterator[Server]:
    server = Server(directory, today, base)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
