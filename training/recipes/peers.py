r"""What peers reach on the same validation images; the cards of our models show it beside their own figures.

The two at 416 were measured by this tool, through the application's detector and the cards in
`benchmarks/peers/`, on 21 November 2026:

  python -m training evaluate --model PEER.onnx --card benchmarks/peers/PEER.json \
      --annotations ../shared/data/detection/val.json --images ../shared/data/detection/val-0.tar

AP / AP50 in percent by the protocol of `training.evaluate.protocol`; `coco_` are the images of COCO alone.
"""

from typing import Any

PEERS: tuple[dict[str, Any], ...] = (
    {
        "name": "NanoDet-Plus-m 416",
        "AP": {
            "person": 40.4,
            "bicycle": 23.2,
            "car": 43.4,
            "motorcycle": 52.3,
            "bus": 66.3,
            "truck": 49.6,
            "mean": 50.4,
        },
        "AP50": {
            "person": 65.0,
            "bicycle": 38.0,
            "car": 56.7,
            "motorcycle": 78.4,
            "bus": 77.4,
            "truck": 59.7,
            "mean": 67.4,
        },
        "coco_": {
            "AP": {
                "person": 39.5,
                "bicycle": 23.2,
                "car": 27.3,
                "motorcycle": 18.0,
                "bus": 73.9,
                "truck": 4.8,
                "mean": 32.7,
            },
            "AP50": {
                "person": 64.2,
                "bicycle": 38.0,
                "car": 39.2,
                "motorcycle": 31.1,
                "bus": 88.6,
                "truck": 7.8,
                "mean": 46.2,
            },
        },
    },
    {
        "name": "PicoDet-S 416",
        "AP": {
            "person": 40.6,
            "bicycle": 21.9,
            "car": 44.7,
            "motorcycle": 49.9,
            "bus": 67.2,
            "truck": 54.8,
            "mean": 51.5,
        },
        "AP50": {
            "person": 64.9,
            "bicycle": 39.0,
            "car": 60.3,
            "motorcycle": 75.0,
            "bus": 77.6,
            "truck": 65.4,
            "mean": 68.6,
        },
        "coco_": {
            "AP": {
                "person": 40.1,
                "bicycle": 21.9,
                "car": 27.5,
                "motorcycle": 22.6,
                "bus": 71.4,
                "truck": 13.4,
                "mean": 35.0,
            },
            "AP50": {
                "person": 64.4,
                "bicycle": 39.0,
                "car": 42.8,
                "motorcycle": 35.1,
                "bus": 84.4,
                "truck": 17.4,
                "mean": 48.8,
            },
        },
    },
    {
        "name": "PicoDet-S 320 (the teacher of our views; not measured here)",
        "AP": {"person": 33.2, "car": 41.9, "motorcycle": 46.2, "bus": 62.9, "truck": 52.1, "mean": 47.3},
    },
)
