"""Strangers' code that lies, pries, breaks and bombs: never "passed", nothing read, nothing changed, nothing left running."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from evals.sandbox import Limits, Verdict, judge
from evals.sandbox.lockdown import cover
from evals.sandbox.protection import Protection
from evals.sandbox.scratch import remove
from tests.evals.hostile.judges import JUDGES
from tests.evals.hostile.solutions import BREAKING, LIES, PRYING, SOLUTIONS

LIMITS = Limits(seconds=1.0, cpu_seconds=2, memory_bytes=512 << 20)
PATIENT = LIMITS._replace(seconds=10.0)
"""For what ends by itself, on however busy a machine."""
SECRET = "hunter2-of-the-parent"
SQUARE = "def f(x): return x * x"
ASKS = "def check(candidate):\n    assert candidate(3) == 9"
ORDINARY_USER = 1000


class State(NamedTuple):
    """What strange code must leave as it is."""

    names: tuple[str, ...]
    texts: tuple[str, ...]
    modes: tuple[int, ...]
    times: tuple[int, ...]


def _runs(pid: str) -> bool:
    """Whether a child is more than the entry of one that has ended, which bubblewrap leaves to whoever takes in orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Ground:
    """A folder that any user may write to, a secret that any user may read, a port that anybody may call."""

    def __init__(self, root: Path) -> None:
        root.chmod(0o755)
        self.canary, self.secret = root / "canary", root / "private" / "secret"
        for folder, mode in ((self.canary, 0o777), (self.secret.parent, 0o755), (root / "scratch", 0o777)):
            folder.mkdir()
            folder.chmod(mode)
        (self.canary / "file").write_text("keep", "utf-8")
        (self.canary / "file").chmod(0o666)
        self.secret.write_text(SECRET, "utf-8")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        tempfile.tempdir = str(root / "scratch")

    def words(self, program: str) -> str:
        for word, meaning in (
            ("SECRET_FILE", self.secret),
            ("SECRET", SECRET),
            ("CANARY", self.canary),
            ("PARENT", os.getpid()),
            ("PORT", self.server.getsockname()[1]),
        ):
            program = program.replace(word, str(meaning))
        return program

    def state(self) -> State:
        paths = [self.secret, self.canary, *sorted(self.canary.iterdir())]
        files = [p for p in paths if p.is_file()]
        return State(
            names=tuple(p.name for p in paths),
            texts=tuple(p.read_text("utf-8") for p in files),
            modes=tuple(p.stat().st_mode for p in paths),
            times=tuple(p.stat().st_mtime_ns for p in files),
        )

    def await_the_end_of(self, deed: str) -> None:
        """No process is left by a second later."""
        late = time.monotonic() + 1
        while left := [*filter(_runs, Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split())]:
            assert time.monotonic() < late, f"{deed}: {left}"
            time.sleep(0.005)

    def try_out(
        self, solution: str, test: str, deed: str = "", limits: Limits = LIMITS, held_by: Protection | None = None
    ) -> Verdict:
        """Judge, and see that the parent lives within bounds of time, and that nothing is changed or left."""
        before, start = self.state(), time.monotonic()
        verdict = judge(self.words(solution), self.words(test), "f", limits, held_by)
        assert time.monotonic() - start < limits.seconds + 1, deed
        self.await_the_end_of(deed)
        assert self.state() == before, deed
        assert not list(Path(str(tempfile.tempdir)).glob("kit-sandbox-*")), deed
        with pytest.raises(BlockingIOError):
            self.server.accept()
        assert SECRET not in verdict.detail, deed
        assert len(verdict.detail) <= 300, deed
        assert verdict.detail.isprintable(), deed
        return verdict


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """The parent takes in orphans meanwhile, so that whatever is left running is seen among its children."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", None)
        patch.setenv("KIT_SECRET", SECRET)
        ground = Ground(Path(root))
        yield ground
        ground.server.close()
    libc.prctl(36, 0, 0, 0, 0)


@pytest.mark.parametrize("deed", SOLUTIONS)
def test_no_hostile_solution_passes(ground: Ground, deed: str) -> None:
    verdict = ground.try_out(SOLUTIONS[deed], ASKS, deed)
    assert verdict.status != "passed"
    assert verdict.detail


@pytest.mark.parametrize("deed", JUDGES)
def test_a_hostile_test_reaches_nothing(ground: Ground, deed: str) -> None:
    assert ground.try_out(SQUARE, JUDGES[deed], deed).status != "passed"


def test_memory_stays_bounded(ground: Ground) -> None:
    """Of the parent, after the largest values that strange code may make it look at."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ground.try_out("def f(x): return [[]] * 249_990", ASKS, limits=PATIENT)
    ground.try_out("def f(x): return [str(i) for i in range(1_500_000)]", ASKS, limits=PATIENT)
    flood = 'import os, struct\ndef check(c):\n    body = b\'f\\0["t",["l",1],["d"]]\'\n    while True:\n'
    flood += "        for fd in range(3, 64):\n            try: os.write(fd, b'C' + struct.pack('>I', len(body)) + body)\n"
    flood += "            except OSError: pass"
    verdict = ground.try_out("V = 'x' * (1 << 23)\ndef f(x): return V", flood, limits=LIMITS._replace(seconds=3))
    assert verdict == Verdict("forbidden", "the test spoke out of turn")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


