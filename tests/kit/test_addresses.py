"""Compare and count the spellings of one address as one."""

import pytest

from kit.addresses import fold_email, normalize_domain, normalize_email

LONG = "x" * 70  # no label of a domain


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Ada@Acme.Example", "ada@acme.example"),
        (" ada@acme.example ", "ada@acme.example"),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
        ("ada@BU\u0308CHER.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@stra\u00dfe.example", "ada@xn--strae-oqa.example"),
        ("ada@\uff21cme.example", "ada@acme.example"),
        ("jose\u0301@acme.example", "jos\u00e9@acme.example"),
        ("\u212aim@acme.example", "kim@acme.example"),
        ("ada+tag@acme.example", "ada+tag@acme.example"),
        (f"ada@{LONG}.example", f"ada@{LONG}.example"),
        (f"ada@{LONG.upper()}.example", f"ada@{LONG}.example"),
    ],
)
def test_spellings_of_one_address_have_one_normal_form(written, normal):
    assert normalize_email(written) == normal
    assert normalize_email(normal) == normal


@pytest.mark.parametrize("other", ["\uff41da@acme.example", "\u00aada@acme.example"])
def test_compatibility_forms_are_counted_together_but_are_other_addresses(other):
    assert normalize_email(other) != "ada@acme.example"
    assert fold_email(other) == "ada@acme.example"


def test_domains_have_one_normal_form():
    assert normalize_domain("B\u00fccher.Example") == "xn--bcher-kva.example"
