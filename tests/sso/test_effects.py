"""Effects hold what is to be done, and show nothing that opens a door when they are printed."""

from sso.effects import Cookie


def test_the_value_of_a_cookie_is_never_printed() -> None:
    assert "hush" not in repr(Cookie("session", "hush"))
