"""Mail that the product sends itself, over SMTP."""

import smtplib
from email.message import EmailMessage

import pytest

TO = ["ada@acme.example", "bob@acme.example"]


@pytest.fixture
def send(served, control):
    """Send one mail, with a text and an HTML part, as a mail client would."""

    def send_mail(text="It failed.\n.\n..", *, to=TO):
        message = EmailMessage()
        message["Subject"] = "Grüße: a payment failed"
        message["From"] = "billing@tenantry.example"
        message["To"] = ", ".join(to)
        message.set_content(text)
        message.add_alternative("<p>It <b>failed</b>.</p>", subtype="html")
        with smtplib.SMTP("127.0.0.1", served.settings.smtp_port, timeout=10) as server:
            server.send_message(message)

    return send_mail


def test_mail_reaches_each_recipients_inbox(control, send):
    send()

    for address in TO:
        (mail,) = control.mails(address)
        assert mail["subject"] == "Grüße: a payment failed"
        assert mail["kind"] == "notice"
        assert mail["text"].splitlines() == ["It failed.", ".", ".."]
        assert "<b>failed</b>" in mail["html"]


def test_inbox_page_shows_text_and_escaped_html(control, send):
    send("<script>alert(1)</script>")

    shown = control.http.get("/inbox").text

    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert(1)" not in shown
    assert "&lt;b&gt;failed" in shown


@pytest.mark.parametrize("status", [451, 554])
def test_fault_refuses_a_mail_once(control, send, status):
    control.post("/faults", vendor="mail", path="bob@acme", status=status)

    with pytest.raises(smtplib.SMTPDataError) as refused:
        send()
    assert control.mails(TO[0]) == []
    send()

    assert refused.value.smtp_code == status
    assert [r["status"] for r in control.requests("mail")] == [status, 250]


def test_fault_may_lose_the_answer_after_delivery(control, send):
    control.post("/faults", vendor="mail", path="", drop=True, after_effect=True)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        send()

    assert len(control.mails(TO[0])) == 1


def test_unknown_command_is_refused_and_the_connection_stays(served, control):
    with smtplib.SMTP("127.0.0.1", served.settings.smtp_port, timeout=10) as server:
        assert server.docmd("VRFY", "ada")[0] == 502
        assert server.docmd("DATA")[0] == 502
        assert server.noop()[0] == 250
