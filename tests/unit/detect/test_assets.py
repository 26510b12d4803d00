from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from surveil.detect.assets import (
    DEFAULT_CPU_MODEL,
    DEFAULT_MODEL,
    default_model,
    find_model,
    list_models,
    model_folders,
)
from surveil.errors import ModelError
from tests.support.onnx_models import colour_card, colour_model


def _named(folder: Path, name: str, content: bytes = b"model") -> Path:
    """A model file with a card; finding models reads no graph."""
    path = folder / f"{name}.onnx"
    path.write_bytes(content)
    colour_card(path, name=name).save(path.with_suffix(".json"))
    return path


def test_finds_by_path_with_the_card_beside_it(tmp_path: Path) -> None:
    path = colour_model(tmp_path)
    found = find_model(str(path))
    assert (found.path, found.card.name) == (path, "colours")


def test_finds_by_path_with_another_card(tmp_path: Path) -> None:
    path = _named(tmp_path, "a")
    card = path.with_suffix(".json").rename(tmp_path / "elsewhere.json")
    assert find_model(str(path), card).card.name == "a"


def test_finds_by_name_in_the_first_folder_that_has_it(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    own.mkdir()
    shipped.mkdir()
    _named(shipped, "a")
    _named(shipped, "b")
    mine = _named(own, "a", b"another")
    assert find_model("a", folders=(own, shipped)).path == mine
    assert find_model("b", folders=(own, shipped)).path == shipped / "b.onnx"
    assert [model.card.name for model in list_models((own, shipped))] == ["a", "b"]


@pytest.mark.parametrize(
    ("device", "driver", "name"),
    [
        ("cpu", "libcuda.so.1", DEFAULT_CPU_MODEL),
        ("auto", None, DEFAULT_CPU_MODEL),
        ("auto", "libcuda.so.1", DEFAULT_MODEL),
        ("cuda:1", None, DEFAULT_MODEL),
    ],
)
def test_without_a_name_it_is_the_default_of_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, driver: str | None, name: str
) -> None:
    paths = {each: _named(tmp_path, each) for each in (DEFAULT_MODEL, DEFAULT_CPU_MODEL)}
    monkeypatch.setattr("surveil.detect.assets.cuda_driver", lambda: driver)
    assert default_model(device) == name
    assert find_model(None, folders=(tmp_path,), device=device).path == paths[name]


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    _named(tmp_path, "mobilenet")
    with pytest.raises(
        ModelError, match=r"unknown model 'mobilnet': did you mean 'mobilenet'\? known: mobilenet"
    ):
        find_model("mobilnet", folders=(tmp_path,))
    with pytest.raises(ModelError, match="known: none"):
        find_model("mobilenet", folders=(tmp_path / "nowhere",))


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        find_model(str(tmp_path / "none.onnx"))
    with pytest.raises(ModelError, match=r"expected the name of a model, or an \.onnx or \.pt2 file"):
        find_model("weights.pt")
    with pytest.raises(ModelError, match=r"expected the name of a model, or an \.onnx or \.pt2 file"):
        find_model("../../etc/passwd", folders=(tmp_path,))


def test_a_missing_card_is_said(tmp_path: Path) -> None:
    path = _named(tmp_path, "a")
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"its card .*a\.json is missing: .* name it with --card"):
        find_model(str(path))


def test_a_card_without_its_model_is_said(tmp_path: Path) -> None:
    _named(tmp_path, "a").unlink()
    with pytest.raises(ModelError, match=r"a\.onnx: no such model file"):
        find_model("a", folders=(tmp_path,))


def test_another_file_than_the_card_names_is_refused(tmp_path: Path) -> None:
    path = _named(tmp_path, "a")
    path.write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"its sha256 is .* belongs to a file with"):
        find_model(str(path))


def test_the_users_own_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr("surveil.detect.assets.assets_dir", lambda: tmp_path / "shipped")
    assert model_folders() == (tmp_path / "models", tmp_path / "shipped" / "models")
