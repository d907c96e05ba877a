"""What citizens would see at an old address, by any snapshot: the page itself where the answer is one, made as the edge
makes it; for everything else, where it leads.

The page is for a frame: no script of it runs, none of its links and forms lead anywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from proxy.config import Settings
from proxy.forms import TypedForm
from proxy.pages import Page, Pages
from proxy.presentation import Presenter
from redirect_rules.answers import SayGonePage, SayNotSent, ShowFramed, ShowNotice
from redirect_rules.clients import Crawlers
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.explaining import Question, visit_to
from redirect_rules.model import Portal
from redirect_rules.snapshot import Snapshot

_ANCESTORS: Final = re.compile(r"frame-ancestors [^;]*")
_SCRIPTS: Final = re.compile(rb"<script\b[^>]*>.*?</script>", re.DOTALL)  # none would run; each would be complained of
_NOTHING_TYPED: Final = TypedForm()


@dataclass(frozen=True, slots=True)
class Studio:
    """Makes citizens' pages out of a snapshot."""

    snapshot: Snapshot
    crawlers: Crawlers
    settings: Settings

    def decided(self, url: str, question: Question) -> Decision | None:
        """What becomes of an address; None where it is nobody's portal.  Raises BadHost where the text has no host."""
        visit = visit_to(url, question, suffixes=self.settings.preview.host_suffixes, crawlers=self.crawlers)
        return self.visited(visit, question)

    def visited(self, visit: Visit, question: Question) -> Decision | None:
        """The same for a visit."""
        found = decide(visit, self.snapshot, question.at)
        return found if isinstance(found, Decision) else None

    def page(
        self,
        decision: Decision,
        question: Question,
        language: str,
        texts: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Page | None:
        """The page that is the answer; None where the answer is none.  Raises PagesError for texts of operators.

        texts  of the portal's notice, by language and key, in the place of those that the snapshot has
        """
        pages = pages_of_settings(self.settings)
        languages = {tag: pages.language_name(tag) for tag in pages.languages()}
        presenter = Presenter(self.snapshot, languages, self.settings.notice.seconds)
        if texts is not None:
            decision = replace(decision, portal=with_texts(decision.portal, texts))
        match decision.answer:
            case ShowNotice(ask):
                view = presenter.notice(decision, now=question.at, stay=False, ask=ask, language=language)
                made = pages.render(view, language)
            case SayGonePage():
                made = pages.render(presenter.gone(decision, now=question.at), language)
            case SayNotSent():
                made = pages.render(presenter.not_sent(decision, _NOTHING_TYPED), language)
            case ShowFramed():
                made = pages.render(presenter.framed(decision), language)
            case _:
                return None
        return Page((_SCRIPTS.sub(b"", made.html),), for_a_frame(made.csp))


def with_texts(portal: Portal, texts: Mapping[str, Mapping[str, str]]) -> Portal:
    """A portal whose notice says something else."""
    return replace(portal, texts=texts)


def for_a_frame(policy: str) -> str:
    """The policy of a page that stands in a frame of the console: framed by us alone, and it runs and sends nothing."""
    return _ANCESTORS.sub("frame-ancestors 'self'", policy) + "; sandbox"


def pages_of_settings(settings: Settings) -> Pages:
    """The pages as this configuration has them.  Raises PagesError."""
    folder = settings.path(settings.notice.overrides)
    return pages_of(folder if folder.is_dir() else None)


@lru_cache(maxsize=2)
def pages_of(folder: Path | None) -> Pages:
    """The pages with the operators' overrides, read once, as the edge reads them at its start."""
    return Pages(folder)
