"""`python -m ms_mml WORD`."""

import argparse
import importlib
import sys

from ms_mml.info import info, run_check


def main():
    parser = argparse.ArgumentParser(prog="python -m ms_mml", description="The multi-margin loss for MindSpore.")
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    words.add_parser("info", help="versions, and the kernels of each device target: found, or why not")
    words.add_parser("check", help="run the documented example on this device, in both modes")
    words.add_parser("demo", help="train a classifier on handwritten digits (needs the extra 'demo')").add_argument(
        "--picture", default="demo.png", help="where the loss curves go (default: %(default)s)"
    )
    bench = words.add_parser("bench", help="time it beside the built-in, PyTorch and memory (needs the extra 'bench')")
    bench.add_argument("--device", choices=("CPU", "GPU"), default="CPU", help="where (default: %(default)s)")
    bench.add_argument("--quick", action="store_true", help="a few cases, in under a minute")
    bench.add_argument("--json", metavar="FILE", help="write all times")
    bench.add_argument("--picture", metavar="FILE", help="draw bytes per second and time per score (.svg, .png)")
    bench.add_argument("--show", metavar="FILE", help="time nothing: take up the times of a file")
    arguments = parser.parse_args()
    if arguments.word == "info":
        print("\n".join(info()))
    elif arguments.word == "check":
        run_check()
    elif arguments.word == "bench":
        _of_extra("bench").main(arguments)
    else:
        _of_extra("demo").main(arguments.picture)


def _of_extra(extra):
    """The module of the same name as the extra that brings its packages."""
    try:
        return importlib.import_module(f"ms_mml.{extra}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"python -m ms_mml {extra}: there is no {error.name}; install the extra: pip install 'ms-mml[{extra}]'"
        )


if __name__ == "__main__":
    main()
