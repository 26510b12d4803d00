"""The commands `gan` and `gan-paste`: samples of rare classes, and training pictures with them."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import ConfigError

if TYPE_CHECKING:
    from training.gan.judge import JudgeConfig


def add_commands(commands: Any) -> None:
    """Add both to argparse's `commands`."""
    text = "train a GAN on the crops of each class, draw samples, and say how many of them a detector finds"
    gan = commands.add_parser("gan", help=text, description=text)
    gan.add_argument("classes", metavar="CLASS[,CLASS]")
    gan.add_argument("--data", type=Path, required=True, metavar="DIR", help="train.json, val.json, pictures")
    gan.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a folder for each class comes there"
    )
    gan.add_argument("--budget", type=int, metavar="CROPS", help="crops to train on (default: 2000000)")
    gan.add_argument("--batch", type=int, metavar="CROPS", help="crops of a step (default: 64)")
    gan.add_argument("--width", type=int, help="channels of the widest maps' layer (default: 64)")
    gan.add_argument("--rate", type=float, help="learning rate (default: 0.0002)")
    gan.add_argument("--seed", type=int, help="of weights, order and samples (default: 1)")
    gan.add_argument(
        "--min-side", type=float, metavar="PX", help="smaller boxes are left out (default: longer side 32)"
    )
    gan.add_argument("--least", type=int, metavar="CROPS", help="fewer are refused (default: 200)")
    gan.add_argument(
        "--judge", metavar="MODEL", help="detector that judges samples; none: they are not judged"
    )
    gan.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    text = "a folder of training pictures with pasted samples, for `train --add`"
    pasted = commands.add_parser("gan-paste", help=text, description=text)
    pasted.add_argument("classes", metavar="CLASS[,CLASS]")
    pasted.add_argument("--data", type=Path, required=True, metavar="DIR", help="the real pictures")
    pasted.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to make")
    source = pasted.add_mutually_exclusive_group(required=True)
    source.add_argument("--gan", type=Path, metavar="DIR", help="what `gan` wrote: --out of that command")
    source.add_argument("--real", action="store_true", help="paste real crops instead, to compare")
    pasted.add_argument("--pictures", type=int, metavar="N", help="how many to make (default: 1000)")
    pasted.add_argument("--seed", type=int, help="of pictures, samples and places (default: 1)")


def add_pictures(shared: argparse.ArgumentParser) -> None:
    """The option of every recipe that joins such pictures."""
    text = "folders of further training pictures, as gan-paste makes them"
    shared.add_argument("--add", nargs="+", default=(), metavar="DIR", help=text)


def run(options: argparse.Namespace) -> None:
    """Carry out one of them."""
    if options.command == "gan":
        run_gan(options)
    else:
        run_paste(options)


def run_gan(options: argparse.Namespace) -> None:
    """Train and judge, class after class."""
    import torch  # the command line answers before torch is loaded

    from training.data.layout import find_split
    from training.files import write_whole
    from training.gan.crops import CropConfig, named_classes, read_crops
    from training.gan.judge import JudgeConfig, check_judge
    from training.gan.networks import NetworkConfig
    from training.gan.train import GanConfig, train_gan

    if options.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("no CUDA device here: leave --device out to train on the CPU")
    labels, split = named_classes(options.classes), find_split(options.data, "train")
    network = NetworkConfig(**given(width=options.width))
    config = GanConfig(
        network=network,
        **given(crops=options.budget, batch=options.batch, rate=options.rate, seed=options.seed),
    )
    judge = None if options.judge == "none" else JudgeConfig(**given(model=options.judge))
    if judge:
        check_judge(judge, labels)
    cut = CropConfig(side=network.side, **given(min_side=options.min_side, least=options.least))
    crops = {label: read_crops(split, label, cut) for label in labels}  # too few are said before any training
    for label in labels:
        weights = train_gan(crops[label], label, config, options.out / label, options.device)
        if judge:
            report = {
                "class": label,
                "crops": len(crops[label]),
                **judged(options.data, label, weights, judge),
            }
            write_whole(options.out / label / "report.json", json.dumps(report, indent=1).encode())
            sys.stdout.write(told(report) + "\n")


def judged(data: Path, label: str, weights: Path, config: JudgeConfig) -> dict[str, Any]:
    """What the detector finds of samples, and of real crops of the validation split."""
    from training.data.layout import find_split
    from training.gan.crops import CropConfig, read_crops
    from training.gan.judge import SampleJudge
    from training.gan.networks import load_generator
    from training.gan.patches import RealPatches
    from training.gan.samples import DrawnPatches

    generator, about = load_generator(weights)
    drawn, split = DrawnPatches(generator), find_split(data, "val")
    real = RealPatches(read_crops(split, label, CropConfig(side=generator.config.side, least=1)))
    judge = SampleJudge(split, label, config)
    try:
        found = {
            "samples": judge.judge(drawn, "samples").to_json(),
            "real": judge.judge(real, "real crops").to_json(),
        }
    finally:
        judge.close()
    score = round(judge.score, 3)
    return {**found, "readable": drawn.readable, "seen": about["seen"], "judge": config.model, "score": score}


def told(report: dict[str, Any]) -> str:
    """A report in one line."""
    samples, real = report["samples"], report["real"]
    return (
        f"{report['class']}: {report['judge']} (score {report['score']:g}) finds {samples['share']:.1%} of "
        f"{samples['pasted']} pasted samples, {real['share']:.1%} of {real['pasted']} pasted real crops, and "
        f"the class in {samples['bare']} of the same places with nothing pasted; {report['readable']:.1%} of "
        f"the samples have a readable box; trained on {report['seen']} views of {report['crops']} crops"
    )


def run_paste(options: argparse.Namespace) -> None:
    """Make a folder of pictures."""
    from training.data.layout import find_split
    from training.data.records import data_hash
    from training.gan.crops import CropConfig, named_classes, read_crops
    from training.gan.networks import load_generator
    from training.gan.paste import PasteConfig
    from training.gan.patches import Patches, RealPatches
    from training.gan.pictures import paste_pictures
    from training.gan.samples import DrawnPatches

    labels, split = named_classes(options.classes), find_split(options.data, "train")
    config = PasteConfig(**given(pictures=options.pictures, seed=options.seed))
    about: dict[str, Any] = {"paste": asdict(config), "data": data_hash(split.annotations)}
    patches: dict[str, Patches] = {}
    for label in labels:
        if options.real:
            patches[label] = RealPatches(read_crops(split, label, CropConfig(least=1)))
            about[label] = "real crops"
        else:
            weights = options.gan / label / "generator.safetensors"
            patches[label] = DrawnPatches(load_generator(weights)[0])
            about[label] = data_hash(weights)
    file = paste_pictures(split, patches, config, options.out, about)
    sys.stderr.write(f"{file}: train on it with --add {options.out}\n")


def given(**options: Any) -> dict[str, Any]:
    """The options that were given: the others keep their defaults.

    >>> given(seed=3, rate=None)
    {'seed': 3}
    """
    return {name: value for name, value in options.items() if value is not None}
