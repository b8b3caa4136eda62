"""Timeouts and retries of a route rule."""

from __future__ import annotations

from typing import Any

from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.target import Target
from meshlint.semantics.convert.durations import duration, milliseconds
from meshlint.semantics.convert.stay import Stay, only

_ALWAYS = frozenset({"connect-failure", "refused-stream", "unavailable", "cancelled"})  # what Istio sets for an HTTPRoute
_CODES = "retriable-status-codes"
_RETRY = "spec.rules[].retry"


def timeouts(timeout: Node, each: Node, target: Target, retried: bool) -> dict[str, str]:
    """`timeouts` of a rule; `each`, the perTryTimeout, counts where retries are carried over."""
    out = {"request": duration(timeout)} if timeout and milliseconds(timeout) else {}
    if retried and each and milliseconds(each):
        if out and milliseconds(each) > milliseconds(timeout):
            raise Stay(each, "has a perTryTimeout above the timeout, which timeouts.backendRequest must not be")
        out["backendRequest"] = duration(each)
    if out and not target.field(Kind.HTTP_ROUTE, "spec.rules[].timeouts").in_target:
        raise Stay(timeout, "has a timeout, and HTTPRoute has none in the target")
    return out


def retry(retries: Node, target: Target, default_changed: bool) -> dict[str, Any] | None:
    """`retry` of a rule; None where the policy is what Istio does without one."""
    if not retries:
        return None
    only(retries, frozenset({"attempts", "perTryTimeout", "retryOn", "backoff"}), "retries")
    again = retries.get("retryIgnorePreviousHosts")
    if again.value is False:
        raise Stay(again, "retries at hosts that were tried already (retryIgnorePreviousHosts), and for an HTTPRoute Istio prefers others")
    attempts, codes = retries.get("attempts").value, _codes(retries.get("retryOn"))
    if not isinstance(attempts, int) or isinstance(attempts, bool):
        raise Stay(retries, "has retries without attempts, which switches them off", "Write attempts.")
    if attempts == 2 and codes == [503] and not default_changed and not retries.get("perTryTimeout") and not retries.get("backoff"):
        return None
    field = target.field(Kind.HTTP_ROUTE, _RETRY)
    if not field.in_target or target.reads(Kind.HTTP_ROUTE, _RETRY) is False:
        raise Stay(retries, f"has a retry policy, and HTTPRoute has none in the {target.channel} channel ({field.since})")
    if attempts == 0:
        return {"attempts": 0}
    out: dict[str, Any] = {"attempts": attempts}
    if codes:
        out["codes"] = codes
    if retries.get("backoff"):
        out["backoff"] = duration(retries.get("backoff"))
    return out


def _codes(node: Node) -> list[int]:
    """The status codes of retryOn, if what is beside them is what Istio sets for every HTTPRoute."""
    if not node.text:
        return [503]  # Istio's default: these four conditions and 503
    named = [part.strip() for part in node.text.split(",") if part.strip()]
    codes = [int(part) for part in named if part.isdigit()]
    others = {part for part in named if not part.isdigit()} - {_CODES}
    if others != _ALWAYS or any(not 400 <= code < 600 for code in codes):
        raise Stay(
            node, f"retries on {node.text}, and for an HTTPRoute Istio retries on {', '.join(sorted(_ALWAYS))} and status codes",
        )  # fmt: skip
    return list(dict.fromkeys(codes))
