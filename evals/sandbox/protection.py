"""What can hold strange code: the kernel's Landlock and seccomp, bubblewrap, or nothing; how a child is started under each."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Final, Literal

from evals.sandbox.lockdown import has_seccomp
from evals.sandbox.protocol import Role, Setup
from evals.sandbox.verdict import Job, Limits

Protection = Literal["kernel", "bubblewrap", "none"]

_READABLE: Final = (
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
_DEVICES: Final = ("/dev/null",)
_PACKAGES: Final = tuple(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))


def command(protection: Protection, python: list[str], scratch: Path) -> list[str]:
    """The command line that runs `python` under this protection; the kernel's is put up by the child itself."""
    if protection != "bubblewrap":
        return python
    inside = [str(shutil.which("bwrap")), "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    inside += ["--cap-drop", "ALL"]
    here = str(Path(__file__).parent)
    for path in dict.fromkeys((*_READABLE, *_DEVICES, *_PACKAGES, here, str(Path(sys.executable).resolve()))):
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


def setup(protection: Protection, role: Role, job: Job, scratch: Path, limits: Limits) -> Setup:
    """What a child is told: its part of `job`, and how it is to lock itself down under this protection."""
    return Setup(
        role=role,
        source=job.test if role == "test" else job.solution,
        entry_point=job.entry_point,
        landlock=protection == "kernel",
        seccomp=protection != "none" and has_seccomp(),
        parent=0 if protection == "bubblewrap" else os.getpid(),
        scratch=str(scratch),
        packages=_PACKAGES,
        readable=_READABLE,
        devices=_DEVICES,
        memory_bytes=limits.memory_bytes,
        cpu_seconds=limits.cpu_seconds,
        file_bytes=limits.file_bytes,
        open_files=limits.open_files,
        threads=limits.threads,
        output_bytes=limits.output_bytes,
    )
