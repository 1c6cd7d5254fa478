"""Keep every mail of the vendors and of the product, for people and tests to read."""

from itertools import islice
from typing import Literal, NotRequired, TypedDict, Unpack
from uuid import uuid4

from sandbox.store import Document
from sandbox.world import World

KIND = "core.mail"
MAX_MAILS = 2000

type MailKind = Literal["discovery", "invite", "login", "otp", "sms", "notice"]


class Mail(TypedDict):
    """Describe a mail as its recipient reads it."""

    to: str
    kind: MailKind
    subject: str
    text: str
    html: NotRequired[str]
    organization: NotRequired[str]
    link: NotRequired[str]
    token: NotRequired[str]
    code: NotRequired[str]
    expires_at: NotRequired[str]


def deliver_mail(world: World, **mail: Unpack[Mail]) -> None:
    """Put a mail into the inbox and drop the oldest ones when it is full."""
    id_ = f"mail-{uuid4()}"
    empty = dict.fromkeys(("organization", "link", "token", "code", "expires_at", "html"))
    created_at = world.clock.now().isoformat(timespec="milliseconds")
    world.store.put_document(KIND, id_, {"id": id_, **empty, **mail, "created_at": created_at})
    if world.store.count_documents(KIND) > MAX_MAILS:
        for old in islice(world.store.list_ids(KIND), MAX_MAILS // 2):
            world.store.delete_document(KIND, old)


def find_mails(world: World, *, email: str = "") -> list[Document]:
    """Return the mails newest first, optionally of one address."""
    wanted = email.strip().lower()
    mails = [
        mail for mail in world.store.list_documents(KIND) if wanted in {"", mail["to"].lower()}
    ]
    return mails[::-1]
