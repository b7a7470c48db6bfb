"""What holds strange code here: the kernel, or else bubblewrap, each tried on a child; or else nothing, and then we refuse."""

from __future__ import annotations

import functools
import shutil
import subprocess
import time

from evals.sandbox import protocol
from evals.sandbox.lockdown import has_seccomp, landlock_version
from evals.sandbox.process import Child, Stop, Talk
from evals.sandbox.protection import Protection, setup
from evals.sandbox.scratch import scratch
from evals.sandbox.verdict import Job, Limits
from kit.core.errors import KitError


@functools.cache
def available() -> tuple[Protection, str]:
    """The best protection that was tried here and held; with "none", why the others did not."""
    kernel = f"Landlock version {landlock_version()}, seccomp {'there' if has_seccomp() else 'missing'}"
    if landlock_version() and has_seccomp():
        kernel = _probe("kernel")
        if not kernel:
            return "kernel", ""
    bubblewrap = _probe("bubblewrap") if shutil.which("bwrap") else "not installed"
    return ("none", f"kernel: {kernel}; bubblewrap: {bubblewrap}") if bubblewrap else ("bubblewrap", "")


def require(allow_unsafe: bool = False) -> Protection:
    """What will hold strange code. Raises KitError when nothing does, unless `allow_unsafe`."""
    protection, why = available()
    if protection == "none" and not allow_unsafe:
        raise KitError(f"nothing here holds strange code ({why}); install bubblewrap, or allow unsafe execution explicitly")
    return protection


def _probe(protection: Protection) -> str:
    """Why a child cannot be locked down this way here; empty when it can."""
    limits = Limits()
    with scratch() as folder:
        told = setup(protection, "probe", Job("", "", ""), folder, limits)
        child = Child(told, protection, limits, subprocess.PIPE)
        try:
            kind = Talk([child], time.monotonic() + 20).receive(child)[0]
        except Stop as stop:
            child.process.kill()
            return f"{stop.verdict.detail}: {_last_line(child.process)}"
        finally:
            child.end()
    return "" if kind == protocol.LOCKED else "it did not start"


def _last_line(process: subprocess.Popen[bytes]) -> str:
    """The last line a child that went wrong wrote to its standard error."""
    lines = (process.communicate(timeout=5)[1] or b"").decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"it ended with status {process.returncode}"
