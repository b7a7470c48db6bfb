"""Strict configuration: TOML presets or files, `-o a.b=value` overrides, and errors that name the nearest right key."""

from __future__ import annotations

import contextlib
import json
import tomllib
import typing
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kit.core.errors import KitError, nearest


class Config(BaseModel):
    """Base of every configuration: unknown keys are errors, values are not coerced, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def expanded(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Parsed settings with what some of them stand for in their place."""
        return data


C = TypeVar("C", bound=Config)


def preset_names() -> list[str]:
    """The presets that ship with kit (`kit/presets/*.toml`)."""
    return sorted(p.name.removesuffix(".toml") for p in resources.files("kit.presets").iterdir() if p.name.endswith(".toml"))


def read_preset(name: str) -> dict[str, Any]:
    """The settings of a preset. Raises KitError for an unknown name."""
    if name not in preset_names():
        raise KitError(f"unknown preset {name}; {nearest(name, preset_names())}")
    return _extended(tomllib.loads(resources.files("kit.presets").joinpath(f"{name}.toml").read_text("utf-8")), f"preset {name}")


def read_config_file(path: Path) -> dict[str, Any]:
    """A TOML file, or the JSON of a resolved configuration. Raises KitError for anything else.

    What begins with `extends = "preset"` holds what differs from that preset: its tables are laid over the preset's, key by key;
    lists of tables, such as `[[claims]]`, are added to those there; other values take their place. `without` names what is left
    out first (`["claims", "arms.none"]`).
    """
    try:
        text = path.read_text("utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise KitError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KitError(f"{path} is not UTF-8 text: save it as UTF-8") from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise KitError(f"{path} is not valid {'JSON' if path.suffix == '.json' else 'TOML'}: {error}") from None
    if not isinstance(data, dict):
        raise KitError(f"{path} must hold a table of settings, not a {type(data).__name__}")
    return _extended(data, str(path))


def _extended(data: dict[str, Any], where: str) -> dict[str, Any]:
    """Settings over those of the preset that they name. Raises KitError where they name none that there is, or leave out what it
    does not have."""
    name, without = data.pop("extends", None), data.pop("without", None)
    if name is None and without is not None:
        raise KitError(f"{where}: without says what is left out of the preset that extends names: give both")
    if name is None:
        return data
    if name not in preset_names():
        raise KitError(f"{where}: extends: unknown preset {name}; {nearest(str(name), preset_names())}")
    without = [] if without is None else without
    if not (isinstance(without, list) and all(isinstance(key, str) for key in without)):
        raise KitError(f'{where}: without must be a list of keys, as ["claims", "arms.none"]')
    base = read_preset(name)
    for key in without:
        *parents, last = key.split(".")
        table: Any = base
        for parent in parents:
            table = table.get(parent) if isinstance(table, dict) else None
        if not isinstance(table, dict) or last not in table:
            raise KitError(f"{where}: without: preset {name} has no {key}")
        del table[last]
    return _laid_over(base, data)


def _laid_over(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Tables key by key, lists of tables one after the other, everything else whole."""
    laid = {**base, **own}
    for key in base.keys() & own.keys():
        there, new = base[key], own[key]
        if isinstance(there, dict) and isinstance(new, dict):
            laid[key] = _laid_over(there, new)
        elif isinstance(there, list) and isinstance(new, list) and new and all(isinstance(each, dict) for each in (*there, *new)):
            laid[key] = [*there, *new]
    return laid


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """`data` with each `a.b=value` set. Values are JSON where they parse (1e-5, true, [0,10]), else TOML ({a=1}), else text.

    Raises KitError when an override is no `key=value`, or begins like a list or a table and is neither JSON nor TOML.

    >>> apply_overrides({"train": {"lr": 1.0}}, ["train.lr=1e-5", "name=x"])
    {'train': {'lr': 1e-05}, 'name': 'x'}
    """
    result: dict[str, Any] = json.loads(json.dumps(data))
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise KitError(f"-o {override}: write it as key=value, for example -o train.lr=1e-5")
        value = _value(override, text)
        node = result
        *parents, last = key.split(".")
        for parent in parents:
            if node.get(parent) is None:  # also a table that a saved configuration leaves out
                node[parent] = {}
            child = node[parent]
            if not isinstance(child, dict):
                raise KitError(f"-o {override}: {parent} is a value, not a table")
            node = child
        node[last] = value
    return result


def _value(override: str, text: str) -> object:
    with contextlib.suppress(json.JSONDecodeError):
        return json.loads(text)
    if not text.startswith(("[", "{")):
        return text
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError as error:
        raise KitError(f"-o {override}: neither JSON nor TOML ({error})") from None


def _models_in(hint: Any) -> list[type[BaseModel]]:
    """The tables that a type may hold: itself, of a union, or in a list or a dictionary."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [hint]
    return [model for part in typing.get_args(hint) for model in _models_in(part)]


def _fields_at(config: type[Config], path: Sequence[str | int]) -> list[str]:
    """Names of the fields a table at `path` may hold; empty when the path leads to no table."""
    here: list[type[BaseModel]] = [config]
    for part in path:
        if within := [m.model_fields[str(part)].annotation for m in here if str(part) in m.model_fields]:
            here = [model for hint in within for model in _models_in(hint)]
        elif tagged := [
            m for m in here if "kind" in m.model_fields and part in typing.get_args(m.model_fields["kind"].annotation)
        ]:
            here = tagged
        # Else the number of an item, or a name of one's own, among tables of one form.
    return [name for model in here for name in model.model_fields]


def resolve(config: type[C], data: dict[str, Any]) -> C:
    """A validated `config` from parsed settings. Raises KitError, one line, for the first thing wrong."""
    try:
        return config.model_validate_json(json.dumps(config.expanded(data)))
    except TypeError as error:
        raise KitError(f"a value is no text, number, list or table ({error}): write dates and times in quotes") from None
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            *parents, last = first["loc"]
            raise KitError(f"unknown key {path}; {nearest(str(last), _fields_at(config, parents))}") from None
        if first["type"] == "missing":
            raise KitError(f"missing key {path}") from None
        said = first["msg"].removeprefix("Value error, ")
        got = "" if first["type"] == "value_error" else f" (got {json.dumps(first['input'], default=str)[:80]})"
        raise KitError(f"{path}: {said}{got}" if path else said) from None


def dump(config: BaseModel) -> dict[str, Any]:
    """The resolved configuration as plain JSON-representable data; `resolve` reads it back."""
    result: dict[str, Any] = config.model_dump(mode="json")
    return result
