"""Nobody real: names say so, and numbers could not be anybody's."""

from proxy.simulation.people import PEOPLE


def test_every_name_says_that_it_is_a_sample() -> None:
    assert all(person.name.endswith("(mẫu)") for person in PEOPLE.values())


def test_no_number_could_be_somebodys() -> None:
    # The first three digits of a real number are a province's, which begin at 001.
    numbers = [
        number
        for person in PEOPLE.values()
        for number in (person.citizen_id, person.old_id, person.tax_code, person.enterprise_code)
        if number
    ]
    assert numbers
    assert all(number.startswith("000") for number in numbers)


def test_there_is_a_person_for_each_case_that_services_must_bear() -> None:
    kinds = {(person.account, person.level, bool(person.citizen_id)) for person in PEOPLE.values()}
    assert {(1, 2, True), (1, 1, True), (2, 2, False), (1, 2, False)} <= kinds
