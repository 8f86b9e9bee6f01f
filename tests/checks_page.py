"""Writes docs/reference/checks.md: the check engine's registry, with the codes and severities that each rule's code holds.

Run `python -m tests.checks_page`. What a check looks at is its rule's docstring.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from drumtower.domain.checks import CHECKS
from drumtower.domain.errors import Severity
from drumtower.domain.reviews import Criterion
from tests.error_codes import codes_of, takers_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "checks.md"
HEAD = """# Checks

What preflight, submit and schedule hold a post to, on each of its channels; the claim asks again, of all but what the
post is like and how much is said of its pillar. Made from the registry in `drumtower/domain/checks.py`. A `block` stops
the post, a `warn` asks for a look, an `info` explains; “by policy” is what the workspace, the brand or a rule says.
What each code means, and what to do about it: [errors.md](errors.md). `{}` stands for the field or the kind of file.
"""
PLATFORM = "The platform and the channel"
BY_POLICY = "by policy"


def page() -> str:
    """Return the page."""
    return HEAD + "".join(_section(criterion) for criterion in CHECKS)


def _section(criterion: Criterion | None) -> str:
    title = criterion.value.capitalize() if criterion else PLATFORM
    head = "| check | what it looks at | code: severity |\n|---|---|---|\n"
    return f"\n## {title}\n\n{head}" + "".join(_row(check.rule) for check in CHECKS[criterion])


def _row(rule: Callable[..., Any]) -> str:
    looked_at = " ".join((rule.__doc__ or "").split())
    name = f"{rule.__module__.removeprefix('drumtower.domain.')}.{rule.__name__}"
    codes = "<br>".join(f"`{code}`: {severity}" for code, severity in findings_of(rule).items())
    return f"| `{name}` | {looked_at} | {codes or 'the adapter’s own'} |\n"


def findings_of(rule: Callable[..., Any]) -> dict[str, str]:
    """Return the codes that a rule can give, each with its severity."""
    tree = _tree(rule.__module__)
    reached = list(dict.fromkeys(_reached(rule.__name__, _functions(tree))))
    takers = dict(takers_of(tree))
    return {
        code: _severity(call, tree, reached)
        for function in reached
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for code in codes_of(call, takers)
    }


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _reached(
    name: str, functions: dict[str, ast.FunctionDef], seen: frozenset[str] = frozenset()
) -> Iterator[ast.FunctionDef]:
    """Return the function, and those of its module that it calls."""
    yield functions[name]
    for node in ast.walk(functions[name]):
        called = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if called in functions and called not in seen | {name}:
            yield from _reached(called, functions, seen | {name})


def _severity(call: ast.Call, tree: ast.Module, reached: list[ast.FunctionDef]) -> str:
    """Return what the call says; else the function it calls; else, of a plain value, whoever makes a violation of it."""
    called = getattr(call.func, "id", "")
    if called == "Violation":
        given = [keyword.value for keyword in call.keywords if keyword.arg == "severity"]
        is_fixed = given and isinstance(given[0], ast.Attribute | ast.IfExp)
        return (_said(given[0]) if is_fixed else "") or (BY_POLICY if given else Severity.BLOCK.value)
    callee = _functions(tree).get(called)
    return _said(call) or (_said(callee) if callee else _said(*reached)) or BY_POLICY


def _said(*nodes: ast.AST) -> str:
    """Return the severities that stand in the code, the hardest first."""
    names = {
        one.attr
        for node in nodes
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute) and getattr(one.value, "id", "") == "Severity"
    }
    return " or ".join(severity.value for severity in Severity if severity.name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
