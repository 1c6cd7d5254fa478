"""Normalize and refuse VAT numbers by the form of each country."""

import pytest

from billing.customers import vat
from billing.errors import VatIdInvalid
from billing.providers.stripe import tax_ids

# One number of each form that a country issues, and one of a wrong length or shape.
FORMS = {
    "AT": ("ATU12345675", "AT123456789"),
    "BE": ("BE0776091951 BE1023456789", "BE776091951 BE2776091951"),
    "BG": ("BG175074752 BG7523169263", "BG12345678"),
    "CY": ("CY10259033P", "CY102590331"),
    "CZ": ("CZ25123891 CZ991231123 CZ7103192745", "CZ1234567 CZ12345678901"),
    "DE": ("DE136695976", "DE12345678 DE1234567890 DEA36695976"),
    "DK": ("DK13585628", "DK123456789"),
    "EE": ("EE100931558", "EE10093155"),
    "EL": ("EL094259216", "EL94259216"),
    "ES": ("ESJ99216582 ESB58378431 ES54362315K ESX2482300W", "ES123456789 ESB5837843"),
    "FI": ("FI20774740", "FI2077474"),
    "FR": ("FR40303265045 FRK7399859412 FR4Z123456782", "FRIO303265045 FR303265045"),
    "HR": ("HR33392005961", "HR3339200596"),
    "HU": ("HU12892312", "HU1289231"),
    "IE": ("IE6433435F IE6433435OA IE8D79739I IE8+79739I", "IE64334350 IE643343F"),
    "IT": ("IT00743110157", "IT0074311015"),
    "LT": ("LT119511515 LT100001919017", "LT1195115150"),
    "LU": ("LU15027442", "LU1502744"),
    "LV": ("LV40003521600", "LV4000352160"),
    "MT": ("MT11679112", "MT1167911"),
    "NL": ("NL004495445B01 NL002455799B11", "NL004495445A01 NL004495445"),
    "PL": ("PL8567346215", "PL856734621"),
    "PT": ("PT501964843", "PT50196484"),
    "RO": ("RO18547290 RO99", "RO1 RO12345678901"),
    "SE": ("SE123456789701", "SE1234567897"),
    "SI": ("SI50223054", "SI5022305"),
    "SK": ("SK2022749619", "SK202274961"),
    "XI": ("XI123456789 XI123456789012 XIGD123", "XI12345"),
    "GB": ("GB980780684 GB123456789012 GBGD001 GBHA599", "GB12 GBGD1"),
}

# https://docs.stripe.com/billing/customer/tax-ids#supported-tax-id
STRIPE_EXAMPLES = {
    "eu_vat": """ATU12345678 BE0123456789 BG0123456789 CY12345678Z CZ1234567890 DE123456789 DK12345678
        EE123456789 EL123456789 ESA1234567Z FI12345678 FRAB123456789 HR12345678912 HU12345678
        IE1234567AB IT12345678912 LT123456789123 LU12345678 LV12345678912 MT12345678 NL123456789B12
        PL1234567890 PT123456789 RO1234567891 SE123456789123 SI12345678 SK1234567891
        XI123456789""".split(),
    "gb_vat": ["GB123456789"],
    "ch_vat": ["CHE-123.456.789 MWST"],
    "no_vat": ["123456789MVA"],
}


@pytest.mark.parametrize("type_", STRIPE_EXAMPLES)
def test_examples_of_stripe_are_sent_as_they_are(type_):
    for example in STRIPE_EXAMPLES[type_]:
        assert (vat.normalize_number(example), tax_ids.get_type(example)) == (example, type_)


@pytest.mark.parametrize("prefix", [*vat.EUROPEAN_FORMS, *vat.OTHER_FORMS])
def test_each_country_has_its_forms(prefix):
    accepted, refused = (text.split() for text in FORMS[prefix])

    assert [vat.normalize_number(number.lower()) for number in accepted] == accepted
    for number in refused:
        with pytest.raises(VatIdInvalid):
            vat.normalize_number(number)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("de 123.456-789", ("eu_vat", "DE123456789")),
        ("EL123456789", ("eu_vat", "EL123456789")),
        ("GR 123456789", ("eu_vat", "EL123456789")),
        ("XI123456789", ("eu_vat", "XI123456789")),
        ("gb 123 4567 89", ("gb_vat", "GB123456789")),
        ("CHE-123.456.789 MWST", ("ch_vat", "CHE-123.456.789 MWST")),
        ("CHE123456789TVA", ("ch_vat", "CHE-123.456.789 TVA")),
        ("che 123 456 789 iva", ("ch_vat", "CHE-123.456.789 IVA")),
        ("CHE-123.456.789", ("ch_vat", "CHE-123.456.789 MWST")),
        ("123456789mva", ("no_vat", "123456789MVA")),
        ("NO 123 456 789", ("no_vat", "123456789MVA")),
        ("NO123456789MVA", ("no_vat", "123456789MVA")),
    ],
)
def test_vat_number_is_normalized_and_typed(text, kind):
    value = vat.normalize_number(text)
    assert (tax_ids.get_type(value), value) == kind


@pytest.mark.parametrize(
    "text",
    [
        "123456789",
        "US123456789",
        "CHE12345678",
        "CH123456789",
        "CHE123456789VAT",
        "DE",
        "ÄÖ123",
        "DE12345678٩",
        "MVA",
    ],
)
def test_other_vat_numbers_are_refused(text):
    with pytest.raises(VatIdInvalid):
        vat.normalize_number(text)
