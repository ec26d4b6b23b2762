"""What CI systems want to read, made from ci/matrix.json and the templates in ci/adapters/.

usage: python ci/adapters.py [--check]      with --check, write nothing, and fail where a file is not up to date
"""

import itertools
import sys

import jinja2

from ci.matrix import CHECKOUT, jobs

FILES = {"github.yml.j2": ".github/workflows/matrix.yml", "Jenkinsfile.j2": "Jenkinsfile"}


def rendered(template):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(CHECKOUT / "ci" / "adapters"),
        keep_trailing_newline=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        variable_start_string="<<",  # GitHub and Groovy have uses of their own for braces
        variable_end_string=">>",
    )
    by_target = itertools.groupby(jobs().values(), lambda job: job["target"])
    return environment.get_template(template).render(targets={name: list(group) for name, group in by_target})


def main():
    for template, file in FILES.items():
        path, text = CHECKOUT / file, rendered(template)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            sys.exit(f"{file} is not what ci/matrix.json says; run: ./ci/run adapters")


if __name__ == "__main__":
    main()
