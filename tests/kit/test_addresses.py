"""Count the spellings of one address as one."""

import pytest

from kit.addresses import normalize_email


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Ada@Acme.Example", "ada@acme.example"),
        ("\uff21da@acme.example", "ada@acme.example"),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
        ("ada+tag@acme.example", "ada+tag@acme.example"),
        ("ada@" + "x" * 70 + ".example", "ada@" + "x" * 70 + ".example"),
    ],
)
def test_spellings_of_one_mailbox_are_counted_together(written, normal):
    assert normalize_email(written) == normal
