"""Cards for the two public COCO detectors of the shared folder, which are peers and not shipped."""

from __future__ import annotations

from pathlib import Path

from surveil.detect.card import InputSpec, ModelCard, Thresholds, sha256_of
from surveil.labels import LabelMap

_NAMES = """
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant,
stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe,
backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite,
baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork,
knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake,
chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard,
cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear,
hair drier, toothbrush
"""

COCO_80 = LabelMap("coco-80", tuple(name.strip() for name in _NAMES.split(",")))
"""COCO's 80 classes in its order, without gaps."""

NANODET_FILE = "nanodet_plus_m_416.onnx"
PICODET_FILE = "picodet_s_416_coco.onnx"


def nanodet_card(onnx: Path, folder: Path) -> Path:
    """Write the card of NanoDet-Plus-m 416 for `onnx` into `folder`; returns its path."""
    spec = InputSpec(
        shapes=((416, 416),),
        layout="NCHW",
        dtype="float32",
        channels="BGR",
        mean=(103.53, 116.28, 123.675),
        std=(57.375, 57.12, 58.395),
        resize="stretch",
    )
    cut = Thresholds(low=0.3, high=0.5, birth=0.55, display=0.5)
    return _write(onnx, folder, "nanodet-plus-m-416", "nanodet", spec, cut, "NanoDet")


def picodet_card(onnx: Path, folder: Path) -> Path:
    """Write the card of PicoDet-S 416 for `onnx` into `folder`; returns its path."""
    spec = InputSpec(
        shapes=((416, 416),),
        layout="NCHW",
        dtype="float32",
        channels="RGB",
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        resize="stretch",
        interpolation="cubic",
    )
    cut = Thresholds(low=0.3, high=0.5, birth=0.55, display=0.5)
    return _write(onnx, folder, "picodet-s-416", "picodet", spec, cut, "PaddleDetection")


def _write(
    onnx: Path, folder: Path, name: str, output: str, spec: InputSpec, cut: Thresholds, maker: str
) -> Path:
    card = ModelCard(
        name=name,
        file=onnx.name,
        sha256=sha256_of(onnx),
        licence="Apache-2.0",
        credits=(maker,),
        labels=COCO_80,
        input=spec,
        output=output,
        nms_iou=0.6,
        thresholds=cut,
        measured={},
        training={},
    )
    path = folder / f"{onnx.stem}.json"
    card.save(path)
    return path
