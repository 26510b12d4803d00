"""`surveil run`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveil.app.options import OutputOptions, RunOptions
from surveil.cli import options as shared
from surveil.cli.execute import execute
from surveil.cli.launch import setup_logging
from surveil.errors import UsageError

DEFAULT_FOLDER = Path("surveil-out")

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE", help="Files, folders, patterns, cams.txt, rtsp://…, 0, /dev/video0, test://street."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="PATH", help="Annotated video, or folder of them. [surveil-out/NAME.mp4]"),
]
Jsonl = Annotated[
    str | None, typer.Option("--jsonl", metavar="FILE|-", help="Tracks as JSON Lines; - is standard output.")
]
Mot = Annotated[
    Path | None, typer.Option("--mot", metavar="FILE", help="Tracks as MOT text, or folder of them.")
]
SaveDetections = Annotated[
    Path | None, typer.Option("--save-detections", metavar="FILE", help="What was detected, as JSON Lines.")
]
Detections = Annotated[
    Path | None, typer.Option("--detections", metavar="FILE", help="Saved detections instead of a model.")
]
Start = Annotated[
    float, typer.Option("--start", min=0, metavar="S", help="Begin at this second of a recording.")
]
End = Annotated[
    float | None,
    typer.Option("--end", min=0, metavar="S", help="End before it; cameras: watch for S seconds."),
]
Realtime = Annotated[
    bool, typer.Option("--realtime", help="Take recordings and scenes for cameras: pictures may be lost.")
]
Loop = Annotated[bool, typer.Option("--loop", help="With --realtime: again and again, until Ctrl-C.")]
AllStates = Annotated[
    bool, typer.Option("--all-states", help="Also tentative, lost and coasting tracks in the JSON Lines.")
]
NoVideo = Annotated[bool, typer.Option("--no-video", help="Write no video.")]

EXAMPLES = """\b
surveil run clip.mp4
surveil run clip.mp4 --no-video --jsonl - --classes person | jq .tracks
surveil run shots/*.mp4 --out annotated/ --mot tracks/
surveil run rtsp://user:password@10.0.0.7/stream1 --out door.mp4 --end 60
surveil run rtsp://10.0.0.7/stream1 --username admin --password keyring:door
surveil run test://street clip.mp4 --realtime --loop --no-video --jsonl -
surveil run clip.mp4 --model mine.onnx --card mine.json --every 3
"""


def run(
    sources: Sources,
    out: Out = None,
    jsonl: Jsonl = None,
    mot: Mot = None,
    save_detections: SaveDetections = None,
    detections: Detections = None,
    model: shared.Model = None,
    card: shared.Card = None,
    tracker: shared.Tracker = shared.TrackerName.SURVEIL,
    camera_motion: shared.Motion = shared.MotionName.AUTO,
    device: shared.Device = "auto",
    runtime: shared.Runtime = shared.RuntimeChoice.AUTO,
    input_size: shared.InputSize = None,
    classes: shared.Classes = None,
    min_score: shared.MinScore = None,
    every: shared.Every = 1,
    motion_gating: shared.Gating = False,
    start: Start = 0.0,
    end: End = None,
    username: shared.Username = None,
    password: shared.Password = None,
    rtsp_transport: shared.Transport = shared.TransportName.TCP,
    verify_tls: shared.VerifyTls = False,
    decode: shared.Decode = "auto",
    realtime: Realtime = False,
    loop: Loop = False,
    all_states: AllStates = False,
    no_video: NoVideo = False,
    verbose: shared.Verbose = False,
    quiet: shared.Quiet = False,
) -> None:
    """Detect and track; write annotated video and tracks.

    Recordings are processed one after the other, every frame of them; cameras side by side, newest frames
    only, until Ctrl-C. A folder or pattern of images is one recording of 10 pictures a second. With several
    sources --out and --mot are folders, --jsonl and --save-detections one file for all.
    """
    setup_logging(verbose=verbose, quiet=quiet)
    if no_video and out is not None:
        raise UsageError("--out names a video and --no-video wants none: leave one of them away")
    chosen = shared.model_options(
        model,
        card,
        device,
        runtime,
        input_size,
        tracker=tracker.value,
        camera_motion=camera_motion.value,
        classes=shared.split(classes),
        min_score=min_score,
        every=every,
        motion_gating=motion_gating,
        detections=detections,
    )
    execute(
        sources,
        RunOptions(
            model=chosen,
            output=OutputOptions(
                out=out,
                out_folder=DEFAULT_FOLDER if out is None and not no_video else None,
                mot=mot,
                jsonl="-" if jsonl == "-" else None if jsonl is None else Path(jsonl),
                save_detections=save_detections,
                all_states=all_states,
            ),
            camera=shared.camera_options(username, password, rtsp_transport, verify_tls),
            start_s=start,
            end_s=end,
            decode=decode,
            realtime=realtime,
            loop=loop,
        ),
        quiet=quiet,
    )
