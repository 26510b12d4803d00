from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.app.applied import Applied
from surveil.app.configured import model_of
from surveil.app.workspace import Workspace
from surveil.config.camera import Camera, Input
from surveil.config.edit import ConfigEditor
from surveil.config.load import parse_config
from surveil.config.models import Thresholds
from surveil.errors import ConfigError, ModelError, UsageError
from surveil.redact import Redactor


class Session:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.configs: dict[str, Any] = {}
        self.broken_model = False

    def add(self, config: Any) -> None:
        self.told.append(f"add {config.id}")
        self.configs[config.id] = config

    def change(self, config: Any) -> None:
        self.told.append(f"change {config.id}")
        self.configs[config.id] = config

    def remove(self, camera_id: str) -> None:
        self.told.append(f"remove {camera_id}")
        del self.configs[camera_id]

    def states(self) -> dict[str, Any]:
        return {name: SimpleNamespace(name="live") for name in self.configs}

    def use_ladder(self, ladder: Any) -> None:
        pass

    def set_model(self, model: str | None) -> None:
        if self.broken_model:
            raise ModelError("no such model")
        self.told.append("set_model")


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def workspace(tmp_path: Path, session: Session) -> Workspace:
    """Of a file that is not there yet."""
    path = tmp_path / "config" / "surveil.yaml"
    loaded = parse_config(b"", path)
    table = SimpleNamespace(model=model_of(loaded), labels=frozenset({"person", "car"}))
    table.use = lambda model: setattr(table, "model", model)
    applied = Applied(session, table, os.environ, Redactor())  # type: ignore[arg-type]
    return Workspace(path, loaded, applied)


def camera(camera_id: str, **more: Any) -> Camera:
    return Camera(id=camera_id, inputs=(Input(url=f"rtsp://10.0.0.7/{camera_id}"),), **more)


def settle(workspace: Workspace) -> None:
    """A change by hand is told at the second look, when it has settled."""
    workspace.look()


def test_the_first_camera_makes_the_file(workspace, session):
    snapshot = workspace.add(camera("door"))
    assert [one.id for one in snapshot.cameras] == ["door"]
    assert session.told == ["add door"]
    assert workspace.path.stat().st_mode & 0o077 == 0
    assert "rtsp://10.0.0.7/door" in workspace.path.read_text()


def test_changes_keep_comments_and_touch_one_camera_alone(workspace, session):
    workspace.add(camera("door"))
    workspace.add(camera("yard"))
    path = workspace.path
    path.write_text(path.read_text() + "# mine\n")
    session.told.clear()
    workspace.change(camera("yard", name="Yard", decode="cpu"))
    assert session.told == ["change yard"]
    assert "# mine" in path.read_text()
    assert "name: Yard" in path.read_text()
    workspace.change(camera("yard"))
    assert "name:" not in path.read_text()


def test_order_copy_switch_and_removal(workspace, session):
    for name in ("a", "b", "c"):
        workspace.add(camera(name))
    assert [one.id for one in workspace.order(["c", "a"]).cameras] == ["c", "a", "b"]
    copied = workspace.duplicate("a").cameras
    assert [one.id for one in copied] == ["c", "a", "a-2", "b"]
    assert (copied[2].title, copied[2].enabled) == ("a (2)", False)
    assert workspace.enable("a", False).camera("a").enabled is False
    assert [one.id for one in workspace.remove("c").cameras] == ["a", "a-2", "b"]
    assert "remove c" in session.told


def test_nonsense_written_by_hand_is_said_once_and_the_former_goes_on(workspace, session):
    workspace.add(camera("door"))
    good = workspace.path.read_text()
    session.told.clear()
    workspace.path.write_text(good + "camras: []\n")
    settle(workspace)
    broken = workspace.look()
    assert "did you mean 'cameras'" in str(broken.broken[0])
    assert [one.id for one in broken.cameras] == ["door"]
    assert session.told == []
    assert workspace.look() is None
    with pytest.raises(ConfigError):
        workspace.add(camera("yard"))  # mend it first: nobody's changes are lost
    workspace.path.write_text(good.replace("/door", "/door2"))
    settle(workspace)
    assert workspace.look().broken == ()
    assert session.told == ["change door"]


def test_what_the_window_writes_is_no_news(workspace):
    workspace.add(camera("door"))
    settle(workspace)
    assert workspace.look() is None


def test_a_camera_whose_variable_is_not_set_fails_alone(workspace, session):
    workspace.add(camera("door"))
    snapshot = workspace.add(Camera(id="yard", inputs=(Input(url="${SURVEIL_TEST_YARD}"),)))
    assert list(snapshot.failed) == ["yard"]
    assert "SURVEIL_TEST_YARD" in snapshot.failed["yard"].reason
    assert list(session.configs) == ["door"]


def test_a_model_that_cannot_be_used_is_noted_once(workspace, session):
    session.broken_model = True
    workspace.path.parent.mkdir()
    workspace.path.write_text("version: 1\nmodel: {name: nothing}\n")
    settle(workspace)
    assert any("no such model" in note for note in workspace.look().notes)
    assert not any("no such model" in note for note in workspace.add(camera("door")).notes)


def test_a_camera_that_is_gone_cannot_be_changed(workspace):
    workspace.add(camera("door"))
    with pytest.raises(UsageError, match="any more"):
        workspace.change(camera("yard"))


def detect_with(workspace: Workspace, **values: Any) -> None:
    def change(editor: ConfigEditor) -> None:
        for key, value in values.items():
            editor.set(("model", key), value)

    workspace.edit(change)


def test_another_model_takes_the_settings_of_the_one_before_along(workspace: Workspace) -> None:
    detect_with(workspace, name="mobilenetv2-gfl-416", threads=2, input_size_px=(416, 416))
    workspace.path.write_text(workspace.path.read_text().replace("threads: 2", "threads: 2  # few"))
    workspace.use_model("mobilenetv2-gfl-320")
    text = workspace.path.read_text()
    assert "name: mobilenetv2-gfl-320" in text
    assert "threads: 2  # few" in text
    assert "input_size_px" not in text


def test_a_model_that_cannot_be_used_is_not_kept(workspace: Workspace, session: Session) -> None:
    detect_with(workspace, name="mobilenetv2-gfl-416", input_size_px=(416, 416))
    session.broken_model = True
    with pytest.raises(ModelError, match="no such model"):
        workspace.use_model("mobilenetv2-gfl-320")
    model = workspace.loaded.config.model
    assert (model.name, model.input_size_px) == ("mobilenetv2-gfl-416", (416, 416))
    with pytest.raises(ModelError, match="unknown model"):
        workspace.use_model("mobilenet")


def test_thresholds_are_kept_and_let_go(workspace: Workspace) -> None:
    workspace.use_thresholds(Thresholds(birth=0.8))
    assert workspace.loaded.config.model.thresholds.birth == 0.8
    workspace.use_thresholds(Thresholds())
    assert "thresholds" not in workspace.path.read_text()
