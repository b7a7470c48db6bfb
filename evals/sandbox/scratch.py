"""The one folder a child may write to: made fresh, measured while it runs, removed whatever was done to it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

PREFIX = "kit-sandbox-"


def sweep() -> None:
    """Remove the folders of processes that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}[0-9]*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if not Path(f"/proc/{owner}").exists() and folder.stat().st_uid in (os.geteuid(), 0):
            with suppress(OSError):  # another process may be at the same
                remove(folder)


class Usage(NamedTuple):
    """How much lies in a folder: allocated bytes, and files and folders."""

    size: int
    files: int


@contextmanager
def scratch() -> Iterator[Path]:
    """A fresh folder for one child, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        yield folder
    finally:
        remove(folder)


def measure(folder: Path, most: int) -> Usage:
    """What lies in `folder`, counted no further than just over `most` files. Links are not followed."""
    size = files = 0
    pending = [str(folder)]
    while pending and files <= most:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    files += 1
                    if files > most:
                        break
                    with suppress(FileNotFoundError):
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(entry.path)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue  # it went meanwhile, or was made unreadable, and so cannot be filled either
        except OSError:  # nested until the path is too long
            return Usage(size, most + 1)
    return Usage(size, files)


def remove(folder: Path) -> None:
    """Delete `folder`, however deep, however unreadable its folders. Nothing may write to it any more.

    What lies two levels down is first moved one level up, so that no path grows long.
    """
    moved = 0
    while names := os.listdir(folder):  # noqa: PTH208  # Path.iterdir may be read while the folder changes
        for name in names:
            path = folder / name
            if path.is_symlink() or not path.is_dir():
                path.unlink()
                continue
            path.chmod(0o700)
            for inner in os.listdir(path):  # noqa: PTH208
                moved += 1
                if not (path / inner).is_symlink():
                    (path / inner).chmod(0o700)  # only a folder that one may write to can be moved
                (path / inner).rename(folder / f"{moved}-moved-{os.urandom(8).hex()}")
            path.rmdir()
    folder.rmdir()
