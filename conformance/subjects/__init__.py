"""The names that `--subject` accepts: the suite's own subjects, and those that packages and projects declare.

A package declares its subjects as entry points of the group `conformance.subjects`. A project that is not installed
declares them in its pyproject.toml, in the same entry-point group or in the table `[tool.conformance.subjects]`. Any
other subject is named by `module:Class`.
"""

import difflib
import importlib.metadata
import pathlib

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11; pytest depends on tomli there
    import tomli as tomllib

from conformance.subjects.base import NotAvailable

GROUP = "conformance.subjects"
OWN = {
    "mindspore": "conformance.subjects.mindspore:BuiltIn",
    "numpy": "conformance.subjects.numpy:NumPy",
    "torch": "conformance.subjects.torch:Torch",
}


def known(home):
    """Name -> 'module:Class', for a run started in the folder `home`."""
    found = {}
    for distribution in importlib.metadata.distributions():
        found.update({point.name: point.value for point in distribution.entry_points if point.group == GROUP})
    for project in _projects(home):
        found.update(project.get("project", {}).get("entry-points", {}).get(GROUP, {}))
        found.update(_table(project).get("subjects", {}))
    return {**found, **OWN}


def resolve(name, home):
    """The 'module:Class' of a subject; raises NotAvailable for an unknown name."""
    if ":" in name:
        return name
    subjects = known(home)
    if name not in subjects:
        names = ", ".join(sorted(subjects))
        raise NotAvailable(f"it is neither module:Class nor one of {names}{similar(name, subjects)}")
    return subjects[name]


def similar(name, names):
    """'; did you mean ...?' with up to three of the names, or '' if none is similar."""
    found = difflib.get_close_matches(name, sorted(names), n=3)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def default(home):
    """The subject of a run that names none: `default-subject` of `[tool.conformance]`, or None."""
    return next(filter(None, (_table(project).get("default-subject") for project in _projects(home))), None)


def _table(project):
    return project.get("tool", {}).get("conformance", {})


def _projects(home):
    """The pyproject.toml of the folder the run started in, and that of the project that contains the suite."""
    for folder in dict.fromkeys((pathlib.Path(home).resolve(), pathlib.Path(__file__).resolve().parents[2])):
        file = folder / "pyproject.toml"
        if file.is_file():
            yield tomllib.loads(file.read_text(encoding="utf-8"))
