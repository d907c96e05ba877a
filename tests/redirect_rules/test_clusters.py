"""Pages that no rule knows, gathered by shape."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.canonical import canonical_key
from redirect_rules.clusters import DEEPEST, Cluster, clusters, pages_of, stand_in
from redirect_rules.hits import OTHER, key_of
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Action, Rule
from tests.conftest import AUTUMN

HOST = "langson.gov.vn"


def found(*paths: str, portal: str = "langson", visits: int = 1) -> list[Cluster]:
    counted = Counter(key_of(canonical_key(HOST, path), frozenset({"ma"})) for path in paths)
    return clusters(pages_of((portal, key, times * visits) for key, times in counted.items()))


def texts(*paths: str) -> list[str]:
    return [template.text for cluster in found(*paths) if (template := cluster.template()) is not None]


IDS = [f"{number * 7919 % 1000}" for number in range(5)]
WORDS = ["gioi-thieu-chung", "lich-tiep-dan", "thong-bao-moi", "hoi-dap-nhanh", "van-ban-phap-luat"]
HEX = [f"{number:08x}" * 3 for number in (0xA1B2C3D4, 0xB1B2C3D4, 0xC1B2C3D4, 0xD1B2C3D4, 0xE1B2C3D4)]
LONG = [f"12345678{number}" for number in range(5)]

# pages                                                              the template
SHAPES = [
    ([f"/tin/{id_}" for id_ in IDS],                                 "/tin/{id:number}"),
    ([f"/tin/{id_}" for id_ in LONG],                                "/tin/{id:number}"),
    ([f"/tin/{id_}.html" for id_ in IDS],                            "/tin/{id:number}.html"),
    ([f"/tin/bai-{id_}.html" for id_ in IDS],                        "/tin/bai-{id:number}.html"),
    ([f"/bai-viet-{id_}.html" for id_ in IDS],                       "/bai-viet-{id:number}.html"),
    ([f"/vi/tin/{id_}" for id_ in HEX],                              "/vi/tin/{id:hex24}"),
    ([f"/{lang}/tin/{id_}" for id_ in IDS for lang in ("vi", "en")], "/{lang:language}/tin/{id:number}"),
    ([f"/thu-tuc/1.00119{i}" for i in range(5)],                     "/thu-tuc/{code:procedure}"),
    ([f"/thu-tuc/1.00119{i}.000.00.00.h32" for i in range(5)],       "/thu-tuc/{code:procedure}"),
    ([f"/ho-so/000.00.12.h06-240101-000{i}" for i in range(5)] * 5,  "/ho-so/{dossier:dossier}"),
    (["/ho-so/001199012345", "/ho-so/001199012346?ma=1"] * 3,        "/ho-so/{id:number}"),
    ([f"/tin/{word}" for word in WORDS],                             "/tin/{name:word}"),
    ([f"/tin/{word}.html" for word in WORDS],                        "/tin/{name:word}.html"),
    ([f"/tin/{word}-{i}.html" for i, word in enumerate(WORDS)],      "/tin/{name:word}.html"),
    ([f"/tin/{word}/in" for word in WORDS],                          "/tin/{name:word}/in"),
    ([f"/tin/{word}/{i}" for i, word in enumerate(WORDS)],           "/tin/{name:word}/{id:number}"),
    ([f"/tin/{a}/{b}/{i}" for i, (a, b) in enumerate(zip(WORDS * 2, WORDS + WORDS[::-1], strict=True))], "/tin/{rest:path}"),
    ([f"/tin/2024/{i}/{i * 7 % 31}" for i in range(1, 13)],          "/tin/2024/{id:number}/{id_too:number}"),
    ([f"/tin%20t%E1%BB%A9c/{id_}" for id_ in IDS],                   "/tin%20t%E1%BB%A9c/{id:number}"),
    ([f"/tin/{id_}?ma=1" for id_ in IDS],                            "/tin/{id:number}"),
]  # fmt: skip


@pytest.mark.parametrize(("paths", "template"), SHAPES, ids=[template for _, template in SHAPES])
def test_pages_of_one_shape_make_a_template(paths: list[str], template: str) -> None:
    (cluster,) = found(*paths)
    made = cluster.template()
    assert made is not None
    assert made.text == template
    assert cluster.visits == len(paths)


# pages that are left to people                             why
LEFT = [
    ([f"/tin/{id_}" for id_ in IDS[:4]],                    "too few"),
    ([f"/{word}" for word in WORDS * 4],                    "it would know every page of one segment"),
    ([f"/{id_}" for id_ in IDS],                            "any number at all"),
    ([f"/vi/{word}" for word in WORDS],                     "behind a language likewise"),
    ([f"/{word}/x/{i}/y" for i, word in enumerate(WORDS)],  "nothing that stands at the beginning"),
    (["/tin"] * 9,                                          "one page, however often"),
    (["/" + "a/" * (DEEPEST + 1) + id_ for id_ in IDS],     "too deep to mean anything"),
]  # fmt: skip


@pytest.mark.parametrize(("paths", "why"), LEFT, ids=[why for _, why in LEFT])
def test_what_says_too_little_makes_none(paths: list[str], why: str) -> None:
    assert found(*paths) == []


def test_sections_stay_apart_where_each_has_many_pages() -> None:
    """They will hardly lead to the same place."""
    paths = [f"/{section}/{id_}" for section in ("tin", "hoi-dap", "van-ban") for id_ in IDS]
    assert set(texts(*paths)) == {"/tin/{id:number}", "/hoi-dap/{id:number}", "/van-ban/{id:number}"}


def test_a_page_that_several_portals_have_is_a_shape() -> None:
    counted = [(portal, f"{portal}.gov.vn/ban-do", 2) for portal in ("hanoi", "langson", "hue")]
    (cluster,) = clusters(pages_of(counted))
    assert (cluster.portals, cluster.visits) == (frozenset({"hanoi", "langson", "hue"}), 6)
    assert clusters(pages_of(counted[:2])) == []


def test_one_masked_address_stands_for_many() -> None:
    assert [cluster.visits for cluster in found("/ho-so/001199012345", visits=5)] == [5]
    assert found("/ho-so/001199012345", visits=4) == []


def test_what_has_no_name_is_in_no_cluster() -> None:
    assert list(pages_of([("langson", OTHER, 9), ("langson", f"{HOST}/a/…", 9), ("langson", f"{HOST}/", 9)])) == []


@given(
    st.lists(st.sampled_from([*IDS, *WORDS, *HEX, *LONG, "vi", "tin", "a-1.html", "tin-2.aspx"]), max_size=40),
    st.randoms(),
)
def test_a_template_knows_every_page_of_its_cluster_and_no_page_is_in_two(
    names: list[str], dice: random.Random
) -> None:
    paths = {"/" + "/".join(["tin", *dice.choices(names, k=dice.randrange(1, 4))]) for _ in names}
    made = found(*paths)
    pages = [page for cluster in made for page in cluster.pages]
    assert len(pages) == len(set(pages))
    for cluster in made:
        template = cluster.template()
        assert template is not None
        index = TemplateIndex([[Rule("a", (template,), Action.NOTICE)]], fold_case=True)
        for page in cluster.pages:
            sent = "/".join(map(stand_in, page.segments))
            assert index.best(canonical_key(HOST, f"/{sent}"), AUTUMN) is not None
