"""What the pages of one portal say in their own words, for programs: a language at a time."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from proxy.console.api_models import Model, Reason, Text
from proxy.console.api_operations import Endpoint
from proxy.console.calls import Call, Mistake, NotFound
from proxy.console.citizen_pages import pages_of_settings
from proxy.console.portal_texts_pages import LONGEST, keys_of, own_of, portal_of, ref_of, stored_of
from redirect_rules.rights import Deed


class SentenceModel(BaseModel):
    """What is said where the portal has nothing of its own to say."""

    key: str
    shipped: str
    names: list[str] = Field(description="What may be filled in: {name}.")


class TextsModel(BaseModel):
    """The sentences of one portal in one language."""

    portal: str
    language: str
    version: int = Field(description="Of all its languages together; 0: it has nothing of its own.")
    texts: dict[str, str] = Field(description="Its own sentences, by key.")
    sentences: list[SentenceModel] = Field(description="Everything that may have a sentence of its own.")


class TextsBody(Model):
    """All sentences of its own in this language: what is left out is the shipped one again."""

    texts: Annotated[dict[str, Annotated[Text, Field(min_length=1, max_length=LONGEST)]], Field(max_length=500)]
    reason: Reason
    seen_version: Annotated[int, Field(ge=0, le=10**8, description="0: it has nothing of its own yet.")] = 0


def get_texts(call: Call, _: None) -> TextsModel:
    """What a portal says in its own words."""
    portal, language = portal_of(call), call.matched["language"]
    pages = pages_of_settings(call.desk.settings)
    if language not in pages.languages():
        raise NotFound(language)
    shipped, stored = pages.shipped(language, portal.id), stored_of(call)
    found = [(key, shipped.messages[key]) for key in keys_of(shipped)]
    return TextsModel(
        portal=portal.id,
        language=language,
        version=stored.version if stored is not None else 0,
        texts=dict(own_of(stored).get(language, {})),
        sentences=[SentenceModel(key=key, shipped=one.source, names=sorted(one.names)) for key, one in found],
    )


def put_texts(call: Call, body: TextsBody) -> TextsModel:
    """Keep them in the draft."""
    known = {one.key for one in get_texts(call, None).sentences}
    call.must(Deed.EDIT, call.office.province_of(ref_of(call)))
    pages = pages_of_settings(call.desk.settings)
    wrong = [
        (f"texts.{key}", complaint)
        for key, text in body.texts.items()
        if (complaint := pages.complaint(key, text) if key in known else "no page of a closed portal asks for this")
    ]
    if wrong:
        raise Mistake(*wrong)
    texts = {**own_of(stored_of(call)), call.matched["language"]: dict(body.texts)}
    kept = {"texts": {language: own for language, own in sorted(texts.items()) if own}}
    call.office.put(ref_of(call), kept, call.change(body.reason), seen_version=body.seen_version)
    return get_texts(call, None)


_PATH: Final = "/portals/{id}/texts/{language}"
ENDPOINTS: Final = (
    Endpoint("GET", _PATH, "What a portal says in its own words", Deed.SEE, get_texts, TextsModel),
    Endpoint("PUT", _PATH, "Keep what it says", Deed.EDIT, put_texts, TextsModel, body=TextsBody),
)
