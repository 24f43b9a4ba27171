"""The notice to the people filmed, by purpose."""

import pytest

from demeanor.serve.notice import cue_only_notice, notice
from demeanor.serve.sessions import Purpose


@pytest.mark.parametrize("purpose", Purpose)
def test_it_says_what_is_done_and_where_it_may_not_be(purpose: Purpose) -> None:
    text = notice(purpose, 24 * 3600.0)
    assert "Article 5(1)(f)" in text
    assert "after 24 hours" in text
    assert "$" not in text
    assert ("no emotion is inferred" in text) is purpose.cue_only


def test_cue_only_says_why() -> None:
    assert "prohibited in the EU" in cue_only_notice(Purpose.WORKPLACE)
