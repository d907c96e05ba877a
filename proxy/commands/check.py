"""`dvc-edge check`."""

import argparse
import os
from collections.abc import Iterable

from proxy import config_file
from proxy.app import load_parts
from proxy.compiled import lane_form
from proxy.config import Settings
from proxy.console import broker
from proxy.gate_opening import read_paths
from proxy.login.opening import private_networks, problems_of, read_files
from proxy.packs import load_packs
from proxy.sign_in_paths import SignInPaths
from redirect_rules.model import Life, Portal
from redirect_rules.sources import Problems, lines_of
from sso.clients import load_clients
from sso.sources import Mistakes

NAME = "check"
HELP = "read everything and report every mistake at once"
DESCRIPTION = "Read the configuration, rules, destinations, localities, texts and overrides, and say what is wrong."
EPILOG = "Exit status 0: sound; 2: mistakes, each with its file, its line and what to write instead."


def add(command: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(options: argparse.Namespace) -> int:
    """Check; mistakes are raised."""
    path = options.config or config_file.find(os.environ)
    settings = config_file.load(path, os.environ)
    parts = load_parts(settings, load_packs)
    snapshot = parts.packs.snapshot
    portals = snapshot.all_portals
    sign_in = _sign_in(settings, portals)
    rules = {rule.id for portal in portals for rule in snapshot.rules_of(portal)}
    routes = parts.upstreams.routes(portals)
    unconnected = sum(1 for portal in portals if portal.life is Life.LIVING and routes.find(portal.id, "/") is None)
    print(f"{path}: sound")
    print(f"  {len(portals)} portals on {len(snapshot.portals)} hosts, {unconnected} without an upstream")
    print(f"  {len(routes.upstreams)} upstreams, {sum(len(one.origins) for one in routes.upstreams)} origins")
    print(f"  {len(rules)} rules, {len(snapshot.destinations.by_name)} destinations")
    print(f"  {len(snapshot.destinations.procedure_ids)} procedures known by id, {len(snapshot.lookups)} lookup tables")
    print(f"  {sign_in}")
    print(f"  languages: {', '.join(parts.pages.languages())}")
    print(f"  fast lane: {lane_form() if settings.fast_lane.enabled else 'off'}")
    return 0


def _sign_in(settings: Settings, portals: Iterable[Portal]) -> str:
    """Sign-in in a line.  Raises Problems; where it is off its clients are read all the same."""
    if settings.sso.issuer:
        files = read_files(settings)
        if files.kept.refused:  # the edge would serve on with what was agreed before; somebody should know
            raise Problems(problems_of(Mistakes(files.kept.refused)))
        protected = _protected(read_paths(settings, portals, files.known, files.upstreams))
        if settings.console.by_broker:
            broker.upstream_of(settings, os.environ)
            broker.check_client(settings, files.clients)
        counts = f"{len(files.clients)} clients, {len(files.upstreams)} upstreams"
        return f"sign-in at {settings.sso.issuer}: {counts}, {protected}"
    try:
        clients = load_clients(
            settings.path(settings.sso.clients), allowed=private_networks(settings), lines_of=lines_of
        )
    except Mistakes as error:
        raise Problems(problems_of(error)) from None
    return f"sign-in is off; {len(clients)} clients, {_protected(read_paths(settings, portals, clients))}"


def _protected(paths: SignInPaths) -> str:
    protections = paths.protections.portals.values()
    return f"{sum(len(one.paths) for one in protections)} protected paths of {len(protections)} portals"
