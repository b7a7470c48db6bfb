"""The server answers whoever holds its token, on this machine, and says what the tables say."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.view.open import sections

pytest.importorskip("uvicorn", reason="the extra view is not installed")


@pytest.fixture(scope="module")
def address(small_dir: Path, evaluated: list[Path]) -> Iterator[str]:
    command = [sys.executable, "-m", "kit", "view", str(small_dir), *map(str, evaluated[:2]), "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stderr
        line = server.stdout.readline().strip()
        try:
            yield line
        finally:
            server.send_signal(signal.SIGINT)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{20,}/", line), line
        assert server.wait(20) in (0, 130)
        assert "Traceback" not in server.stderr.read()


def ask(address: str, what: str, **parameters: str) -> Any:
    with urllib.request.urlopen(f"{address}{what}?{urllib.parse.urlencode(parameters)}") as response:
        return json.load(response)


def test_what_it_answers_is_what_the_tables_hold(address: str, small_dir: Path, evaluated: list[Path]) -> None:
    own = sections([small_dir, *evaluated[:2]], ["world", "right", "third"])
    told = ask(address, "told")
    assert [section["kind"] for section in told] == ["world", "answers"]
    for number, section in enumerate(own):
        for name, table in section.tables.items():
            place = {"section": str(number), "table": name}
            assert told[number]["tables"][name]["rows"] == len(table)
            assert ask(address, "counts", **place) == {facet: table.counts(facet) for facet in table.facets}
            found = ask(address, "rows", **place, limit="7", start="3")
            assert found["total"] == len(table)
            assert [row["_row"] for row in found["rows"]] == list(range(3, 10))[: len(table) - 3]
    where = json.dumps({"split": "novel"})
    searched = ask(address, "rows", section="0", table="questions", where=where, search="WHO", limit="5")
    assert searched["rows"] == own[0].tables["questions"].select({"split": "novel"}, "who", limit=5).rows
    wanted = searched["rows"][0]["id"]
    (whole,) = ask(address, "find", section="0", table="questions", column="id", values=json.dumps([wanted]))
    assert whole["support"]


@pytest.mark.parametrize(
    ("what", "parameters", "code"),
    [
        ("rows", {"section": "9", "table": "questions"}, 404),
        ("rows", {"section": "x", "table": "questions"}, 404),
        ("rows", {"section": "0", "table": "nothing"}, 404),
        ("rows", {"section": "0", "table": "questions", "limit": "many"}, 400),
        ("rows", {"section": "0", "table": "questions", "where": "{"}, 400),
        ("rows", {"section": "0", "table": "questions", "where": '{"splt": "novel"}'}, 400),
        ("find", {"section": "0", "table": "questions", "column": "nothing", "values": '["a"]'}, 400),
        ("find", {"section": "0", "table": "questions", "column": "_row", "values": '["a"]'}, 400),
        ("nothing", {}, 404),
    ],
)
def test_a_wrong_question_is_answered_in_one_line(address: str, what: str, parameters: dict[str, str], code: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as told:
        ask(address, what, **parameters)
    assert told.value.code == code
    assert b"Traceback" not in told.value.read()


def test_nobody_without_the_token_or_by_another_name_is_answered(address: str) -> None:
    port = urllib.parse.urlsplit(address).port
    assert port
    for path in ("/", "/told", f"/{'x' * 22}/", f"/{'x' * 22}/told", f"/{'é' * 3}/told"):
        with pytest.raises(urllib.error.HTTPError) as told:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{urllib.parse.quote(path)}")
        assert told.value.code in (403, 404)
    for host, code in (("evil.example", 403), (f"127.0.0.1:{port}", 200)):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", urllib.parse.urlsplit(address).path, headers={"Host": host})
        assert connection.getresponse().status == code
        connection.close()


def test_a_port_in_use_is_one_line(small_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        found = subprocess.run(
            [sys.executable, "-m", "kit", "view", str(small_dir), "--serve", "--port", port],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert found.returncode == 2
    assert found.stderr.splitlines()[-1].startswith(f"kit: port {port}: ")
