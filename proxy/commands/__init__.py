"""The commands of `dvc-edge`: in each module `add` describes it to argparse, `run` does it and gives an exit status."""
