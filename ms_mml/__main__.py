"""`python -m ms_mml WORD`."""

import argparse

from ms_mml.info import info, run_check


def main():
    parser = argparse.ArgumentParser(prog="python -m ms_mml", description="The multi-margin loss for MindSpore.")
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    words.add_parser("info", help="versions, and the kernels of each device target: found, or why not")
    words.add_parser("check", help="run the documented example on this device, in both modes")
    words.add_parser("demo", help="train a classifier on handwritten digits (needs the extra 'demo')").add_argument(
        "--picture", default="demo.png", help="where the loss curves go (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.word == "info":
        print("\n".join(info()))
    elif arguments.word == "check":
        run_check()
    else:
        from ms_mml import demo  # its packages come with an extra

        demo.main(arguments.picture)


if __name__ == "__main__":
    main()
