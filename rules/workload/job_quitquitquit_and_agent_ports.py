"""ML307 job-quitquitquit-and-agent-ports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Mesh, Node, Problem, Resource, Severity, changes, may_say, rule, strings_below, written

_PORTS = "15000|15004|15020|15021"
_LOCAL = re.compile(rf"(?:localhost|127\.0\.0\.1|\[::1\]):({_PORTS})(?!\d)")
_WRAPPERS = re.compile(r"(?:^|[\s/'\"])(pilot-agent|scuttle|envoy-preflight)(?=$|[\s'\"])")
_VARIABLES = frozenset({"ENVOY_ADMIN_API", "ISTIO_QUIT_API", "START_WITHOUT_ENVOY"})
_WORDS = (*_PORTS.split("|"), "pilot-agent", "scuttle", "envoy-preflight", *map(str.lower, _VARIABLES))  # none of them: nothing to say
_TOLERANT = re.compile(r"(\|\||;)\s*(true|:)(?=\s|$|['\"])")
_LOOPS = re.compile(rf"\b(?:until|while)\b[^;\n]*{_LOCAL.pattern}")
_KILLS = re.compile(r"\b(?:pkill|killall)\b[^;&|\n]*\bpilot-agent\b")
_WAITS = re.compile(r"\b(until|while)\b|healthz/ready|\bwait\b")
_CALL = r"(?:curl|wget)\b(?:[^;&|\n]|>&\d)*"
_ENDS = rf"{_CALL}{_LOCAL.pattern}/quitquitquit(?:[^;&|\n]|>&\d)*"
_CUT = (
    re.compile(rf"trap\s+(['\"])\s*{_CALL}{_LOCAL.pattern}/quitquitquit[^'\"\n]*\1\s+EXIT\s*(?:;|&&|\n|$)\s*"),
    re.compile(
        rf"(?:until|while\s+!)\s+{_CALL}{_LOCAL.pattern}(?:[^;&|\n]|>&\d|&>)*[;\n]\s*do\s+"
        r"(?:(?:sleep|echo)\b[^;&|\n]*[;\n]\s*)+done\s*(?:;|&&|\n|$)\s*"
    ),
    re.compile(rf"\s*(?:;|&&|\n)\s*{_ENDS}(?=\s*(?:;|\n|$))"),
)
_Said = tuple[Node, str, Severity | None]  # the place, what is wrong there, the severity if not the rule's
_OF_ISTIO = frozenset({"istio-proxy", "istio-init", "istio-validation"})


@rule(
    "ML307", "job-quitquitquit-and-agent-ports", Severity.ERROR, impact=Impact.BREAKS, each=WORKLOADS, reads=[],
    evidence="code",
    sources=[
        "istio/ztunnel@62d8265:src/proxyfactory.rs, src/config.rs (in a pod 15001, 15006 and 15008 listen; 15000, 15020 and 15021 do in "
        "ztunnel's own)",
        "https://istio.io/latest/docs/ambient/migrate/", "https://github.com/istio/istio/issues/6324",
    ],
    remedy="Run the program itself: there is no sidecar to wait for or to end.",
    points_to=[],
)  # fmt: skip
def job_quitquitquit_and_agent_ports(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A container talks to the sidecar of its pod: waits for its health port, ends it by /quitquitquit, probes its ports.

    In ambient nothing listens on localhost ports 15000, 15004, 15020 and 15021 of the pod. A job that waits for the proxy
    never starts its work, and one that ends with a call of `quitquitquit` fails with the call. The workaround is not needed
    any more: a job's pod completes with its container.

    ```yaml
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: migrate
      namespace: shop
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: migrate
              image: shop/migrate:1.4
              command:
                - sh
                - -c
                - /app/migrate && curl -sf -XPOST http://127.0.0.1:15020/quitquitquit # expect: ML307
    ```

    Remedy: the program as the command, without wrapper (`scuttle`, `envoy-preflight`, `pilot-agent`). Where one manifest serves
    both data planes for a while, tolerate the failure (`|| true`) and bound the waiting. Once the pods are ambient, or with
    `--phase cleanup`, the fix takes out what it knows: loops of `curl` or `wget` that wait for the sidecar, calls of
    `quitquitquit` at the end or in a `trap`, a wrapper before the program, its variables. It needs a look, as every change of a
    script does. There is no automatic fix for other scripts, and none for probes.

    A note where a script tolerates that the call fails (`|| true`), a warning where a variable only tells of the port. Not reported when
    the port is another one (the Cloud SQL proxy has a `/quitquitquit` on 9091) or that of another host, when the pods are
    gateways, which have these ports, or stay out of the mesh; containers of Istio itself are
    [pod-inject-override](pod-inject-override.md).
    """
    workload = mesh.workload(resource) if may_say(resource.root, *_WORDS) else None
    if workload is None or workload.gateway or not mesh.candidate(resource):
        return
    spec = workload.template.get("spec")
    for container in (*spec.each("initContainers"), *spec.each("containers")):
        name = container.get("name").text
        if name in _OF_ISTIO:
            continue
        for at, said, severity in _talks(container):
            text = f"{resource.title}, container {name or '(unnamed)'}, {said}."
            yield Problem(at, text, severity, fix=partial(_fix, resource, at, mesh))


