"""Links in the documents lead to existing files, and both READMEs have the same content."""

import ast
import json
import re

import pytest

from conformance.contract import CLAUSES
from custom_ops.tests.builds import CHECKOUT, run

TRACKED = run("git", "-C", str(CHECKOUT), "ls-files").stdout.splitlines()
PAGES = [path for path in map(CHECKOUT.joinpath, TRACKED) if path.suffix == ".md"]
ENGLISH, CHINESE = ((CHECKOUT / name).read_text() for name in ("README.md", "README_CN.md"))


def test_pages_are_found():
    assert CHECKOUT / "custom_ops" / "ascend" / "README.md" in PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def tree(text):
    """The paths in the tree of files under the last heading, each relative to the checkout."""
    paths, folder = [], ""
    for indent, name in re.findall(r"^( {4}| {8})([\w.]+/?) ", text.rpartition("\n## ")[2], re.MULTILINE):
        if len(indent) == 4:
            folder = name
        paths.append(name if name == folder else folder + name)
    return paths


def test_tree_shows_existing_files():
    missing = [path for path in tree(ENGLISH) if not (CHECKOUT / path).exists()]
    assert not missing


CONTENT = {
    "headings": lambda text: [len(marks) for marks in re.findall("^(#+) ", text, re.MULTILINE)],
    "commands": lambda text: re.findall(r"^    ((?:\./|pip )[^#\n]*?)\s*(?:#.*)?$", text, re.MULTILINE),
    "code": lambda text: [ast.dump(ast.parse(code)) for code in re.findall("```python\n(.*?)```", text, re.DOTALL)],
    "figures": lambda text: [sorted(re.findall(r"[0-9.]*[0-9]", line)) for line in re.findall(r"^\|.*", text, re.M)],
    "links": lambda text: sorted(re.findall(r"\]\(([^)]*)\)", text.split("## ", 1)[1])),
    "tree": tree,
    "names": lambda text: sorted(set(re.findall(r"[a-z_]+/?[a-z_]+\.(?:py|json|sh|h|cc|cu|cuh)\b", text))),
}


@pytest.mark.parametrize("kind", CONTENT)
def test_both_languages_have_the_same_content(kind):
    english, chinese = map(CONTENT[kind], (ENGLISH, CHINESE))
    assert len(english) > 1
    assert chinese == english


def test_tables_are_translated():
    clauses = {clause.text for clause in CLAUSES.values() if f": {clause.text} |" in ENGLISH}
    assert len(clauses) > 10
    phrases = json.loads((CHECKOUT / "ci" / "phrases_CN.json").read_text())
    assert not clauses - phrases.keys()
    assert all(phrases[text] in CHINESE for text in clauses)