def test_two_judgements_do_not_see_each_other(ground: Ground) -> None:
    """Each child is a user of its own, with a folder that is gone afterwards."""
    solution = "import os\ndef f(x):\n    open('a', 'w').close()\n    return [os.getcwd(), os.getuid(), sorted(os.listdir('.'))]"
    tell = "def check(c): assert False, c(0)"
    first, second = (ground.try_out(solution, tell, limits=PATIENT).detail for _ in range(2))
    assert first != second
    assert "['a']" in first


def test_the_honest_pass_on_the_same_ground(ground: Ground) -> None:
    assert ground.try_out(SQUARE, ASKS, limits=PATIENT) == Verdict("passed", "")


def test_a_folder_is_removed_whatever_was_done_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    here = os.open(".", os.O_RDONLY)
    os.chdir(folder)
    for _ in range(300):
        Path("a" * 200).mkdir()
        os.chdir("a" * 200)
    Path("closed").mkdir(mode=0)
    os.fchdir(here)
    os.close(here)
    (folder / "link").symlink_to(tmp_path)
    remove(folder)
    assert not folder.exists()
    assert tmp_path.exists()


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_holds_them_too(ground: Ground) -> None:
    for deed, solution in {"honest": SQUARE, **SOLUTIONS}.items():
        verdict = ground.try_out(solution, ASKS, deed, held_by="bubblewrap")
        assert (verdict.status == "passed") == (deed == "honest"), deed


def _judged_by(who: str, programs: Mapping[str, str]) -> dict[str, str]:
    """The verdict on each program, judged by a process of an ordinary user, or of a container's root, who may not mount."""
    done = subprocess.run(
        [sys.executable, "-P", __file__, who],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user; the tests above ran as one")
@pytest.mark.parametrize("who", ["ordinary user", "container's root"])
def test_others_are_as_safe(who: str) -> None:
    programs = {"honest": SQUARE, **LIES, **PRYING, **BREAKING}
    verdicts = _judged_by(who, programs)
    assert {deed for deed, status in verdicts.items() if status == "passed"} == {"honest"}
    assert verdicts.keys() == programs.keys()


def main() -> None:
    """Judge the programs on standard input as who the argument says, on ground of that user's own."""
    libc = ctypes.CDLL(None)
    if sys.argv[1] == "ordinary user":
        cover([sys.base_prefix, sysconfig.get_path("purelib"), str(Path(__file__).parents[2])])
        os.setgroups([])
        os.setresgid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER)
        os.setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER)
    else:
        libc.prctl(24, 21, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_SYS_ADMIN: from the next exec on
    libc.prctl(36, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as root:
        ground = Ground(Path(root))
        os.environ["KIT_SECRET"] = SECRET
        verdicts = {deed: ground.try_out(p, ASKS, deed, PATIENT).status for deed, p in json.load(sys.stdin).items()}
        tempfile.tempdir = None
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