def _talks(container: Node) -> Iterator[_Said]:
    for field in ("command", "args", "lifecycle"):
        yield from _in_scripts(container.get(field))
    for variable in container.each("env"):
        value = variable.get("value")
        if variable.get("name").text in _VARIABLES:
            said = f"sets {variable.get('name').text} for a wrapper that waits for the sidecar, and there is none in ambient"
            yield variable.get("name"), said, None
        elif _LOCAL.search(written(value)):
            said = f"is told of localhost:{_port(written(value))}, where no sidecar listens in ambient"
            yield value, said, Severity.WARNING
    for field in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield from _probed(container.get(field))


def _in_scripts(node: Node) -> Iterator[_Said]:
    for at in strings_below(node):
        text = written(at)
        if said := _said(text):
            tolerated = _TOLERANT.search(text) and not _LOOPS.search(text)
            yield at, said, Severity.NOTE if tolerated else None


def _said(text: str) -> str:
    if _LOCAL.search(text):
        port = _port(text)
        waits = f"waits for the sidecar at localhost:{port}, where nothing listens in ambient: it waits for ever"
        if _LOOPS.search(text):
            return waits
        if _TOLERANT.search(text):
            return f"calls the sidecar at localhost:{port} and tolerates that it fails, as it always will in ambient"
        if "quitquitquit" not in text and _WAITS.search(text):
            return waits
        return f"calls the sidecar at localhost:{port}, where nothing listens in ambient: the call fails"
    if _KILLS.search(text):
        return "ends the sidecar's pilot-agent, and there is none in ambient"
    wrapper = _WRAPPERS.search(text)
    return f"runs {wrapper[1]}, which talks to the sidecar, and there is none in ambient" if wrapper else ""


def _port(text: str) -> str:
    found = _LOCAL.search(text)
    return found[1] if found else ""


def _probed(probe: Node) -> Iterator[_Said]:
    for kind in ("httpGet", "tcpSocket"):
        port = probe.get(kind, "port")
        if not probe.get(kind, "host").present and str(port.value) in _PORTS.split("|"):
            yield port, f"is probed at port {port.value} of the sidecar, where nothing listens in ambient: the probe fails", None
    yield from _in_scripts(probe.get("exec", "command"))


def _fix(resource: Resource, at: Node, mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    above = at.parent
    if above is None or not pods.sidecars_gone(resource, mesh):
        return None
    if at.text in _VARIABLES:
        return pods.without([above], f"Set {at.text} no more")
    if above.is_list and at == next(above.each()) and (at.text or "").rpartition("/")[2] in ("scuttle", "envoy-preflight"):
        several = above.path[-1:] == ("command",) and len([*above.each()]) > 1
        return pods.without([at], "Run the program itself") if several else None
    text = at.text or ""
    left = text
    for known in _CUT:
        left = known.sub("", left)
    if not left.strip() or left == text or _said(left):
        return None
    return changes().set(at, left).fix("Leave the sidecar out of the script")
