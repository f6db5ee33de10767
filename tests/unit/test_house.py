"""The house keeps its own rules: the front door, the tree of errors, the size of rooms."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import weighbridge
from weighbridge import errors

SOURCE = Path(weighbridge.__file__).parent


def test_the_front_door_hands_out_what_it_names() -> None:
    """Every name of `__all__` loads, and nothing else does."""
    for name in weighbridge.__all__:
        assert getattr(weighbridge, name) is not None
    with pytest.raises(AttributeError):
        weighbridge.no_such_name  # noqa: B018 - asking is the test


def test_every_error_is_drawn_with_its_exit_code() -> None:
    """The picture at the top of `errors` is the tree itself."""
    drawn = str(errors.__doc__)
    for name, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, errors.WeighbridgeError):
            assert name in errors.__all__
            (line,) = [
                row for row in drawn.splitlines() if row.split() and row.split()[-1] != "." and name in row.split()
            ]
            if "exit code" in line:
                assert line.endswith(str(error.exit_code))
            else:
                parent = error.__mro__[1]
                assert issubclass(parent, errors.WeighbridgeError)
                assert error.exit_code == parent.exit_code


def test_files_stay_short() -> None:
    """No file of the package is longer than 320 lines: 300, and a little grace."""
    long = {path.name: n for path in SOURCE.rglob("*.py") if (n := len(path.read_text().splitlines())) > 320}
    assert long == {}
