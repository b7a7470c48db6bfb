"""How a sweep's file is read back, and what its parts are called."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import pytest

from kit.core import experiment
from kit.core.errors import KitError


def test_names_are_as_told() -> None:
    assert doctest.testmod(experiment) == (0, 2)


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"finished": False})])
def test_what_is_unfinished_or_damaged_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(KitError, match="holds no finished sweep"):
        experiment.read_experiment(tmp_path)
    (tmp_path / experiment.EXPERIMENT).write_text(text)
    with pytest.raises(KitError, match="no finished sweep" if "false" in text else "damaged or of another kit"):
        experiment.read_experiment(tmp_path)
