"""The commands `evaluate` and `failures`: they judge any model that has a card, and need no recipe."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveil.errors import OutputError
from training.errors import ConfigError

if TYPE_CHECKING:
    from training.evaluate.judge import JudgeConfig, Judged


def add_commands(commands: Any) -> None:
    """Add both to argparse's `commands`."""
    judged = argparse.ArgumentParser(add_help=False)
    judged.add_argument("--model", type=Path, required=True, metavar="FILE.onnx")
    judged.add_argument(
        "--card", type=Path, metavar="FILE.json", help="the model's card (default: beside the model)"
    )
    judged.add_argument(
        "--annotations", type=Path, required=True, metavar="FILE.json", help="COCO format; `labelled` is read"
    )
    judged.add_argument(
        "--images", type=Path, nargs="+", required=True, metavar="PLACE", help="folders and tars of pictures"
    )
    judged.add_argument(
        "--input-size", type=size, metavar="WxH", help="size of the model's input (default: the card's first)"
    )
    judged.add_argument(
        "--classes",
        metavar="A,B,…",
        help="classes to judge (default: surveil's six where the model knows them, else all of its own)",
    )
    judged.add_argument("--device", default="cpu", help="auto, cpu (default), cuda or cuda:N")
    judged.add_argument(
        "--runtime",
        default="onnxruntime",
        help="onnxruntime (default), openvino, torch or auto, as in surveil",
    )
    text = "COCO's twelve figures of an exported model, each class on the images that label it"
    evaluate = commands.add_parser("evaluate", help=text, description=text, parents=[judged])
    evaluate.add_argument(
        "--source",
        action="append",
        metavar="PREFIX",
        help="judge the images whose source begins so by themselves, too; may be repeated (default: coco_)",
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    evaluate.add_argument("--results", type=Path, metavar="FILE", help="write the detections as COCO results")
    evaluate.add_argument("--plots", type=Path, metavar="DIR", help="draw precision-recall and calibration")
    evaluate.set_defaults(run=run_evaluate)
    text = "the false and missed boxes of an exported model, sorted by kind, counted and drawn"
    failures = commands.add_parser("failures", help=text, description=text, parents=[judged])
    failures.add_argument(
        "--score", type=float, help="boxes from this score on count (default: the card's display threshold)"
    )
    failures.add_argument(
        "--page", type=Path, metavar="FILE.md", help="put the tables between the marks of this page as well"
    )
    failures.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="failures.json, failures.md, contact sheets"
    )
    failures.set_defaults(run=run_failures)


def size(text: str) -> tuple[int, int]:
    """(height, width) of WIDTHxHEIGHT; argparse reports the ArgumentTypeError.

    >>> size("416x256")
    (256, 416)
    """
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 416x256, got {text!r}")
    return int(height), int(width)


def run_evaluate(options: argparse.Namespace) -> None:
    """Judge, print the tables, write what was asked for."""
    from training.evaluate.judge import size_name
    from training.evaluate.plots import draw_plots

    config = config_of(options, tuple(options.source or ("coco_",)))
    judged = judge_of(options, config)
    sys.stdout.write(judged.table() + "\n")
    if options.json:
        _save(options.json, json.dumps(judged.to_json(config), indent=1))
    if options.results:
        _save(options.results, json.dumps(judged.results))
    if options.plots:
        title = f"{judged.model.card.name} at {size_name(judged.shape)}"
        draw_plots(judged.evaluation, title, options.plots)


def run_failures(options: argparse.Namespace) -> None:
    """Sort and draw what the model gets wrong."""
    from training.evaluate.failures import sort_failures
    from training.evaluate.mistakes import FailureConfig
    from training.evaluate.page import failures_page, filled
    from training.evaluate.sheets import draw_sheets

    judged = judge_of(options, config_of(options, ()))
    score = judged.model.card.thresholds.display if options.score is None else options.score
    if not 0 < score < 1:
        raise ConfigError(f"--score must lie between 0 and 1, got {score:g}")
    failures = sort_failures(judged, options.images, FailureConfig(score=score))
    report = failures.to_json()
    page = failures_page(report)
    if options.page:
        _save(options.page, filled(options.page, page))
    _save(options.out / "failures.json", json.dumps(report))
    _save(options.out / "failures.md", page)
    sheets = draw_sheets(failures, options.images, options.out)
    sys.stdout.write(page)
    sys.stderr.write(f"{len(sheets)} contact sheets in {options.out}\n")


def config_of(options: argparse.Namespace, sources: tuple[str, ...]) -> JudgeConfig:
    """What the options ask for."""
    from training.evaluate.judge import JudgeConfig

    classes = [name.strip() for name in options.classes.split(",")] if options.classes else None
    return JudgeConfig(
        shape=options.input_size,
        classes=tuple(classes) if classes else None,
        sources=sources,
        device=options.device,
        runtime=options.runtime,
    )


def judge_of(options: argparse.Namespace, config: JudgeConfig) -> Judged:
    """Judge the model of the options."""
    from training.evaluate.judge import judge
    from training.evaluate.truth import load_truth

    return judge(options.model, options.card, load_truth(options.annotations), options.images, config)


def _save(path: Path, text: str) -> None:
    """Write a file and its folder. Raises OutputError."""
    from training.files import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    write_whole(path, text.encode())
