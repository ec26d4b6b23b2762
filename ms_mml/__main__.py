"""`python -m ms_mml COMMAND`."""

import argparse
import importlib
import os
import sys

import ms_mml

PICTURES = (".jpg", ".pdf", ".png", ".svg")


def main():
    parser = argparse.ArgumentParser(prog="python -m ms_mml", description="The multi-margin loss for MindSpore.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("info", help="list versions and, for each device target, the installed kernels")
    commands.add_parser("check", help="run the documented example on this device in both modes")
    demo = commands.add_parser("demo", help="train a classifier on handwritten digits (needs the extra 'demo')")
    demo.add_argument(
        "--picture", type=_picture, default="demo.png", help="file for the loss curves (default: %(default)s)"
    )
    bench = commands.add_parser(
        "bench", help="time the loss against the built-in, PyTorch and memory bandwidth (needs the extra 'bench')"
    )
    bench.add_argument("--device", choices=("CPU", "GPU"), default="CPU", help="default: %(default)s")
    bench.add_argument("--quick", action="store_true", help="a few cases, in under a minute")
    bench.add_argument("--json", type=_file, metavar="FILE", help="write all times to FILE")
    bench.add_argument(
        "--picture", type=_picture, metavar="FILE", help="plot bytes per second and time per score (.svg, .png, ...)"
    )
    bench.add_argument("--show", metavar="FILE", help="show the times saved in FILE instead of measuring")
    arguments = parser.parse_args()
    if arguments.command == "info":
        print("\n".join(importlib.import_module("ms_mml.info").info()))
        return
    try:
        importlib.import_module("ms_mml.library").check_environment()
    except ValueError as error:
        sys.exit(f"python -m ms_mml {arguments.command}: {error}")
    if arguments.command == "check":
        _run_check()
    elif arguments.command == "bench":
        _run_with_extra("bench", arguments)
    else:
        _run_with_extra("demo", arguments.picture)


def _file(path):
    """The path of a file to write. Tried before the work, which takes minutes."""
    try:
        if not os.path.exists(path):
            open(path, "xb").close()
            os.remove(path)
        elif not os.access(path, os.W_OK) or os.path.isdir(path):
            raise argparse.ArgumentTypeError(f"cannot write {path}")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write {path or 'a file without a name'}: {error.strerror}") from None
    return path


def _picture(path):
    """The path of a picture to write."""
    if not path.lower().endswith(PICTURES):
        raise argparse.ArgumentTypeError(f"a picture's name must end in {', '.join(PICTURES)}, but got {path!r}")
    return _file(path)


def _run_check():
    try:
        ms_mml.run_check()
    except (ImportError, RuntimeError, ValueError) as error:
        sys.exit(f"python -m ms_mml check: {error}")


def _run_with_extra(name, arguments):
    """Run the module `ms_mml.NAME`, whose packages the extra of the same name installs."""
    try:
        importlib.import_module(f"ms_mml.{name}").main(arguments)
    except ModuleNotFoundError as error:
        sys.exit(
            f"python -m ms_mml {name}: package {error.name} is missing; install the extra: pip install 'ms-mml[{name}]'"
        )


if __name__ == "__main__":
    main()
