"""One tree, and the exit code of each branch."""

from __future__ import annotations

import inspect

import pytest

from surveil import errors

EXIT_CODES = {
    errors.SurveilError: 1,
    errors.UsageError: 2,
    errors.DataError: 2,
    errors.ConfigError: 2,
    errors.SourceError: 3,
    errors.ModelError: 4,
    errors.DeviceError: 4,
    errors.OutputError: 1,
    errors.RegressionError: 5,
    errors.StuckThreadError: 1,
}


@pytest.mark.parametrize("kind", EXIT_CODES)
def test_exit_codes(kind: type[errors.SurveilError]) -> None:
    assert kind.exit_code == EXIT_CODES[kind]


def test_every_error_is_in_the_tree_and_in_its_drawing() -> None:
    kinds = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)}
    assert kinds == set(EXIT_CODES)
    drawing = errors.__doc__ or ""
    assert [kind.__name__ for kind in kinds if kind.__name__ not in drawing] == []
    assert all(issubclass(kind, errors.SurveilError) for kind in kinds)


def test_a_data_error_is_a_value_error() -> None:
    assert issubclass(errors.DataError, ValueError)


def test_a_source_error_says_cause_and_remedy() -> None:
    error = errors.SourceError("rtsp://cam: refused", errors.SourceCause.REFUSED, "Is the camera on?")
    assert str(error) == "rtsp://cam: refused. Is the camera on?"
    assert (error.cause, error.remedy) == ("refused", "Is the camera on?")
    assert str(errors.SourceError("gone", errors.SourceCause.ENDED)) == "gone"
