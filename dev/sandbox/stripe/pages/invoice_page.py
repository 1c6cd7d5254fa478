"""Show an invoice in the browser and as a plain PDF."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.store import Document
from sandbox.stripe import checkout_completion, invoice_collection, late_payments, money
from sandbox.stripe.pages import rendering
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.world import World

SEE_OTHER = 303
LINE_HEIGHT_POINTS = 16
TOP_POINTS = 780
LEFT_POINTS = 60


async def show_invoice_page(world: World, request: Request) -> Response:
    """Show an invoice."""
    ledger = Ledger(world)
    invoice = rendering.find_page_object(ledger, "invoice", request)
    if invoice is None:
        return rendering.render_gone_page(world, request, "invoice")
    return rendering.render_stripe_page(world, request, "invoice.html", {"invoice": invoice})


async def submit_invoice_page(world: World, request: Request) -> Response:
    """Pay an open invoice, as a customer does after a reminder."""
    ledger = Ledger(world)
    invoice = rendering.find_page_object(ledger, "invoice", request)
    if invoice is None:
        return rendering.render_gone_page(world, request, "invoice")
    try:
        late_payments.apply_late_payment(
            ledger,
            invoice_collection.pay_invoice_now(
                ledger, invoice, method=checkout_completion.TEST_CARD
            ),
        )
    except StripeError as refusal:
        after = Ledger(world).get_object("invoice", invoice["id"])
        context = {"invoice": after, "refusal": refusal.message}
        return rendering.render_stripe_page(
            world, request, "invoice.html", context, status=refusal.status
        )
    ledger.commit()
    return RedirectResponse(f"/invoices/{invoice['id']}", SEE_OTHER)


async def show_invoice_pdf(world: World, request: Request) -> Response:
    """Return an invoice as a PDF file."""
    invoice = rendering.find_page_object(Ledger(world), "invoice", request)
    if invoice is None:
        return rendering.render_gone_page(world, request, "invoice")
    name = f'inline; filename="{invoice["number"] or invoice["id"]}.pdf"'
    body = build_pdf(format_invoice_lines(invoice))
    return Response(body, media_type="application/pdf", headers={"Content-Disposition": name})


def format_invoice_lines(invoice: Document) -> list[str]:
    """Return the text of an invoice, line by line."""
    currency = invoice["currency"]
    address = invoice["customer_address"] or {}
    parts = ("line1", "line2", "postal_code", "city", "state", "country")
    lines = [
        f"Invoice {invoice['number'] or '(draft)'}",
        f"{rendering.format_day(invoice['created'])}, {invoice['status']}",
        "",
        f"From: {invoice['account_name']}",
        f"To: {invoice['customer_name'] or invoice['customer_email'] or invoice['customer']}",
        ", ".join(str(address[part]) for part in parts if address.get(part)),
        "",
    ]
    lines += [
        f"{money.format_amount(line['amount'], currency):>14}   {line['description']}"
        for line in invoice["lines"]["data"]
    ]
    lines += [
        f"{money.format_amount(-entry['amount'], currency):>14}   Discount"
        for entry in invoice["total_discount_amounts"]
    ]
    lines += [
        f"{money.format_amount(entry['amount'], currency):>14}   Tax"
        for entry in invoice["total_taxes"]
    ]
    due = money.format_amount(invoice["amount_due"], currency)
    lines += [
        "",
        f"{money.format_amount(invoice['total'], currency):>14}   Total",
        f"{due:>14}   Due",
    ]
    return [*lines, "", "Made by a local sandbox: no money moved."]


def build_pdf(lines: list[str]) -> bytes:
    """Return a minimal PDF that shows lines of text on one page."""
    shown = "".join(f"({escape_pdf_text(line)}) Tj T*\n" for line in lines)
    content = (
        f"BT /F1 10 Tf {LINE_HEIGHT_POINTS} TL {LEFT_POINTS} {TOP_POINTS} Td\n{shown}ET".encode(
            "cp1252", "replace"
        )
    )
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>"
    page = (
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
        "/Resources << /Font << /F1 4 0 R >> >> >>"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page.encode(),
        font.encode(),
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
    ]
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        body
        + b"xref\n0 6\n0000000000 65535 f \n%btrailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            table,
            len(body),
        )
    )


def escape_pdf_text(text: str) -> str:
    """Return text escaped for a PDF string."""
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
