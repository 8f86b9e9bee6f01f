"""Finds every error code that the code can answer with, by reading it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Sandboxes, the test kit and the command line speak to nobody who reads our codes.
SKIPPED = (
    "drumtower/sandbox",
    "drumtower/testkit",
    "drumtower/embedded",
    "drumtower/seed.py",
    "drumtower/domain/ids.py",
)
PARAMETER = "code"
SHAPE = re.compile(r"(?=.*[a-z])[a-z{][a-z0-9_{}]*")  # of a code of ours; platforms have numbers


@dataclass(frozen=True, slots=True)
class Found:
    """A code, or the shape of one that is put together (`{}_too_long`), and where it stands."""

    code: str
    where: str


def sources() -> Iterator[Path]:
    for top in ("drumtower", "services"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if not str(path.relative_to(ROOT)).startswith(SKIPPED):
                yield path


@cache
def find() -> tuple[Found, ...]:
    """Return every value given to a parameter called `code`, and every entry of a table of codes."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sources()}
    local = {path: dict(takers_of(tree)) for path, tree in trees.items()}
    shared = {
        name: position
        for takers in local.values()
        for name, position in takers.items()
        if not name.startswith("_")
    }
    found = {
        Found(code, str(path.relative_to(ROOT)))
        for path, tree in trees.items()
        for node in ast.walk(tree)
        for code in codes_of(node, shared | local[path])
    }
    return tuple(sorted(found, key=lambda one: (one.code, one.where)))


def takers_of(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name the functions and classes with a parameter `code`, and its position among those of a call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(
            getattr(base, "id", "") == "DrumtowerError" for base in node.bases
        ):
            yield node.name, 0
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if (
                    isinstance(item, ast.FunctionDef)
                    and item.name == "__init__"
                    and PARAMETER in _names(item)
                ):
                    yield node.name, _names(item).index(PARAMETER)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and PARAMETER in _names(node):
            yield node.name, _names(node).index(PARAMETER)


def _names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [argument.arg for argument in function.args.args]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def codes_of(node: ast.AST, takers: dict[str, int]) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from _of_call(node, takers)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == PARAMETER:
                yield from _words(value)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _of_assignment(target, node.value)
    elif isinstance(node, ast.FunctionDef) and node.name.strip("_") == PARAMETER:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Return) and inner.value is not None:
                yield from _words(inner.value)


def _of_assignment(target: ast.expr, value: ast.expr) -> Iterator[str]:
    """Return what `code = …`, `code, other = …` and `codes = {…}` hold."""
    if isinstance(target, ast.Tuple):
        names = [getattr(one, "id", "") for one in target.elts]
        arms = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
        for arm in arms:
            if PARAMETER in names and isinstance(arm, ast.Tuple):
                yield from _words(arm.elts[names.index(PARAMETER)])
    elif getattr(target, "id", "") == PARAMETER:
        yield from _words(value)
    elif getattr(target, "id", "").lower().strip("_") == "codes" and isinstance(value, ast.Dict):
        for one in value.values:
            yield from _words(one)


def _of_call(call: ast.Call, takers: dict[str, int]) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == PARAMETER:
            yield from _words(keyword.value)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    position = takers.get(name)
    if position is not None and len(call.args) > position:
        yield from _words(call.args[position])
    # What a table of codes gives where it has no entry.
    table = getattr(getattr(call.func, "value", None), "id", "").lower().strip("_")
    if name == "get" and table == "codes" and len(call.args) > 1:
        yield from _words(call.args[1])


def _words(value: ast.expr) -> Iterator[str]:
    """Return what a code may be: a constant, either arm of a choice, or a shape."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and SHAPE.fullmatch(value.value):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _words(value.body)
        yield from _words(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        shape = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in value.values)
        if SHAPE.fullmatch(shape):  # an exception's own sentence is no code
            yield shape
