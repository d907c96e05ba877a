"""Test persons.  None of them exists; their numbers could not be anybody's."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, as the providers know them."""

    id: str
    label: str  # on the dialog page
    name: str
    level: Literal[1, 2] = 2
    when_asked: bool = False  # at level 1 unless level 2 is asked for
    account: Literal[1, 2] = 1  # 1 a person, 2 an organisation
    birth: str = ""  # YYYYMMDD
    citizen_id: str = ""
    old_id: str = ""
    email: str = ""
    tax_code: str = ""
    enterprise_code: str = ""


PEOPLE: Final = {
    person.id: person
    for person in (
        Person(
            "an",
            "Công dân, mức độ 2 · citizen, level 2",
            "Nguyễn Văn An (mẫu)",
            birth="19540902",
            citizen_id="000000000001",
            old_id="000000001",
            email="an@example.invalid",
        ),
        Person(
            "binh",
            "Công dân, mức độ 1 · citizen, level 1",
            "Trần Thị Bình (mẫu)",
            level=1,
            birth="19880715",
            citizen_id="000000000002",
        ),
        Person(
            "cuong",
            "Tổ chức, mức độ 2 · organisation, level 2",
            "Công ty TNHH Ví Dụ (mẫu)",
            account=2,
            tax_code="0000000001",
            enterprise_code="0000000001",
        ),
        Person(
            "dung",
            "Công dân, thiếu thông tin · citizen, claims missing",
            "Lê Dung (mẫu)",
            birth="1931",
        ),
        Person(
            "giang",
            "Công dân, mức độ 2 khi được yêu cầu · citizen, level 2 only when asked (step-up)",
            "Phạm Giang (mẫu)",
            when_asked=True,
            birth="19990101",
            citizen_id="000000000005",
        ),
    )
}
"""By id."""


def subject_of(provider: str, person: str) -> str:
    """What a provider calls somebody: stable, and no number that means anything elsewhere."""
    return f"{provider}-{person}"
