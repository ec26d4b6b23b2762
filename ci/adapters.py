"""Generate the configuration files of CI systems from ci/matrix.json and the templates in ci/adapters/.

usage: python -m ci.adapters [--check]      with --check, only fail if a file is outdated
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
        variable_start_string="<<",  # GitHub and Groovy use braces themselves
        variable_end_string=">>",
    )
    by_hardware = itertools.groupby(jobs().values(), lambda job: job["hardware"])
    return environment.get_template(template).render(rows={name: list(group) for name, group in by_hardware})


def main():
    for template, file in FILES.items():
        path, text = CHECKOUT / file, rendered(template)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            sys.exit(f"{file} is outdated; run: ./ci/run adapters")


if __name__ == "__main__":
    main()
