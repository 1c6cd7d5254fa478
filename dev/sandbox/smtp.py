"""Receive the product's own mail over SMTP and put it into the inbox."""

import asyncio
import email.policy
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial

from sandbox import mail
from sandbox.store import Document
from sandbox.world import World

VENDOR = "mail"  # the name that fault rules and the request log use
MAX_LINE_BYTES = 1024 * 1024
ADDRESS = re.compile(r"<([^<>]*)>")


@dataclass
class Connection:
    """Hold one SMTP connection and the recipients named so far."""

    world: World
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    recipients: list[str] = field(default_factory=list)

    async def serve(self) -> None:
        """Answer the client's commands until it quits or goes away."""
        await self.reply(220, "sandbox")
        while line := (await self.reader.readline()).decode(errors="replace").strip():
            if not await self.obey(line):
                return

    async def obey(self, line: str) -> bool:
        """Execute one command and return whether the connection stays open."""
        match line.partition(" ")[0].upper():
            case "RCPT" if found := ADDRESS.search(line):
                self.recipients.append(found[1])
            case "DATA" if self.recipients:
                return await self.receive_message()
            case "MAIL" | "RSET":
                self.recipients.clear()
            case "HELO" | "EHLO" | "NOOP":
                pass
            case "QUIT":
                await self.reply(221, "bye")
                return False
            case _:
                await self.reply(502, "not implemented here")
                return True
        await self.reply(250, "ok")
        return True

    async def receive_message(self) -> bool:
        """Read a message, deliver it unless a fault rule says otherwise, and answer."""
        await self.reply(354, "end with a dot")
        content = await self.read_content()
        path = ",".join(self.recipients)
        rule = self.world.faults.take_rule(vendor=VENDOR, method="DATA", path=path)
        if rule is None or rule["after_effect"]:
            deliver(self.world, self.recipients, parse_message(content))
        status = 250 if rule is None else rule["status"]
        record_request(self.world, path, content, status)
        self.world.store.commit()
        if rule and rule["timeout"]:
            await asyncio.sleep(rule["timeout"])
        if status is None:
            return False  # cut without an answer
        await self.reply(status, "ok" if rule is None else "Injected by the sandbox.")
        return True

    async def read_content(self) -> bytes:
        """Read the lines of a message up to the final dot."""
        lines: list[bytes] = []
        while (line := await self.reader.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    async def reply(self, code: int, text: str) -> None:
        """Send one reply."""
        self.writer.write(f"{code} {text}\r\n".encode())
        await self.writer.drain()


def parse_message(content: bytes) -> EmailMessage:
    """Parse a message as its author wrote it."""
    return email.message_from_bytes(content, EmailMessage, policy=email.policy.default)


def deliver(world: World, recipients: list[str], message: EmailMessage) -> None:
    """Put a copy for each recipient into the inbox."""
    for to in recipients:
        mail.deliver_mail(
            world,
            to=to,
            kind="notice",
            subject=str(message["Subject"]),
            text=get_part(message, "plain"),
            html=get_part(message, "html"),
        )


def get_part(message: EmailMessage, kind: str) -> str:
    """Return the text of a message in one form, or nothing."""
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""


def record_request(world: World, path: str, content: bytes, status: int | None) -> None:
    """Log a message as the request logs of the vendors do."""
    document: Document = {"vendor": VENDOR, "method": "DATA", "path": path, "query": ""}
    world.log.record(**document, body=content, headers={}, status=status)


async def handle_connection(
    world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve one connection and close it."""
    try:
        await Connection(world, reader, writer).serve()
    except ConnectionError:
        pass  # the client went away
    finally:
        writer.close()


async def start_server(world: World) -> asyncio.Server | None:
    """Listen on the SMTP port of the settings, or on none when it is 0."""
    if not world.settings.smtp_port:
        return None
    return await asyncio.start_server(
        partial(handle_connection, world),
        world.settings.host,
        world.settings.smtp_port,
        limit=MAX_LINE_BYTES,
    )
