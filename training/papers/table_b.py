"""Paper B's ablation by groups, and whether the paper's reason for SiLU is true.

The paper says that ReLU6's gradients vanish under the 2:4 mask and SiLU's do not, and never measures it: the
table of activations does, with all else alike.
"""

from training.papers.rows import Row, Table
from training.recipes.paper_b import (
    GROUPS,
    TEACHER,
    activation_row,
    on_coco,
    small,
    small_teacher,
    with_teacher,
)

ACTIVATIONS = ("relu6", "mish", "silu")
WORDS = {
    1: "Lite0, 320, ReLU6, GFL v1",
    2: "Lite1, 416, Mish, GFL v1",
    3: "Lite1, 416, SiLU, GFL v1",
    4: "Lite1, 416, SiLU, GFL v2, pruned to 2:4",
}
STANDS = (
    "The data at hand. The detection-tuned MobileNetV2 stands for EfficientNet-Lite in all rows, with the "
    "row's activation above stride 8; it began with ReLU6, so compare an activation's rows with each other."
)


def groups(*, full: bool) -> Table:
    """Groups 1 to 5, and the teacher of the fifth."""
    make, suffix = (on_coco, "") if full else (small, "-small")
    words = WORDS if full else {number: text.split(", ", 1)[1] for number, text in WORDS.items()}
    rows = [
        Row(
            name=f"group{number}",
            text=words[number],
            recipe=make(f"paper-b-group{number}{suffix}", group),
            against=f"group{number - 1}" if number > 1 else "",
            precision="float32" if full and number < 3 else "",
        )
        for number, group in GROUPS.items()
    ]
    taught = with_teacher(make(f"paper-b-group5{suffix}", GROUPS[4]))
    teacher = on_coco("paper-b-teacher", TEACHER) if full else small_teacher("paper-b-teacher-small")
    rows += [
        Row(
            name="teacher",
            text="Lite2, 416, SiLU, GFL v2" if full else "group 4 dense, with twice its neck and head",
            recipe=teacher,
        ),
        Row(
            name="group5",
            text="group 4 taught by it: localization and classes",
            recipe=taught,
            against="group4",
            teacher="teacher",
        ),
    ]
    return Table(
        name="b",
        title="Paper B, groups 1 to 5" + ("" if full else ", small budget"),
        about=(
            "COCO, 80 classes, from timm's starts."
            if full
            else f"{STANDS} No dense teacher, float32. Groups differ in more than a step: read each against "
            "the one before."
        ),
        rows=tuple(rows),
        dead=True,
    )


def activations(*, full: bool) -> Table:
    """{ReLU6, Mish, SiLU} x {dense, 2:4}: each activation's sparse row against its dense one."""
    rows = []
    for act in ACTIVATIONS:
        rows.append(Row(name=act, text=f"{act}, dense", recipe=activation_row(act, sparse=False, full=full)))
        sparse = activation_row(act, sparse=True, full=full)
        rows.append(Row(name=f"{act}-2to4", text=f"{act}, 2:4", recipe=sparse, against=act))
    return Table(
        name="activations",
        title="Activations under the 2:4 mask" + ("" if full else ", small budget"),
        about=("Lite0." if full else STANDS)
        + " 320 x 320, GFL v1; dense and sparse rows see as many pictures.",
        rows=tuple(rows),
        dead=True,
    )
