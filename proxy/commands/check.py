"""`dvc-edge check`."""

import argparse
import os

from proxy import config
from proxy.app import load_parts
from proxy.packs import load_packs

NAME = "check"
HELP = "read everything and report every mistake at once"
DESCRIPTION = "Read the configuration, rules, destinations, localities, texts and overrides, and say what is wrong."
EPILOG = "Exit status 0: sound; 2: mistakes, each with its file, its line and what to write instead."


def add(command: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(options: argparse.Namespace) -> int:
    """Check; mistakes are raised."""
    path = options.config or config.find(os.environ)
    packs, pages = load_parts(config.load(path, os.environ), load_packs)
    snapshot = packs.snapshot
    portals = snapshot.all_portals
    rules = {rule.id for portal in portals for rule in snapshot.rules_of(portal)}
    unconnected = sum(1 for portal in portals if not portal.upstream)
    print(f"{path}: sound")
    print(f"  {len(portals)} portals on {len(snapshot.portals)} hosts, {unconnected} without an upstream")
    print(f"  {len(rules)} rules, {len(snapshot.destinations.by_name)} destinations")
    print(f"  {len(snapshot.destinations.procedure_ids)} procedures known by id, {len(snapshot.lookups)} lookup tables")
    print(f"  languages: {', '.join(pages.languages())}")
    return 0
