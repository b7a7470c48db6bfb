"""kit's commands run against a loopback hub, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.publish.loopback import LoopbackHub

REPO = "lab/small-world"
WHO = ["--author", "Ann Lee", "--contact", "ann@example.org"]
COMMIT = r"/commit/main$"

SEND = """
import json, sys
from pathlib import Path
from kit.core.errors import KitError
from kit.publish.config import PublishConfig
from kit.publish.release import Made
from kit.publish.send import send
folder = Path(sys.argv[1])
try:
    print(send(Made(folder, json.loads((folder / "release.json").read_text("utf-8")), []), PublishConfig()))
except KitError as error:
    sys.exit(f"kit: {' '.join(str(error).split())}")
"""


class Hub:
    """A hub, and commands that are run against it."""

    def __init__(self, hub: LoopbackHub, home: Path) -> None:
        self.hub, self.home = hub, home

    def environment(self, **more: str) -> dict[str, str]:
        own = {"XDG_CACHE_HOME": str(self.home / "cache"), "KIT_HUB_TIMEOUT": "3", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        return {**os.environ, **self.hub.environment(self.home), **own, **more}

    def kit(self, *words: str | Path, code: int = 0, **more: str) -> str:
        """What a command says: its output, or its one line where it fails."""
        command = [sys.executable, "-m", "kit", *map(str, words)]
        done = subprocess.run(command, env=self.environment(**more), capture_output=True, text=True, timeout=280, check=False)
        assert done.returncode == code, done.stderr
        said = [line for line in done.stderr.splitlines() if not line.startswith("…")]
        if code:
            assert len(said) == 1, done.stderr
            assert said[0].startswith("kit: ")
            return said[0]
        assert "Traceback" not in done.stderr
        return done.stdout

    def python(self, script: str, *given: str) -> Any:
        """What a script prints, as JSON."""
        command = [sys.executable, "-c", script, *given]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def publish(self, directory: Path, *words: str | Path, code: int = 0, repo: str = REPO, **more: str) -> str:
        out = self.home / "release" / repo.replace("/", "-")
        return self.kit("publish", directory, "--to", repo, "--out", out, *WHO, *words, code=code, **more)

    def send(self, folder: Path, code: int = 0) -> str:
        """As `publish`, of a release folder that was checked before: what is sent, and how, alone."""
        command = [sys.executable, "-c", SEND, str(folder)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, done.stderr
        said = done.stderr.strip() if code else done.stdout
        assert not code or len(said.splitlines()) == 1, said
        return said

    def sent(self, since: int) -> int:
        """Bytes of files and commits that were received since so many requests."""
        return sum(r.received for r in self.hub.requests[since:] if r.method == "PUT" or re.search(COMMIT, r.path))
