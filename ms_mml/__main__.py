"""`python -m ms_mml COMMAND`."""

import argparse
import importlib
import sys

import ms_mml


def main():
    parser = argparse.ArgumentParser(prog="python -m ms_mml", description="The multi-margin loss for MindSpore.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("info", help="list versions and, for each device target, the installed kernels")
    commands.add_parser("check", help="run the documented example on this device in both modes")
    demo = commands.add_parser("demo", help="train a classifier on handwritten digits (needs the extra 'demo')")
    demo.add_argument("--picture", default="demo.png", help="file for the loss curves (default: %(default)s)")
    bench = commands.add_parser(
        "bench", help="time the loss against the built-in, PyTorch and memory bandwidth (needs the extra 'bench')"
    )
    bench.add_argument("--device", choices=("CPU", "GPU"), default="CPU", help="default: %(default)s")
    bench.add_argument("--quick", action="store_true", help="a few cases, in under a minute")
    bench.add_argument("--json", metavar="FILE", help="write all times to FILE")
    bench.add_argument("--picture", metavar="FILE", help="plot bytes per second and time per score (.svg, .png)")
    bench.add_argument("--show", metavar="FILE", help="show the times saved in FILE instead of measuring")
    arguments = parser.parse_args()
    if arguments.command == "info":
        print("\n".join(importlib.import_module("ms_mml.info").info()))
    elif arguments.command == "check":
        _run_check()
    elif arguments.command == "bench":
        _import_with_extra("bench").main(arguments)
    else:
        _import_with_extra("demo").main(arguments.picture)


def _run_check():
    try:
        run_check = ms_mml.run_check
    except ImportError as error:
        sys.exit(f"python -m ms_mml check: {error}")
    run_check()


def _import_with_extra(name):
    """Import the module `ms_mml.NAME`, whose packages the extra of the same name installs."""
    try:
        return importlib.import_module(f"ms_mml.{name}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"python -m ms_mml {name}: package {error.name} is missing; install the extra: pip install 'ms-mml[{name}]'"
        )


if __name__ == "__main__":
    main()
