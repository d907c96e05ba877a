"""`dvc-edge rules publish`, `rollback`, `history`, `request`, `approve` and `decline`."""

import argparse
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from proxy.commands.progress import bar
from proxy.commands.rules.verbs import Verbs, verb
from proxy.commands.workspaces import Workspace, an_instant, said, workspace
from redirect_rules import activation
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.publications import Published, Review
from redirect_rules.publishing import publish, rollback, settle


def add(verbs: Verbs) -> None:
    """Describe the options."""
    command = verb(verbs, "publish", run_publish, "check the draft and make it the number that serves")
    command.add_argument("-m", "--message", required=True, metavar="TEXT", help="what changes, for the history")
    command.add_argument("--at", type=an_instant, metavar="INSTANT", help="not before then (2027-01-01T00:00)")
    command.add_argument("--review", type=int, metavar="N", help="the request that was approved")
    command.add_argument(
        "--whole", action="store_true", help="read and analyse all rules anew, not only those that changed"
    )
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    back = verb(verbs, "rollback", run_rollback, "let an earlier number serve again")
    back.add_argument("number", type=int, metavar="N")
    back.add_argument("-m", "--message", default="", metavar="TEXT", help="why")
    verb(verbs, "history", run_history, "list what was published", changes=False)
    ask = verb(verbs, "request", run_request, "ask that the draft as it stands be published")
    ask.add_argument("-m", "--message", required=True, metavar="TEXT", help="what changes")
    ask.add_argument("--at", type=an_instant, metavar="INSTANT", help="not before then")
    for name, run, description in (
        ("approve", run_approve, "say yes to a request; not by the one who asked"),
        ("decline", run_decline, "say no to a request, or withdraw it"),
    ):
        decide = verb(verbs, name, run, description)
        decide.add_argument("review", type=int, metavar="N")
        decide.add_argument("-m", "--message", default="", metavar="TEXT", help="why")


@said("rules publish")
def run_publish(options: argparse.Namespace) -> int:
    """Publish the draft."""
    with workspace(options) as here:
        _settle(here)
        with bar(quiet=options.quiet or options.json) as told:
            published = publish(
                here.store,
                here.sources,
                here.state.snapshots,
                here.change(options.message),
                at=options.at,
                review=options.review,
                keep=here.settings.publishing.keep,
                whole=options.whole,
                progress=told,
            )
    _say(published, options)
    return 0


@said("rules rollback")
def run_rollback(options: argparse.Namespace) -> int:
    """Let an earlier number serve."""
    with workspace(options) as here:
        _settle(here)
        change = here.change(options.message or f"back to number {options.number}")
        published = rollback(here.store, here.state.snapshots, options.number, change)
    _say(published, options)
    return 0


@said("rules history")
def run_history(options: argparse.Namespace) -> int:
    """List what was published, and what waits."""
    with workspace(options) as here:
        _settle(here)
        snapshots, reviews = here.store.publications.snapshots(), here.store.publications.reviews()
        waiting = {one.number: _in_viet_nam(one.at) for one in activation.pending(here.state.snapshots)}
    if options.json:
        found = {
            "snapshots": [_as_json(one) | {"waits_until": waiting.get(one.number)} for one in snapshots],
            "reviews": [_review_as_json(one) for one in reviews],
        }
        print(json.dumps(found, ensure_ascii=False))
        return 0
    for one in snapshots:
        by = one.actor + (f", approved by {one.approved_by}" if one.approved_by else "")
        when = f", from {waiting[one.number]}" if one.number in waiting else ""
        print(
            f"{one.number:>6}  {one.state:<9} {one.at:%Y-%m-%d %H:%M} {one.hash[:12]:<12}  {one.message} ({by}{when})"
        )
    for review in reviews:
        if review.state in {"open", "approved"}:
            print(f"request {review.number}, {review.state}: {review.message} ({review.requested_by})")
    if not snapshots:
        print("nothing was published yet: the shipped rules serve")
    return 0


@said("rules request")
def run_request(options: argparse.Namespace) -> int:
    """Ask for a publication."""
    with workspace(options) as here:
        change = here.change(options.message)
        review = here.store.publications.request(options.message, change, activates_at=options.at)
    return _say_review(review, options)


@said("rules approve")
def run_approve(options: argparse.Namespace) -> int:
    """Say yes."""
    return _decide(options, lambda here, change: here.store.publications.approve(options.review, change))


@said("rules decline")
def run_decline(options: argparse.Namespace) -> int:
    """Say no."""
    return _decide(options, lambda here, change: here.store.publications.decline(options.review, change))


def _decide(options: argparse.Namespace, step: Callable[[Workspace, Any], Review]) -> int:
    with workspace(options) as here:
        review = step(here, here.change(options.message or f"request {options.review}"))
    return _say_review(review, options)


def _settle(here: Workspace) -> None:
    """What the clock brought into force is written into the register before anything else is."""
    settle(here.store, here.state.snapshots, here.change("its instant has come"))


def _as_json(one: Published) -> dict[str, Any]:
    return {
        "number": one.number,
        "state": one.state.value,
        "hash": one.hash,
        "message": one.message,
        "actor": one.actor,
        "approved_by": one.approved_by or None,
        "at": one.at.isoformat(),
        "activates_at": one.activates_at.isoformat(),
        "revision": one.revision,
        "review": one.review,
    }


def _review_as_json(one: Review) -> dict[str, Any]:
    return {
        "number": one.number,
        "state": one.state.value,
        "message": one.message,
        "requested_by": one.requested_by,
        "decided_by": one.decided_by or None,
        "revision": one.revision,
    }


def _say(published: Published, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(_as_json(published), ensure_ascii=False))
    elif published.state == "active":
        print(f"number {published.number} serves ({published.hash[:12]})")
    else:
        print(f"number {published.number} is ready and serves from {_in_viet_nam(published.activates_at)}")


def _in_viet_nam(at: datetime) -> str:
    return at.astimezone(HO_CHI_MINH).isoformat()


def _say_review(review: Review, options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps(_review_as_json(review), ensure_ascii=False))
    elif review.state == "approved":
        print(f"request {review.number} is approved: dvc-edge rules publish --review {review.number} -m TEXT")
    else:
        print(f"request {review.number} is {review.state}")
    return 0
