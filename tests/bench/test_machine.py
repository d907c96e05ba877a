"""What was measured on."""

from bench.machine import facts, processor


def test_the_model_of_the_first_processor_is_named() -> None:
    assert (
        processor("processor\t: 0\nmodel name\t: Some CPU @ 2.10GHz\nprocessor\t: 1\nmodel name\t: x\n")
        == "Some CPU @ 2.10GHz"
    )


def test_a_machine_that_names_no_model_is_named_by_its_kind() -> None:
    assert processor("") != ""


def test_everybody_who_is_measured_has_a_version_or_is_absent() -> None:
    told = "\n".join(facts())
    assert all(name in told for name in ("Python", "aiohttp", "nginx", "haproxy", "caddy", "PostgreSQL", "load"))
