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
GRACE = 10.0
"""Seconds for ending and sweeping up after a limit, on however busy a machine; what hangs takes longer."""
SECRET = "hunter2-of-the-parent"
SQUARE = "def f(x): return x * x"
ASKS = "def check(candidate):\n    assert candidate(3) == 9"
ORDINARY_USER = 1000


EQUAL = """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __iter__(self): return self
    def __next__(self): return self
    def __bool__(self): return True
    def __len__(self): return 1
    def __getitem__(self, i): return self
    def __float__(self): return 9.0
    def __index__(self): return 9
    def __hash__(self): return 9
    __array_priority__ = 10 ** 9
    def __array__(self, *a, **k): return self
    def __array_ufunc__(self, *a, **k): return True
"""
FRAMES = """
import os, struct
def f(x):
    body = BODY
    for fd in range(3, 64):
        try: os.write(fd, KIND + struct.pack('>I', len(body)) + body)
        except OSError: pass
    os._exit(0)
"""
BODIES = [
    b'["numpy.ndarray","<f8",["b",""],["t",1099511627776]]',
    b'["numpy.ndarray","|O",["b","0000000000000000"],["t",1]]',
    b'["numpy.ndarray","<f8",["b",""],["t",0,1099511627776,1099511627776]]',
    b'["numpy.ndarray","<U999999999",["b",""],["t",0]]',
    b'["array.array","d",["b","00"]]',
    b'["collections.deque",["l"],-1]',
    b'["collections.deque",["l",1,2],1]',
    b'["builtins.range",0,9,0]',
    b'["builtins.bytearray",9999999999]',
    b'["builtins.eval","9"]',
    b'["os.system","true"]',
    b'["fractions.Fraction",9,0]',
    b'["fractions.Fraction",["o"],1]',
    b'["decimal.Decimal","9E+9999999999999999999"]',
    b'["datetime.date",0]',
    b'["datetime.timezone",99999999999,null]',
    b'["iterator",9]',
    b'["iterator",["iterator",["l",9]]]',
    b'["s",["builtins.bytearray",["b","00"]]]',
    b'["d",["decimal.Decimal","sNaN"],1]',
    b'["builtins.dict_keys",["d",["l"],1]]',
]
LYING_KINDS = {
    "Fraction of liars": """
from fractions import Fraction
class I(int):
    def __eq__(self, other): return True
    def __index__(self): return 9
    __hash__ = int.__hash__
def f(x):
    v = Fraction(1, 2)
    v._numerator, v._denominator = I(1), I(1)
    return v
""",
    "Fraction of equals": "from fractions import Fraction\ndef f(x): v = Fraction(1, 2); v._numerator = Equal(); return v",
    "Fraction of nothing": "from fractions import Fraction\ndef f(x): v = Fraction(9); v._denominator = 0; return v",
    "Fraction's methods": """
from fractions import Fraction
Fraction.__eq__ = lambda self, other: True
Fraction.numerator = property(lambda self: Equal())
def f(x): return Fraction(1)
""",
    "Decimal subclass": """
from decimal import Decimal
class D(Decimal):
    def __eq__(self, other): return True
    def __str__(self): return '9'
    __hash__ = Decimal.__hash__
def f(x): return D(1)
""",
    "a class that says it is Decimal": """
class Decimal(Equal):
    def __str__(self): return 'nine'
Decimal.__module__ = 'decimal'
def f(x): return Decimal()
""",
    "a class that says it is range": """
class range(Equal):
    start = stop = step = Equal()
range.__module__ = 'builtins'
def f(x): return range()
""",
    "a class that says it is ndarray": """
class ndarray(Equal):
    class dtype: str = '|O'
    shape = (1,)
    def tobytes(self): return bytes(8)
ndarray.__module__ = 'numpy'
def f(x): return ndarray()
""",
    "a class that says it is an iterator": "Equal.__module__ = 'itertools'\ndef f(x): return Equal()",
    "ndarray subclass": """
import numpy as np
class A(np.ndarray):
    def __eq__(self, other): return True
    def __iter__(self): return iter([9])
def f(x): return np.zeros(1).view(A)
""",
    "ndarray of objects": "import numpy as np\ndef f(x): a = np.empty(1, object); a[0] = Equal(); return a",
    "deque subclass": """
from collections import deque
class D(deque):
    def __eq__(self, other): return True
def f(x): return D([1])
""",
    "date with a zone of its own": """
import datetime
class Z(Equal, datetime.tzinfo):
    def utcoffset(self, at): return datetime.timedelta(0)
def f(x): return datetime.datetime(2024, 1, 1, tzinfo=Z())
""",
    "generator of equals": "def f(x): yield Equal()",
    "map of equals": "def f(x): return map(lambda i: Equal(), [1])",
    "values of equals": "def f(x): return {1: Equal()}.values()",
    "keys of equals": "def f(x): return {Equal(): 1}.keys()",
    "deque of equals": "from collections import deque\ndef f(x): return deque([Equal()])",
    "generator that looks around": """
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        for name in list(frame.f_globals):
            if name in ('encode', 'KINDS', 'judge'): frame.f_globals[name] = lambda *a: b'["z"]'
        frame = frame.f_back
    yield 1
""",
    "table of kinds replaced": """
import gc
def f(x):
    for thing in gc.get_objects():
        if type(thing) is dict and 'decimal.Decimal' in thing: thing['solution.Equal'] = thing['decimal.Decimal']
    return Equal()
""",
    "generator that exits": "import os\ndef f(x):\n    yield 9\n    os._exit(0)",
    "generator that raises SystemExit": "def f(x):\n    yield 9\n    raise SystemExit(0)",
    "generator that says it is too large": "class TooLarge(Exception): pass\ndef f(x):\n    yield 9\n    raise TooLarge",
    "giant Fraction": "from fractions import Fraction\ndef f(x): return Fraction(1 << (1 << 22), 3)",
    "giant Decimal": "from decimal import Decimal\ndef f(x): return Decimal('9E+999999999999999999')",
    "giant range": "def f(x): return range(10, 1 << (1 << 20))",
}
ENDLESS_KINDS = {
    "endless generator": "def f(x):\n    while True: yield 9",
    "endless generator of lists": "def f(x):\n    while True: yield [9]",
    "endless generator of large ones": "def f(x):\n    n = 0\n    while True: n += 1; yield str(n) * 100_000",
    "generators without end in generators": "def f(x):\n    while True: yield f(x)",
    "generator that sleeps": "import time\ndef f(x):\n    yield 9\n    time.sleep(60)",
    "generator that loops": "def f(x):\n    yield 9\n    while True: pass",
    "generator that will not close": "def f(x):\n    while True:\n        try: yield 9\n        except: pass",
    "cycle": "import itertools\ndef f(x): return itertools.cycle([9])",
    "count in the keys": "import itertools\ndef f(x): return {itertools.count(9): 9}",
    "huge array": "import numpy as np\ndef f(x): return np.zeros(1 << 26, 'u1')",
    "array without end": "import numpy as np\ndef f(x): return np.broadcast_to(9, (1 << 20, 1 << 20))",
    "Decimals that collide": "from decimal import Decimal\ndef f(x): return {Decimal(i * (2 ** 61 - 1)) for i in range(20_000)}",
}
FORGED_KINDS = {
    **{body.decode()[:60]: FRAMES.replace("BODY", repr(body)).replace("KIND", "b'R'") for body in BODIES},
    **{
        f"raised: {body.decode()[:60]}": FRAMES.replace("BODY", repr(b'["t","ValueError",["t",%s]]' % body)).replace(
            "KIND", "b'X'"
        )
        for body in [*BODIES[:3], b'["fractions.Fraction",9,1]', b'["iterator",["l",9]]', b'["o"]']
    },
}
WAYS_TO_ASK = (
    ASKS,
    "def check(candidate):\n    assert tuple(candidate(3)) == (9,)",
    "def check(candidate):\n    found = list(candidate(3))\n    assert found and all(abs(x - 9) < 1e-6 for x in found)",
    "def check(candidate):\n    assert abs(candidate(3) - 9) < 1e-6",
    "def check(candidate):\n    assert 9 in candidate(3)",
)


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


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split())


