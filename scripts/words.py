"""Check the language of comments, docstrings, test names and documents, as part of `make lint`."""

import ast
import io
import pathlib
import re
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
FOLDERS = ("src", "dev", "tests", "scripts", "docs")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def list_files(suffix: str) -> list[pathlib.Path]:
    """Return the project's own files of one kind."""
    top = pathlib.Path()
    return sorted(
        [
            *top.glob(f"*{suffix}"),
            *(p for name in FOLDERS for p in (top / name).rglob(f"*{suffix}")),
        ]
    )


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
        *(finding for path in list_files(".py") for finding in check_python(path)),
        *(finding for path in list_files(".md") for finding in check_document(path)),
    ]
    print("\n".join(findings) or "Plain words only.")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
