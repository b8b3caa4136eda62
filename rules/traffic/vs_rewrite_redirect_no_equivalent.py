"""ML118 vs-rewrite-redirect-no-equivalent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from meshlint.api import Field, Impact, Kind, Mesh, Node, Problem, Resource, Severity, converted, rule

_FILTERS = "spec.rules[].filters[]"
_WHOLE_PATH = frozenset({".*", "/.*", "^.*$", "^/.*$"})
_HOSTNAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_OPERATOR = re.compile(r"(?<!%)%[A-Z][A-Z0-9_]*(\([^)]*\))?%")
_PORT = "Write the port that is meant as requestRedirect.port, or keep the VirtualService."
_OPERATOR_REMEDY = "Istio hands the value on to Envoy, so try it there; else let the application set the header."
Found = tuple[Node, str, bool, str | None]  # where, what, whether it has a counterpart, and its own remedy


@rule(
    "ML118", "vs-rewrite-redirect-no-equivalent", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["rewrite", "redirect", "mirror", "mirrors", "set", "add"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=[
        "gateway-api v1.6.1 apis/v1/httproute_types.go", "istio pilot/pkg/config/kube/gateway/conversion.go",
        "ingress2gateway pkg/i2gw/providers/istio/converter.go",
    ],
    remedy="Rewrite it with ReplacePrefixMatch, ReplaceFullPath and hostname, or keep the VirtualService.",
    points_to=[],
)  # fmt: skip
def vs_rewrite_redirect_no_equivalent(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A rewrite, redirect or mirror of the mesh says what the filters of the target's HTTPRoute cannot say.

    URLRewrite and RequestRedirect replace the whole path, the matched prefix, and the host name; they know no captures, no
    port in the name, and not every way to derive the port. Redirect codes beside 301 and 302 came with Gateway API 1.5,
    shares of mirrored traffic with 1.3. Converters drop the piece and print a valid object.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings]  # expect: ML105
      http:
        - rewrite:
            uriRegexRewrite:  # expect: ML118
              match: /v1/users/([^/]+)
              rewrite: /users/\\1
          route: [{destination: {host: ratings}}]
    ```

    Remedy: several rules with ReplacePrefixMatch where the paths can be listed; for captures keep the VirtualService or let
    the application do it. meshlint can convert the VirtualService where a route says the same as the whole of it, as of what only
    converters leave out. There is no automatic fix elsewhere: requests that listed rules forget would arrive unchanged.

    One finding for each of uriRegexRewrite, rewrite.authority, redirect.derivePort, redirect.redirectCode and the mirror's
    percentage. A note for an authority with a counterpart that converters leave out all the same, and where a header is set by
    an operator of Envoy (`%...%`): the Gateway API does not define that, though Istio goes on expanding it. Not reported when
    the expression stands for the whole path and captures nothing; when the target has what is needed; when the rule is for
    gateways only, which go on executing it (but with `--goal gateway-api`); with `--goal ambient`; and when the namespace of
    the host stays out of the mesh.
    """
    for rule_ in mesh.converted_rules(service):
        for at, said, minor, remedy in (*_rewrite(rule_), *_redirect(rule_, mesh), *_mirror(rule_, mesh), *_headers(rule_)):
            severity, impact = (Severity.NOTE, Impact.ADVICE) if minor else (None, None)
            fix, subject = partial(converted, [service], mesh), mesh.mesh_subject(service)
            yield Problem(at, f"{service.title} {said}.", severity, impact, remedy=remedy, fix=fix, subject=subject)


def _rewrite(rule_: Node) -> Iterator[Found]:
    regex, authority = rule_.get("rewrite", "uriRegexRewrite"), rule_.get("rewrite", "authority")
    if regex.is_map and not _replaces_all(regex):
        said = "rewrites paths by a regular expression, and URLRewrite of HTTPRoute replaces a prefix or the whole path only"
        yield regex, said, False, None
    if authority.text and _HOSTNAME.fullmatch(authority.text):
        said = f"rewrites the authority to {authority.text}, which converters such as ingress2gateway leave out"
        yield authority, said, True, "Write it as urlRewrite.hostname."
    elif authority.text:
        said = f"rewrites the authority to {authority.text}, and URLRewrite of HTTPRoute takes a plain host name only"
        yield authority, said, False, None


def _replaces_all(regex: Node) -> bool:
    match, by = regex.get("match"), regex.get("rewrite")
    return match.unknown or by.unknown or (match.text in _WHOLE_PATH and "\\" not in (by.text or ""))


def _redirect(rule_: Node, mesh: Mesh) -> Iterator[Found]:
    redirect = rule_.get("redirect")
    authority = redirect.get("authority")
    if authority.text:
        same = "" if redirect.get("redirectCode") else ", with statusCode: 301, as its own default is 302"
        remedy = f"Write it as requestRedirect.hostname (and port){same}."
        yield authority, f"redirects to {authority.text}, which converters such as ingress2gateway leave out", True, remedy
    derive, scheme, code = redirect.get("derivePort"), redirect.get("scheme"), redirect.get("redirectCode")
    if derive.text == ("FROM_REQUEST_PORT" if scheme.present else "FROM_PROTOCOL_DEFAULT"):
        has = "takes the default port of the scheme" if scheme.present else "takes the port of the request"
        yield derive, f"redirects with derivePort {derive.text}, and RequestRedirect of HTTPRoute {has} here", False, _PORT
    if code:
        field = mesh.target.enum_value(Kind.HTTP_ROUTE, f"{_FILTERS}.requestRedirect.statusCode", str(code.value))
        if not field.in_target:
            said = f"redirects with {code.value}, and RequestRedirect of HTTPRoute cannot in {_target(mesh)} ({field.since})"
            yield code, said, False, "Use 301 or 302, move to a release that has the code, or keep the VirtualService."


def _mirror(rule_: Node, mesh: Mesh) -> Iterator[Found]:
    if not rule_.get("mirror") and not rule_.get("mirrors"):
        return
    shares = [rule_.get("mirrorPercentage", "value"), rule_.get("mirrorPercent"), rule_.get("mirror_percent")]
    shares += [mirror.get("percentage", "value") for mirror in rule_.each("mirrors")]
    for share in shares:
        value = share.value if isinstance(share.value, (int, float)) else 100
        field = _share(value, mesh)
        if 0 < value < 100 and not field.in_target:
            said = f"mirrors {value} % of the requests, and RequestMirror of HTTPRoute mirrors all of them in {_target(mesh)}"
            remedy = "Move to a release that has the share, mirror everything, or keep the VirtualService."
            yield share, f"{said} ({field.since})", False, remedy


def _share(value: float, mesh: Mesh) -> Field:
    name = "percent" if float(value).is_integer() else "fraction"
    return mesh.target.field(Kind.HTTP_ROUTE, f"{_FILTERS}.requestMirror.{name}")


def _headers(rule_: Node) -> Iterator[Found]:
    for holder in (rule_, *rule_.each("route")):
        for side in ("request", "response"):
            for change in ("set", "add"):
                for name, value in holder.get("headers", side, change).items():
                    if value.text and (found := _OPERATOR.search(value.text)):
                        said = f"sets the header {name} by {found[0]}, an operator of Envoy that the Gateway API does not define"
                        yield value, said, True, _OPERATOR_REMEDY


def _target(mesh: Mesh) -> str:
    return f"the {mesh.target.channel} channel of Gateway API {mesh.target.gateway_api}"
