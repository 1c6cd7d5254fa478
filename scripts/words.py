"""Check the language of comments, docstrings, test names and documents; part of `make lint`."""

import ast
import io
import pathlib
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator

# Indefinite relatives and archaic turns that readers of English as a second language stumble over.
WORDS = re.compile(
    r"\b(whoever|whomever|whom|whatever|whichever|nobody|somebody|anybody|everybody|anew|in vain"
    r"|for ever|for want of|unheard|is no more|beside|rumou?rs?|strangers?)\b",
    re.IGNORECASE,
)
CHAIN = re.compile(r"[;:](?!//)(\s|$)")  # a summary line that chains clauses
CODE = re.compile(
    r"```.*?```|`[^`]*`|\]\([^)]*\)|^>.*?$", re.DOTALL | re.MULTILINE
)  # and quotations
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def list_tracked(pattern: str) -> list[pathlib.Path]:
    """Return the tracked files that match a pattern of git and exist."""
    out = subprocess.run(
        ["git", "ls-files", "--", pattern],  # noqa: S607 - the git that made the checkout
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for line in out.splitlines() if (path := pathlib.Path(line)).is_file()]


def check_python(path: pathlib.Path) -> Iterator[str]:
    """Yield what is wrong with the comments, docstrings and test names of a module."""
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, DOCUMENTED):
            continue
        line = getattr(node, "lineno", 1)
        name = getattr(node, "name", "")
        if name.startswith("test_") and (found := WORDS.search(name.replace("_", " "))):
            yield f"{path}:{line}: {name}: say {found[0]!r} in plain words"
        text = ast.get_docstring(node)
        if not text:
            continue
        if found := WORDS.search(text):
            yield f"{path}:{line}: say {found[0]!r} in plain words"
        if "tests" not in path.parts and CHAIN.search(CODE.sub("", text.splitlines()[0])):
            yield f"{path}:{line}: make the summary line one sentence without ';' or ':'"
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and (found := WORDS.search(token.string)):
            yield f"{path}:{token.start[0]}: say {found[0]!r} in plain words"


def check_document(path: pathlib.Path) -> Iterator[str]:
    """Yield what is wrong with the text of a Markdown file, its code left out."""
    text = CODE.sub(lambda code: "\n" * code[0].count("\n"), path.read_text())
    for number, line in enumerate(text.splitlines(), 1):
        if found := WORDS.search(line):
            yield f"{path}:{number}: say {found[0]!r} in plain words"


def main() -> int:
    """Print every finding and return the exit code."""
    findings = [
        *(finding for path in list_tracked("*.py") for finding in check_python(path)),
        *(finding for path in list_tracked("*.md") for finding in check_document(path)),
    ]
    print("\n".join(findings) or "Plain words only.")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
