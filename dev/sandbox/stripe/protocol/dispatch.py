"""Handle one request to the Stripe API, from authentication to the answer."""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from sandbox.store import Document
from sandbox.stripe.protocol import form_encoding, parameters, schemas, unsupported_parameters
from sandbox.stripe.protocol.documents import build_object_id
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.events import Cause
from sandbox.stripe.protocol.expansion import expand_answer
from sandbox.stripe.protocol.idempotency import Answer, IdempotencyKeys, hash_request
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.schemas import Endpoint
from sandbox.world import World

log = logging.getLogger(__name__)
PREFIX = "/v1"


@dataclass(frozen=True)
class Call:
    """Hold what a handler works with."""

    ledger: Ledger
    path: dict[str, str]
    params: dict[str, Any]


type Handler = Callable[[Call], Document]


class Dispatcher:
    """Find the handler of a request and apply authentication, typing and idempotency around it."""

    def __init__(self, world: World, handlers: Mapping[str, Handler]) -> None:
        self._world = world
        self._keys = IdempotencyKeys(world.store)
        # Literal segments before variable ones: `/invoices/create_preview` is not an invoice's id.
        known = [endpoint for endpoint in schemas.load_endpoints() if endpoint.name in handlers]
        self._endpoints = sorted(known, key=lambda endpoint: endpoint.path.count("{"))
        self._handlers = handlers

    async def serve(self, request: Request) -> Response:
        """Answer one request.

        Nothing is awaited after the body is read, so that each request is atomic.
        """
        body = (await request.body()).decode(errors="replace")
        request_id = build_object_id("request")
        try:
            answer = self._answer(request, body, request_id)
        except StripeError as refusal:
            answer = Answer(refusal.status, refusal.body(request_id))
        return self._response(request, answer, request_id)

    def _answer(self, request: Request, body: str, request_id: str) -> Answer:
        self._authenticate(request.headers.get("authorization", ""))
        endpoint, ids = self._resolve(request.method, get_raw_path(request))
        text = body if request.method == "POST" else request.url.query
        params = parameters.coerce_parameters(endpoint.params, form_encoding.decode_form(text))
        unsupported_parameters.refuse_unsupported_parameters(endpoint.name, set(params))
        key = request.headers.get("idempotency-key")
        ledger = Ledger(self._world, cause=Cause(request_id, key))
        call = Call(ledger, ids, params)
        if key is None or request.method != "POST":
            return self._run(endpoint, call, request_id)
        return self._once(key, endpoint, call, request_id)

    def _once(self, key: str, endpoint: Endpoint, call: Call, request_id: str) -> Answer:
        print_ = hash_request(endpoint.method, endpoint.path + str(call.path), call.params)
        stored = self._keys.claim_key(key, print_)
        if stored:
            return stored
        try:
            answer = self._run(endpoint, call, request_id)
        except StripeError as refusal:
            if not refusal.stored:
                self._keys.release_key(key)
                raise
            answer = Answer(refusal.status, refusal.body(request_id))
        self._keys.store_answer(key, print_, answer)
        return answer

    def _run(self, endpoint: Endpoint, call: Call, request_id: str) -> Answer:
        try:
            doc = self._handlers[endpoint.name](call)
            schemas.check_answer(doc)
            doc = expand_answer(call.ledger, doc, call.params.get("expand", []))
        except StripeError:
            raise
        except Exception:
            log.exception("The sandbox failed at %s.", endpoint.name)
            failure = StripeError("The sandbox failed; see its log.", status=500, kind="api_error")
            return Answer(500, failure.body(request_id))
        call.ledger.commit()
        return Answer(200, doc)

    def _authenticate(self, header: str) -> None:
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "basic":
            value = parse_basic_user(value)
        if not value:
            raise StripeError("You did not provide an API key.", status=401, stored=False)
        if value != self._world.settings.stripe_secret_key:
            shown = f"{value[:8]}{'*' * 8}{value[-4:]}" if len(value) > 16 else "*" * 8
            raise StripeError(f"Invalid API Key provided: {shown}", status=401, stored=False)

    def _resolve(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        for endpoint in self._endpoints:
            ids = match_template(endpoint.path, path) if endpoint.method == method else None
            if ids is not None:
                return endpoint, ids
        raise StripeError(f"Unrecognized request URL ({method}: {path}).", status=404, stored=False)

    def _response(self, request: Request, answer: Answer, request_id: str) -> Response:
        version = request.headers.get("stripe-version", schemas.API_VERSION)
        headers = {"Request-Id": request_id, "Stripe-Version": version}
        if key := request.headers.get("idempotency-key"):
            headers["Idempotency-Key"] = key
            headers["Original-Request"] = request_id
        if answer.replayed:
            headers["Idempotent-Replayed"] = "true"
        content = json.dumps(answer.body, indent=2, ensure_ascii=False)
        return Response(content, answer.status, headers, media_type="application/json")


def parse_basic_user(credentials: str) -> str:
    """Return the user of basic credentials, where curl puts the key, or an empty text."""
    try:
        return base64.b64decode(credentials).decode(errors="replace").partition(":")[0]
    except ValueError:
        return ""


def get_raw_path(request: Request) -> str:
    """Return the path below the prefix as it was sent, since an id may contain an encoded slash."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return PREFIX + raw.decode().partition("?")[0].partition(PREFIX)[2]


def match_template(template: str, path: str) -> dict[str, str] | None:
    """Return the variables of a path that matches a template, or None."""
    wanted, given = template.split("/"), path.rstrip("/").split("/")
    if len(wanted) != len(given):
        return None
    ids: dict[str, str] = {}
    for want, got in zip(wanted, given, strict=True):
        if want.startswith("{"):
            ids[want.strip("{}")] = unquote(got)
        elif want != got:
            return None
    return ids
