"""`croissant.json`: a release of data described as Croissant 1.1 (https://docs.mlcommons.org/croissant) with the fields of its
Responsible-AI vocabulary, so that other tools find and load it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from kit.core.errors import KitError
from kit.core.store import file_digest
from kit.publish.card import cited
from kit.publish.layout import Configuration

PARQUET = "application/x-parquet"
"""How mlcroissant spells it; it reads no other as Parquet."""

_OWN_TERMS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty", "fileObject",
    "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
    "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "description": {"@container": "@language"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _OWN_TERMS},
}


class About(NamedTuple):
    """What a data set is, in words. url: of its page; derived: of the sources it was made from."""

    description: str
    url: str
    license_url: str
    limits: Sequence[str]
    biases: Sequence[str]
    personal: str
    uses: Sequence[str]
    impact: str
    derived: Sequence[str]


def croissant(folder: Path, release: dict[str, Any], configs: Sequence[Configuration], about: About) -> dict[str, Any]:
    """The description, as JSON-LD. A record set a configuration, of its flat columns and the split of each row; a file object,
    with its digest, a Parquet file."""
    settings = release["settings"]
    files = sorted({file for config in configs for part in config.splits for file in part.files})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": re.sub(r"[^\w-]", "-", release["to"].split("/")[1]),
        "alternateName": settings["title"],
        "description": about.description,
        "license": about.license_url,
        "url": about.url,
        "version": release["release"],
        "datePublished": release["started"][:10],
        "creator": [{"@type": "sc:Person", "name": name} for name in settings["authors"] or ["(not told)"]],
        "citeAs": cited(release, release["started"][:4])[0],
        "keywords": ["synthetic", "multi-hop question answering", "knowledge injection"],
        "inLanguage": "en",
        "isLiveDataset": False,
        "rai:dataLimitations": list(about.limits),
        "rai:dataBiases": list(about.biases),
        "rai:personalSensitiveInformation": [about.personal],
        "rai:dataUseCases": list(about.uses),
        "rai:dataSocialImpact": about.impact,
        "rai:hasSyntheticData": True,
        "prov:wasDerivedFrom": [{"@id": address} for address in about.derived],
        "prov:wasGeneratedBy": [
            {
                "@type": "prov:Activity",
                "prov:label": "Generation",
                "sc:description": "Drawn and written by a seeded program; config.json has its settings.",
                "prov:wasAssociatedWith": {
                    "@type": "prov:SoftwareAgent",
                    "prov:label": f"Knowledge Injection Toolkit {release['kit']}",
                },
            }
        ],
        "distribution": [_file(folder, file) for file in files] + [_set(config) for config in configs],
        "recordSet": [_records(config) for config in configs],
    }


def _file(folder: Path, file: Path) -> dict[str, Any]:
    place = str(file.relative_to(folder))
    return {
        "@type": "cr:FileObject", "@id": place, "name": place, "contentUrl": place,
        "contentSize": f"{file.stat().st_size} B", "encodingFormat": PARQUET, "sha256": file_digest(file),
    }  # fmt: skip


def _paths(config: Configuration) -> list[str]:
    """Patterns of all files, each file by one of them."""
    whole = next((part for part in config.splits if len({*part.files}) == len({f for p in config.splits for f in p.files})), None)
    return list(whole.paths) if whole else [path for part in config.splits for path in part.paths]


def _set(config: Configuration) -> dict[str, Any]:
    name = f"{config.name}-files"
    return {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": PARQUET, "includes": _paths(config)}


def _records(config: Configuration) -> dict[str, Any]:
    columns = [field for field in config.schema if _scalar(_inner(field.type))]
    folders = {path.rsplit("/", 1)[0] for path in _paths(config)}
    fields = [_field(config.name, column) for column in columns]
    if len(folders) > 1 or config.splits[0].name in next(iter(folders)):
        fields.insert(0, _split(config))
    key = {"key": {"@id": f"{config.name}/id"}} if "id" in config.schema.names else {}
    return {"@type": "cr:RecordSet", "@id": config.name, "name": config.name, **key, "field": fields}


def _split(config: Configuration) -> dict[str, Any]:
    """Where the last folder of a file's path is its split."""
    return {
        "@type": "cr:Field",
        "@id": f"{config.name}/of_split",
        "name": "of_split",
        "dataType": ["sc:Text", "cr:Split"],
        "source": {
            "fileSet": {"@id": f"{config.name}-files"},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": r"^.*/([^/]+)/[^/]+\.parquet$"},
        },
    }


def _inner(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_list(kind) else kind


def _scalar(kind: pa.DataType) -> str | None:
    tests = {"sc:Boolean": pa.types.is_boolean, "sc:Integer": pa.types.is_integer, "sc:Float": pa.types.is_floating}
    found = next((name for name, test in tests.items() if test(kind)), None)
    return found or ("sc:Text" if pa.types.is_string(kind) else None)


def _field(config: str, column: pa.Field) -> dict[str, Any]:
    several = {"isArray": True, "arrayShape": "-1"} if pa.types.is_list(column.type) else {}
    return {
        "@type": "cr:Field", "@id": f"{config}/{column.name}", "name": column.name, "dataType": _scalar(_inner(column.type)),
        **several, "source": {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": column.name}},
    }  # fmt: skip


def check_croissant(path: Path, rows: dict[str, int]) -> list[str]:
    """What is wrong with a description: it does not validate, or a record set does not load as many rows as its files hold.

    rows: of the record sets that are loaded.
    """
    import contextlib
    import io
    import logging

    try:
        import mlcroissant
    except ImportError:
        raise KitError("releases are checked by mlcroissant: pip install 'knowledge-injection-kit[publish]'") from None
    found: list[str] = []
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            data = mlcroissant.Dataset(str(path))
        found += [line.strip() for line in log.getvalue().splitlines() if "WARNING" in line or "rror" in line]
        for name, expected in rows.items():
            count = sum(1 for _ in data.records(name))
            if count != expected:
                found.append(f"its record set {name} loads {count} rows of {expected}")
    except (mlcroissant.ValidationError, ValueError, KeyError, OSError) as error:
        found.append(f"it does not validate: {' '.join(str(error).split())[:300]}")
    finally:
        logging.getLogger().removeHandler(handler)
    return found
