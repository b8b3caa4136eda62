"""Conversions as YAML documents, JSON (schemas/meshlint/convert.v1.json), Markdown, and as a table of verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TextIO

from meshlint.edit.emit import Style, lines_of
from meshlint.model.conversion import Because, Converted, Document, Outcome
from meshlint.model.node import dotted
from meshlint.model.problem import Location
from meshlint.report.inline import code, inline
from meshlint.report.visible import decodable, visible

_VERBS = {Outcome.CONVERTS: ("converts", "convert"), Outcome.SPLIT: ("is split", "are split"), Outcome.STAYS: ("stays", "stay")}

Json = dict[str, Any]


class VerdictLike(Protocol):
    @property
    def found(self) -> Converted: ...
    @property
    def environments(self) -> tuple[str, ...]: ...


class ProjectLike(Protocol):
    def show(self, path: str) -> str: ...


class RunLike(Protocol):
    @property
    def verdicts(self) -> Sequence[VerdictLike]: ...
    @property
    def target(self) -> Any: ...
    @property
    def project(self) -> ProjectLike: ...


def dumps(documents: Sequence[Document]) -> str:
    """Objects as YAML, with --- between them."""
    style = Style()
    return "---\n".join("".join(f"{line}\n" for line in lines_of(document, style)) for document in documents)


def write(run: RunLike, form: str, out: TextIO) -> None:
    {"yaml": _yaml, "json": _json, "markdown": _markdown, "table": _table}[form](run, out)


def _yaml(run: RunLike, out: TextIO) -> None:
    """What is to be applied, with a comment in front that says where it comes from. What two of them need is written once."""
    written: list[Document] = []
    held = [one.found.place for one in run.verdicts]
    for one in run.verdicts:
        found = one.found
        documents = [*found.documents, *([found.remainder] if found.remainder is not None else [])]
        fresh = [document for document in documents if document not in written]
        if fresh:
            where = f" in {', '.join(one.environments)}" if held.count(found.place) > 1 else ""
            said = f"# {found.resource.title} ({_place(found, run)}) {found.outcome.value}{where}"
            out.write(f"{'---' + chr(10) if written else ''}{visible(said)}\n")
            out.write(dumps(fresh))
            written += fresh


def _place(found: Converted, run: RunLike) -> str:
    at = Location.of(found.resource.file, found.resource.root.place)
    return f"{run.project.show(at.file)}:{at.line}"


def _table(run: RunLike, out: TextIO) -> None:
    if not run.verdicts:
        out.write("meshlint: there is nothing to convert\n")
        return
    held = [one.found.place for one in run.verdicts]
    for one in run.verdicts:
        found = one.found
        where = f"  in {', '.join(one.environments)}" if held.count(found.place) > 1 else ""
        out.write(f"{found.outcome.value:<9} {visible(found.resource.title)}  {visible(_place(found, run) + where)}\n")
        for reason in found.because:
            out.write(f"            {visible(_elsewhere(reason, found, run) + _said(reason))}\n")
            if reason.remedy:
                out.write(f"              {visible(reason.remedy)}\n")
        for note in found.notes:
            out.write(f"            note: {visible(_said(note))}\n")
    out.write(f"{_summed(run)}\n")


def _elsewhere(reason: Because, found: Converted, run: RunLike) -> str:
    """The file that a reason stands in, where it is another one."""
    return "" if reason.at.file == found.resource.file else f"{run.project.show(reason.at.file)}: "


def _said(reason: Because) -> str:
    path = dotted(reason.at.path)
    return f"{path}: {reason.text}" if path else reason.text


def _summed(run: RunLike) -> str:
    counts = {outcome: sum(one.found.outcome is outcome for one in run.verdicts) for outcome in Outcome}
    said = ", ".join(f"{number} {_VERBS[outcome][number > 1]}" for outcome, number in counts.items() if number)
    return f"{said}; target {run.target}"


def _json(run: RunLike, out: TextIO) -> None:
    import json

    out.write(decodable(json.dumps(report(run), ensure_ascii=False, indent=2)) + "\n")


def report(run: RunLike) -> Json:
    """The report as plain values, in the order in which it is written."""
    from meshlint import __version__

    target = run.target
    return {
        "version": 1,
        "tool": {"name": "meshlint", "version": __version__},
        "target": {"istio": str(target.istio), "gateway_api": str(target.gateway_api), "channel": target.channel},
        "summary": {outcome.value: sum(one.found.outcome is outcome for one in run.verdicts) for outcome in Outcome},
        "verdicts": [_verdict(one, run) for one in run.verdicts],
    }


def _verdict(one: VerdictLike, run: RunLike) -> Json:
    found = one.found
    resource = found.resource
    return {
        "outcome": found.outcome.value,
        "object": {"api_version": resource.api_version, "kind": resource.kind.kind, "namespace": resource.namespace, "name": resource.name},
        **_at(found.resource.root.place, resource.file, run),
        "environments": list(one.environments),
        "because": [_reason(reason, run) for reason in found.because],
        "notes": [_reason(note, run) for note in found.notes],
        "documents": list(found.documents),
        "remainder": found.remainder,
        "unused_subsets": [{"path": dotted(node.path), **_at(node.place, node.file, run)} for node in found.unused],
        "inlined": [{"namespace": delegate.namespace, "name": delegate.name} for delegate in found.inlined],
    }


def _reason(reason: Because, run: RunLike) -> Json:
    return {
        "path": dotted(reason.at.path), "message": reason.text, "remedy": reason.remedy, **_at(reason.at.place, reason.at.file, run),
    }  # fmt: skip


def _at(place: Any, file: str, run: RunLike) -> Json:
    at = Location.of(run.project.show(file), place)
    return {"file": at.file, "line": at.line, "column": at.column}


def _markdown(run: RunLike, out: TextIO) -> None:
    out.write(f"### meshlint convert\n\n{inline(_summed(run))}\n\n| object | verdict | why |\n|---|---|---|\n")
    for one in run.verdicts:
        found = one.found
        why = "<br>".join(inline(_said(reason)).replace("|", "\\|") for reason in (*found.because, *found.notes))
        out.write(f"| {code(found.resource.title)} ({inline(_place(found, run))}) | {found.outcome.value} | {why} |\n")
    made = list(_made(run))
    if made:
        out.write("\n| becomes | from |\n|---|---|\n" + "".join(f"| {code(new)} | {code(old)} |\n" for new, old in made))


def _made(run: RunLike) -> Iterator[tuple[str, str]]:
    for one in run.verdicts:
        for document in one.found.documents:
            metadata = document["metadata"]
            namespace = metadata.get("namespace", "")
            yield f"{document['kind']} {namespace + '/' if namespace else ''}{metadata['name']}", one.found.resource.title
