"""The quotes of the contract are those of the pinned page, and CONTRACT.md states what was measured."""

import json
import re

import pytest

from conformance.contract import CLAUSES, VERSION
from conformance.selftest import page

MEASURED = json.loads(page.ANSWERS.read_text())
# Markup of the docstring -> the plain text of the clauses.
PLAIN = (
    (r"\\text\{(.*?)\}", r"\1"),
    (r"\\frac\{(.*)\}\{(.*?)\}", r"\1 / \2"),
    (r"\\ne\b", "!="),
    (r"\\(sum|max|in)", r" \1"),
    (r"\\([{}])", r" \1"),
    (r"⋯", "..."),
    (r":math:|\*\*|`", ""),
    (r"^\.\. math::", ""),
    (r"(\w+ \(\w+(?:, optional)?\)|TypeError|ValueError): ", r"\1 - "),
    (r"\s+", " "),
    (r" ([,.}])", r"\1"),
    (r",(?=\S)", ", "),
)


def plain(text):
    for pattern, replacement in PLAIN:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


@pytest.fixture(scope="session")
def docstring():
    mindspore = pytest.importorskip("mindspore", reason="the docstring is that of MindSpore")
    if mindspore.__version__ != VERSION:
        pytest.skip(f"MindSpore {VERSION} is quoted, and {mindspore.__version__} is installed")
    return plain(mindspore.ops.multi_margin_loss.__doc__)


@pytest.mark.parametrize("clause", [c for c in CLAUSES.values() if c.source == "page"], ids=lambda clause: clause.id)
def test_clause_quotes_the_page(docstring, clause):
    if clause.id in ("signature", "example"):  # they are not text of the docstring, and cases test them
        return
    quoted = re.sub(r" \[\w+\]$|^(p|margin|weight|reduction): ", "", clause.text)
    for sentence in re.split(r"(?<=[.:])\s+", plain(quoted)):
        assert sentence in docstring


def test_document_is_up_to_date():
    assert page.DOCUMENT.read_text(encoding="utf-8") == page.document(MEASURED)


def test_numpy_subject_answers_as_stated():
    (name, measured), *rest = page.answers("numpy").items()
    assert (MEASURED[name], rest) == (measured, [])


def test_mindspore_answers_as_stated():
    mindspore = pytest.importorskip("mindspore", reason="MindSpore's own operator is asked")
    name = f"MindSpore {mindspore.__version__} pynative"
    if name not in MEASURED:
        pytest.skip(f"CONTRACT.md has no column for {name}")
    answers = page.answers("mindspore", ("pynative",))[name]
    unwritten = {"no rows": "memory that the operator has not written"}
    assert {id: a for id, a in answers.items() if id not in unwritten} == {
        id: a for id, a in MEASURED[name].items() if id not in unwritten
    }
