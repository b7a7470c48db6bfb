"""What a release is called and who answers for it: the settings of `kit publish`, and those that only a person can give."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any, Literal, NamedTuple

from pydantic import field_validator, model_validator

from kit.core.config import Config
from kit.core.errors import KitError, nearest

LICENSES: dict[str, tuple[str, str]] = {
    "CC-BY-4.0": ("cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC-BY-SA-4.0": ("cc-by-sa-4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "CC-BY-NC-4.0": ("cc-by-nc-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    "CC-BY-NC-SA-4.0": ("cc-by-nc-sa-4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
    "CC0-1.0": ("cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "ODC-By-1.0": ("odc-by", "https://opendatacommons.org/licenses/by/1-0/"),
    "ODbL-1.0": ("odbl", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "PDDL-1.0": ("pddl", "https://opendatacommons.org/licenses/pddl/1-0/"),
    "MIT": ("mit", "https://spdx.org/licenses/MIT.html"),
    "Apache-2.0": ("apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
}
"""Of each licence that kit knows, by its SPDX id: the hub's id, and where it is to be read. Its text is in
`data_cards/licenses`."""

Kind = Literal["world", "evaluation", "checkpoint"]

_RELEASE = re.compile(r"[\w][\w.-]{0,63}")


class PublishConfig(Config):
    """One release.

    release: its name, the tag on the hub. license: an SPDX id (CC-BY-4.0 for data, where none is given; a checkpoint's follows
    from its base), or `other` with license_url, where it is to be read. authors, contact: who made it, and where to write to.
    title: of the card (the repository's name, where it is not given). sources: whose the facts of your own are, and under which
    licence. model: of an evaluation what was evaluated, of a checkpoint its base, as others find it. data: as which published
    world its data are found. notes: what more a reader should know. public: whether all may see it; gated: whether readers have
    to ask (`manual`: and are let in one by one).
    """

    release: str = "v1"
    license: str | None = None
    license_url: str = ""
    authors: tuple[str, ...] = ()
    contact: str = ""
    title: str = ""
    sources: str = ""
    model: str = ""
    data: str = ""
    notes: str = ""
    public: bool = False
    gated: Literal["auto", "manual"] | None = None

    @model_validator(mode="after")
    def _known_license(self) -> PublishConfig:
        if self.license not in (None, OTHER, *LICENSES):
            raise ValueError(f"unknown licence {self.license}; {nearest(str(self.license), (OTHER, *LICENSES))}")
        if (self.license == OTHER) != bool(self.license_url.strip()):
            raise ValueError(f'license = "{OTHER}" and license_url, where it is to be read, go together')
        return self

    @field_validator("release")
    @classmethod
    def _a_tag(cls, name: str) -> str:
        if not _RELEASE.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
            raise ValueError(f"{name!r} cannot be a tag: use letters, digits, dots, hyphens and underscores")
        return name

    @field_validator("authors")
    @classmethod
    def _named(cls, authors: tuple[str, ...]) -> tuple[str, ...]:
        if any(not name.strip() for name in authors):
            raise ValueError("an author has no name")
        return authors


OTHER = "other"
"""A licence that kit has no text of."""

OF_DATA = "CC-BY-4.0"


class License(NamedTuple):
    """A licence as a release has it. id: the hub's; text: of the file LICENSE."""

    name: str
    id: str
    url: str
    text: str

    def metadata(self) -> dict[str, str]:
        """For the front matter of a card."""
        other = {"license_name": "other", "license_link": self.url} if self.id == OTHER else {}
        return {"license": self.id, **other}


def license_of(settings: dict[str, Any]) -> License:
    """The licence that a release's settings name."""
    name, url = settings["license"] or "(not told)", settings["license_url"]
    if name not in LICENSES:
        return License(name, OTHER, url, f"This is published under the terms of {url or '(not told)'}\n")
    id_, url = LICENSES[name]
    return License(name, id_, url, resources.files("data_cards").joinpath("licenses", f"{name}.txt").read_text("utf-8"))


ACCESS = ("public", "gated")
"""Settings of the repository, which change nothing in a release."""


def missing(config: PublishConfig, kind: Kind, manifest_config: dict[str, Any]) -> list[str]:
    """What only a person knows and has not told: the setting, and what it is."""
    lacking = []
    if not config.authors:
        lacking.append("authors: who made it")
    if not config.contact.strip():
        lacking.append("contact: where readers may write to")
    if kind == "checkpoint" and not config.license:
        lacking.append("license: the one that its base allows")
    own = (manifest_config.get("world") or {}).get("own") or {}
    if kind == "world" and (own.get("facts") or own.get("events")) and not config.sources.strip():
        lacking.append("sources: whose the facts of your own are, and under which licence")
    if kind != "world" and not config.model.strip() and unnamed(manifest_config.get("model")):
        what = "the model that was evaluated" if kind == "evaluation" else "the base it was trained from"
        lacking.append(f"model: {what}, as others find it")
    if kind != "world" and not config.data.strip() and not manifest_config.get("data"):
        lacking.append("data: the published world (ORG/NAME@TAG) or set it was made with")
    return lacking


def check_meant(config: PublishConfig, kind: Kind) -> None:
    """Raises KitError for a setting that says nothing of this kind of release."""
    for name, kinds in (("sources", ("world",)), ("model", ("evaluation", "checkpoint")), ("data", ("evaluation", "checkpoint"))):
        if getattr(config, name) and kind not in kinds:
            raise KitError(f"{name} is for {' and '.join(f'{each}s' for each in kinds)}: this is a {kind}")


UNTOLD = "(not told)"
"""What stands on a card for what only a person knows, until it is told."""


def named(settings: dict[str, Any], config: dict[str, Any]) -> tuple[str, str]:
    """What the model and the data of an evaluation or a training run are called: as was told, or else as its manifest has
    them."""
    model = settings["model"] or (UNTOLD if unnamed(config["model"]) else config["model"])
    return model, settings["data"] or config.get("data", UNTOLD)


def unnamed(model: object) -> bool:
    """Whether a manifest says no more of a model than that it was a directory."""
    return not isinstance(model, str) or model in ("", "<input>")
