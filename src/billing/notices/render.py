"""Render a notice as a subject, a text and an HTML page from one wording.

`templates/{kind}.txt` holds the wording: the subject first, then paragraphs, with empty lines between.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.template import Context, Engine

from billing import front_end
from billing.models import NoticeKind
from billing.notices.drafts import Draft

TEMPLATES: Final = [str(Path(__file__).parent / "templates")]
TEXT: Final = Engine(dirs=TEMPLATES, autoescape=False)
HTML: Final = Engine(dirs=TEMPLATES, autoescape=True)

# Not about billing: these name no billing page, and may go to staff.
GENERAL_KINDS: Final = frozenset(
    {
        NoticeKind.ADMIN_LOST,
        NoticeKind.ORGANIZATION_SUSPENDED,
        NoticeKind.ORGANIZATION_RESTORED,
    }
)


@dataclass(frozen=True, slots=True)
class RenderedNotice:
    """What the mail of a notice contains."""

    subject: str
    text: str
    html: str


def render_notice(draft: Draft) -> RenderedNotice:
    """Render a notice in both forms."""
    is_general = draft.kind in GENERAL_KINDS
    name = flatten(draft.organization.name)
    facts = {key: flatten(value) for key, value in draft.facts.items()}
    wording = _render(TEXT, f"{draft.kind}.txt", {"organization": name, **facts})
    subject, *paragraphs = filter(None, map(flatten, re.split(r"\n\s*\n", wording)))
    page = {
        "organization": name,
        "subject": subject,
        "paragraphs": paragraphs,
        "link": "" if is_general else front_end.get_billing_url(draft.organization),
        "is_general": is_general,
    }
    return RenderedNotice(
        subject=subject,
        text=_render(TEXT, "layout.txt", page),
        html=_render(HTML, "layout.html", page),
    )


def flatten(text: str) -> str:
    """Return a text on one line, as a subject must be."""
    return " ".join(text.split())


def _render(engine: Engine, name: str, values: Mapping[str, object]) -> str:
    return engine.get_template(name).render(Context(dict(values), autoescape=engine.autoescape))
