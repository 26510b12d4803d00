"""Changing ruamel's tree of a file so that its comments stay where they are read.

ruamel hangs the lines of comment between two entries onto the one above. So what is removed hands them on to
the entry before it, and what is added at an end takes them over.
"""

from __future__ import annotations

import io
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.tokens import CommentToken
from ruamel.yaml.util import load_yaml_guess_indent

from surveil.config.reader import read_yaml

WIDTH = 4096  # no line is folded
_SLOT = {CommentedMap: 2, CommentedSeq: 0}  # where ruamel keeps the comment after an entry

Node = CommentedMap | CommentedSeq


def read_tree(text: str) -> CommentedMap:
    """The tree of a file that was found to be sound; of one without values an empty mapping."""
    parser = YAML(typ="rt", pure=True)  # keeps tags as tags: it makes no objects of them
    parser.preserve_quotes = True
    tree = parser.load(text)
    return tree if isinstance(tree, CommentedMap) else CommentedMap()


def write_tree(tree: CommentedMap, like: str) -> str:
    """The text of a tree, indented like the text that it was read from."""
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    _, _, offset = load_yaml_guess_indent(like) if like.strip() else (None, None, None)
    offset = 2 if offset is None else offset
    yaml.indent(mapping=_indent(tree), sequence=offset + 2, offset=offset)
    if not tree:
        return like
    stream = io.StringIO()
    yaml.dump(tree, stream)
    head = like if read_yaml(like.encode(), "").data == {} else ""  # comments alone, which no tree holds
    return head + stream.getvalue()


def _indent(tree: CommentedMap) -> int:
    """How far mappings stand to the right of their key."""
    blocks = (part for part in tree.values() if isinstance(part, CommentedMap) and not part.fa.flow_style())
    return next((part.lc.col for part in blocks if part.lc.col), 2)


def plain(node: Any) -> Any:
    """A tree as values: dicts and tuples."""
    match node:
        case dict():
            return {str(key): plain(value) for key, value in node.items()}
        case list() | tuple():
            return tuple(plain(value) for value in node)
        case _:
            return node


def commented(value: Any) -> Any:
    """Values as a tree; numbers that belong together stand in one line, defaults are left away."""
    match value:
        case BaseModel():
            return commented(value.model_dump(exclude_defaults=True))
        case dict():
            node = CommentedMap()
            for key, part in value.items():
                node[key] = commented(part)
            return node
        case list() | tuple():
            items = CommentedSeq([commented(part) for part in value])
            if not any(isinstance(part, dict | BaseModel) for part in value):
                items.fa.set_flow_style()
            return items
        case _:
            return value


def put(node: Node, key: Any, value: Any) -> None:
    """Set an entry of a mapping or list; a new key of a mapping comes last."""
    if isinstance(node, CommentedMap) and key not in node:
        rest = _take_after(node, next(reversed(node), None))
        node[key] = commented(value)
        hang_after(node, key, rest)
        return
    new = commented(value)
    grows = isinstance(new, CommentedMap | CommentedSeq) and not new.fa.flow_style()
    rest = _take_after(node, key, whole=grows and not isinstance(node[key], CommentedMap | CommentedSeq))
    node[key] = new
    hang_after(node, key, rest)


def insert(items: CommentedSeq, place: int, value: Any) -> None:
    """Put an entry of a tree into a list before the one at `place`."""
    rest = take_last(items)
    items.insert(place, value)
    hang_after(items, len(items) - 1, rest)


def take_last(node: Node) -> str:
    """Cut off the lines of comment at the end of a mapping or list."""
    keys = list(node) if isinstance(node, CommentedMap) else list(range(len(node)))
    return _take_after(node, keys[-1] if keys else None)


def drop(node: Node, key: Any) -> str:
    """Remove an entry; the comment lines below it stay, or come back where nothing is left to bear them."""
    keys = list(node) if isinstance(node, CommentedMap) else list(range(len(node)))
    place = keys.index(key)
    rest = _take_after(node, key)
    del node[key]
    if isinstance(node, CommentedMap):
        node.ca.items.pop(key, None)
    if place > 0:
        hang_after(node, keys[place - 1], rest)
    elif len(keys) > 1:
        follower = keys[1] if isinstance(node, CommentedMap) else 0
        words = "\n".join(
            line.strip().removeprefix("#").strip() for line in rest.splitlines() if line.strip()
        )
        if words:
            node.yaml_set_comment_before_after_key(follower, before=words, indent=node.lc.col or 0)
    else:
        return rest
    return ""


def _end(node: Node, key: Any) -> tuple[Node, Any]:
    """The innermost entry that ends where the entry ends: there ruamel keeps the comment after it."""
    value = node[key]
    while isinstance(value, CommentedMap | CommentedSeq) and value and not value.fa.flow_style():
        node = value
        key = next(reversed(value)) if isinstance(value, CommentedMap) else len(value) - 1
        value = node[key]
    return node, key


def _take_after(node: Node, key: Any, *, whole: bool = False) -> str:
    """Cut off the lines of comment below an entry; with `whole` also the one at the end of its line."""
    if key is None:
        return ""
    ends = _take_ends(node[key])
    owner, name = _end(node, key)
    comments = owner.ca.items.get(name)
    token = None if comments is None else comments[_SLOT[type(owner)]]
    if not isinstance(token, CommentToken):
        return ends
    own, line_break, rest = ("", "", token.value) if whole else token.value.partition("\n")
    if not rest:
        return ends
    if own:
        token.value = own + line_break
    else:
        comments[_SLOT[type(owner)]] = None
    return str(rest) + ends


def _take_ends(value: Any) -> str:
    """Cut off the comments that ruamel keeps at the ends of an entry's lists: they stand further left."""
    texts: list[str] = []
    while isinstance(value, CommentedMap | CommentedSeq) and not value.fa.flow_style():
        texts.insert(0, "".join(token.value for token in value.ca.end))
        value.ca.end.clear()
        if not value:
            break
        value = value[next(reversed(value)) if isinstance(value, CommentedMap) else len(value) - 1]
    return "".join(texts)


def hang_after(node: Node, key: Any, rest: str) -> None:
    """Put lines of comment below an entry."""
    if not rest or key is None:
        return
    owner, name = _end(node, key)
    slot = _SLOT[type(owner)]
    comments = owner.ca.items.setdefault(name, [None, None, None, None])
    token = comments[slot]
    before = token.value if isinstance(token, CommentToken) else "\n"
    comments[slot] = CommentToken(before + rest, CommentMark(0), None)
