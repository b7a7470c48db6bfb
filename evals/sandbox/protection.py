"""What holds strange code here: the kernel's Landlock and seccomp, or else bubblewrap, or else nothing, and then we refuse."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final, Literal

from evals.sandbox.lockdown import has_seccomp, landlock_version
from kit.core.errors import KitError

Protection = Literal["kernel", "bubblewrap", "none"]

READABLE: Final = (
    f"{sys.base_prefix}/lib",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
)
"""What a child may read besides the standard library and the installed packages: system libraries and time zones."""
DEVICES: Final = ("/dev/null",)
PACKAGES: Final = tuple(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))


@functools.cache
def available() -> tuple[Protection, str]:
    """The best protection that was tried here and held; with "none", why the others did not."""
    from evals.sandbox.broker import probe

    kernel = f"Landlock version {landlock_version()}, seccomp {'there' if has_seccomp() else 'missing'}"
    if landlock_version() and has_seccomp():
        kernel = probe("kernel")
        if not kernel:
            return "kernel", ""
    bubblewrap = probe("bubblewrap") if shutil.which("bwrap") else "not installed"
    return ("none", f"kernel: {kernel}; bubblewrap: {bubblewrap}") if bubblewrap else ("bubblewrap", "")


def require(allow_unsafe: bool = False) -> Protection:
    """What will hold strange code. Raises KitError when nothing does, unless `allow_unsafe`."""
    protection, why = available()
    if protection == "none" and not allow_unsafe:
        raise KitError(f"nothing here holds strange code ({why}); install bubblewrap, or allow unsafe execution explicitly")
    return protection


def command(protection: Protection, python: list[str], scratch: Path) -> list[str]:
    """The command line that runs `python` under this protection; the kernel's is put up by the child itself."""
    if protection != "bubblewrap":
        return python
    inside = [str(shutil.which("bwrap")), "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    inside += ["--cap-drop", "ALL"]
    here = str(Path(__file__).parent)
    for path in dict.fromkeys((*READABLE, *DEVICES, *PACKAGES, here, str(Path(sys.executable).resolve()))):
        if Path(path).exists():
            inside += ["--dev-bind" if path.startswith("/dev/") else "--ro-bind", path, path]
    inside += [
        "--uid",
        "65534",
        "--gid",
        "65534",
        "--bind",
        str(scratch),
        str(scratch),
        "--chdir",
        str(scratch),
        "--remount-ro",
        "/",
    ]
    return [*inside, str(Path(sys.executable).resolve()), *python[1:]]


def last_line(process: subprocess.Popen[bytes]) -> str:
    """The last line a child that went wrong wrote to its standard error."""
    lines = (process.communicate(timeout=5)[1] or b"").decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"it ended with status {process.returncode}"
