"""Refuse a request with the status and body that Stripe would send."""

from typing import Any, Literal

type ErrorType = Literal["api_error", "card_error", "idempotency_error", "invalid_request_error"]


class StripeError(Exception):
    """A refusal that is sent to the client.

    `stored` decides whether an idempotency key replays it.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: ErrorType = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        stored: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.stored = stored

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """Return the JSON body without absent parts, as Stripe does."""
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        for name in ("code", "param", "decline_code"):
            if (value := getattr(self, name)) is not None:
                error[name] = value
        if request_id:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


def build_missing_error(noun: str, id_: str, *, param: str = "id") -> StripeError:
    """Return the refusal for an unknown id, which is a 404 in the path and a 400 in a parameter."""
    return StripeError(
        f"No such {noun}: '{id_}'",
        status=404 if param == "id" else 400,
        code="resource_missing",
        param=param,
    )


def build_parameter_error(message: str, *, param: str, code: str | None = None) -> StripeError:
    """Return the refusal for an invalid parameter, which no idempotency key replays."""
    return StripeError(message, code=code, param=param, stored=False)


def build_absent_error(param: str) -> StripeError:
    """Return the refusal for a missing required parameter."""
    return build_parameter_error(
        f"Missing required param: {param}.", param=param, code="parameter_missing"
    )


def build_blank_error(param: str) -> StripeError:
    """Return the refusal for an empty value in a field that cannot be cleared."""
    return build_parameter_error(
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{param}' cannot be unset. You should remove '{param}' from your "
        "request or supply a non-empty value.",
        param=param,
        code="parameter_invalid_empty",
    )


def build_decline_error() -> StripeError:
    """Return the refusal for a card that was declined."""
    return StripeError(
        "Your card was declined.",
        status=402,
        kind="card_error",
        code="card_declined",
        decline_code="generic_decline",
    )


def build_action_error(code: str) -> StripeError:
    """Return the refusal for a charge that the customer has to authenticate first."""
    return StripeError(
        "Payment for this invoice requires additional user action before it can be completed "
        "successfully. Payment can be completed using the PaymentIntent associated with the invoice.",
        status=402,
        kind="card_error",
        code=code,
    )


def build_injected_error(status: int) -> dict[str, Any]:
    """Return the body of a fault that a test requested by status alone."""
    codes = {429: "rate_limit", 409: "idempotency_key_in_use", 402: "card_declined"}
    kinds: dict[int, ErrorType] = {409: "idempotency_error", 402: "card_error"}
    default: ErrorType = "api_error" if status >= 500 else "invalid_request_error"
    return StripeError(
        "Injected by the sandbox.",
        status=status,
        kind=kinds.get(status, default),
        code=codes.get(status),
    ).body()
