"""The hub (huggingface.co, or where `HF_ENDPOINT` says): what downloads from it, and its errors in one line."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from kit.core.errors import KitError, first_line

RepoKind = Literal["dataset", "model"]

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


class Reference(NamedTuple):
    """`ORG/NAME@REVISION`: a repository on the hub at a tag, a branch or a commit."""

    name: str
    revision: str

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}"


def is_name(text: str) -> bool:
    """Whether a text has the form ORG/NAME."""
    return bool(_NAME.fullmatch(text)) and ".." not in text and not text.startswith(".")


def reference(text: str) -> Reference | None:
    """What `ORG/NAME@REVISION` names; None where a text has another form."""
    name, at, revision = text.partition("@")
    return Reference(name, revision) if at and revision and is_name(name) else None


@contextlib.contextmanager
def clearly(doing: str) -> Iterator[None]:
    """Whatever the hub, or the way to it, raises while something is done, as a KitError: what failed, why, and what to do."""
    from huggingface_hub import errors

    _prepare()
    try:
        yield
    except errors.LocalTokenNotFoundError as error:
        raise KitError(f"cannot {doing}: there is no token: set HF_TOKEN, or log in with `hf auth login`") from error
    except errors.GatedRepoError as error:
        raise KitError(f"cannot {doing}: {first_line(error)}") from error
    except errors.RevisionNotFoundError as error:
        raise KitError(f"cannot {doing}: there is no such revision") from error
    except errors.RepositoryNotFoundError as error:
        raise KitError(f"cannot {doing}: the hub knows no such repository, or not to the owner of this token") from error
    except errors.HfHubHTTPError as error:
        raise KitError(f"cannot {doing}: {_status(error)}") from error
    except (errors.HTTPError, ConnectionError, TimeoutError, errors.LocalEntryNotFoundError) as error:
        slow = "Timeout" in type(error).__name__
        told = "does not answer in time" if slow else f"cannot be reached ({first_line(error)})"
        raise KitError(f"cannot {doing}: the hub {told}; run the same command again to go on") from error
    except (errors.HFValidationError, errors.XetDownloadError) as error:
        raise KitError(f"cannot {doing}: {first_line(error)}") from error


def _prepare() -> None:
    """No request waits for ever (`KIT_HUB_TIMEOUT` seconds, or a minute), and what is tried again is tried in silence."""
    from huggingface_hub.utils import disable_progress_bars, get_session, logging

    told = os.environ.get("KIT_HUB_TIMEOUT", "60")
    if not re.fullmatch(r"\d+(\.\d+)?", told):
        raise KitError(f"KIT_HUB_TIMEOUT is {told!r}: give a number of seconds")
    get_session().timeout = float(told)
    disable_progress_bars()
    logging.set_verbosity(logging.ERROR)


def _status(error: Exception) -> str:
    response = getattr(error, "response", None)
    code = response.status_code if response is not None else 0
    words = getattr(error, "server_message", None) or first_line(error)
    said = {
        401: "the hub does not know this token: set HF_TOKEN, or log in with `hf auth login`",
        403: f"this token may not do that ({words})",
        412: "somebody else changed the repository meanwhile: look at it, then run again",
        429: "the hub asks for less haste; run the same command again in some minutes to go on",
    }
    if code in said:
        return said[code]
    if code >= 500:
        return f"the hub failed (status {code}); what it has is kept: run the same command again to go on"
    return " ".join(str(words).split())


def snapshot(
    name: str, revision: str | None, kind: RepoKind, patterns: Sequence[str] | None = None, to: Path | None = None
) -> Path:
    """Files of a repository at a revision: in the hub's cache, in a folder called as the commit, or copied to a folder.

    patterns: of the files that are wanted; None for all. Raises KitError where the hub does not give them.
    """
    from huggingface_hub import snapshot_download

    with clearly(f"fetch {name}{f'@{revision}' if revision else ''}"):
        wanted = list(patterns) if patterns else None
        return Path(snapshot_download(name, revision=revision, repo_type=kind, allow_patterns=wanted, local_dir=to))
