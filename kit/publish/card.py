"""What all cards share: templates, figures as text, and how a release is cited."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import yaml

from kit.publish.config import LICENSES, UNTOLD, license_of


def address(release: dict[str, Any]) -> str:
    """Where the hub shows a release."""
    return f"https://huggingface.co/{'' if release['kind'] == 'checkpoint' else 'datasets/'}{release['to']}"


def render(template: str, release: dict[str, Any], started: str, front: dict[str, Any], **told: Any) -> str:
    """A template of `data_cards`, filled in with what all cards say, and what this one does. A name that it lacks is an error.

    started: when what is published was made. front: the metadata before the text.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters |= {"number": number, "share": share, "signed": lambda value: f"{value:+.1f}"}
    source = resources.files("data_cards").joinpath(template).read_text("utf-8")
    settings = release["settings"]
    return environment.from_string(source).render(
        front=as_yaml(front),
        title=settings["title"],
        notes=settings["notes"],
        contact=settings["contact"] or UNTOLD,
        license=license_of(settings).name,
        name=release["to"],
        release=release["release"],
        kit=release["kit"],
        canary=release["canary"],
        citation=cited(release, started[:4]),
        **told,
    )


def number(value: float) -> str:
    """1,234."""
    return f"{value:,.0f}"


def share(value: float) -> str:
    """.123, or 1.000: three digits behind the point, as papers have them."""
    return f"{value:.3f}".removeprefix("0") if value >= 0 else f"-{share(-value)}"


def cited(release: dict[str, Any], year: str) -> list[str]:
    """A line of text, and BibTeX."""
    settings = release["settings"]
    authors = settings["authors"] or ["(authors not told)"]
    key = release["to"].split("/")[1].lower().replace("-", "_")
    return [
        f"{', '.join(authors)}: {settings['title']}, release {release['release']}, {year}. {address(release)}",
        "```bibtex",
        f"@misc{{{key}_{year},",
        f"  title = {{{settings['title']}}},",
        f"  author = {{{' and '.join(authors)}}},",
        f"  year = {{{year}}},",
        f"  note = {{Release {release['release']}, made with the Knowledge Injection Toolkit {release['kit']}}},",
        f"  url = {{{address(release)}}}",
        "}",
        "```",
    ]


def citation_file(release: dict[str, Any], started: str) -> str:
    """`CITATION.cff`, form 1.2.0. released: the day the data were made."""
    settings = release["settings"]
    data = {
        "cff-version": "1.2.0",
        "message": "If you use these data, please cite them as below.",
        "type": "dataset" if release["kind"] != "checkpoint" else "software",
        "title": settings["title"],
        "version": release["release"],
        "date-released": started[:10],
        "authors": [{"name": name} for name in settings["authors"] or [UNTOLD]],
        **(
            {"license": settings["license"]}
            if settings["license"] in LICENSES
            else {"license-url": settings["license_url"] or address(release)}
        ),
        "url": address(release),
    }
    return as_yaml(data)


def as_yaml(data: object) -> str:
    """YAML as kit writes it: in the order given."""
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return text


def as_json(data: object) -> str:
    """JSON as kit writes it."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