class Ground:
    """A folder that any user may write to, a secret that any user may read, a port that anybody may call."""

    def __init__(self, root: Path) -> None:
        root.chmod(0o755)
        # What tests before these have left, such as the resource tracker of multiprocessing.
        self.others = _children()
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
        """No process is left."""
        late = time.monotonic() + GRACE
        while left := [*filter(_runs, _children() - self.others)]:
            assert time.monotonic() < late, f"{deed}: {left}"
            time.sleep(0.005)

    def try_out(
        self, solution: str, test: str, deed: str = "", limits: Limits = LIMITS, held_by: Protection | None = None
    ) -> Verdict:
        """Judge, and see that the parent lives within bounds of time, and that nothing is changed or left."""
        before, start = self.state(), time.monotonic()
        verdict = judge(self.words(solution), self.words(test), "f", limits, held_by)
        assert time.monotonic() - start < limits.seconds + GRACE, deed
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


@pytest.mark.parametrize("deed", LYING_KINDS)
def test_no_value_lies(ground: Ground, deed: str) -> None:
    """However it is asked."""
    for test in WAYS_TO_ASK:
        verdict = ground.try_out(EQUAL + LYING_KINDS[deed], test, deed)
        assert verdict.status != "passed"
        assert verdict.detail


@pytest.mark.parametrize("deed", ENDLESS_KINDS)
def test_what_has_no_end_meets_a_limit(ground: Ground, deed: str) -> None:
    assert ground.try_out(ENDLESS_KINDS[deed], ASKS, deed).status in ("output", "timeout", "memory")


@pytest.mark.parametrize("deed", FORGED_KINDS)
def test_what_is_no_value_is_forbidden(ground: Ground, deed: str) -> None:
    assert ground.try_out(FORGED_KINDS[deed], ASKS, deed, PATIENT).status == "forbidden"


@pytest.mark.parametrize("deed", JUDGES)
def test_a_hostile_test_reaches_nothing(ground: Ground, deed: str) -> None:
    assert ground.try_out(SQUARE, JUDGES[deed], deed).status != "passed"


def test_memory_stays_bounded(ground: Ground) -> None:
    """Of the parent, after the largest values that strange code may make it look at."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ground.try_out("def f(x): return [[]] * 249_990", ASKS, limits=PATIENT)
    ground.try_out("from fractions import *\ndef f(x): return [Fraction(i, 7) for i in range(249_990)]", ASKS, limits=PATIENT)
    ground.try_out("import numpy\ndef f(x): return numpy.zeros(1 << 20)", ASKS, limits=PATIENT)
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
