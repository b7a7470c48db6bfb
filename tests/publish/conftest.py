"""A loopback hub of each kind, and a small world with its release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import resolve
from kit.publish.config import PublishConfig
from kit.publish.release import make_release
from kit.publish.world import fill, render_world
from tests.publish.hub import REPO, Hub
from tests.publish.loopback import LoopbackHub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with LoopbackHub() as own:
        yield Hub(own, tmp_path)


@pytest.fixture(params=["lfs", "xet"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    with LoopbackHub(xet=tmp_path / "xet" if request.param == "xet" else None) as own:
        yield Hub(own, tmp_path)


@pytest.fixture(scope="session")
def tiny_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of a few entities, for what is done many times."""
    few = {"person": 10, "company": 4, "city": 4}
    config = {
        "world": {"relations": ["born_in", "works_for", "based_in"], "known": few, "blocks": 3, "novel": few},
        "questions": {"hops": 2, "limit": 20},
        "examples": {"count": 12, "weights": {"chain-1": 1, "chain-2": 1}},
        "documents": {"exposures": 4, "reading_worlds": 1},
        "probes": {"kinds": ["cloze"]},
    }
    return generate_stage(resolve(GenerateConfig, config), tmp_path_factory.mktemp("tiny") / "world")


@pytest.fixture(scope="session")
def folder(tiny_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its release."""
    out = tmp_path_factory.mktemp("release") / "tiny"
    config = PublishConfig(authors=("Ann Lee",), contact="ann@example.org")
    return make_release(tiny_dir, REPO, config, out, fill, render_world).folder
