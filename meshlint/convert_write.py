"""What `meshlint convert` changes: files in place, a unified diff of them, or a folder with what was made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from meshlint.conversion import as_written, together
from meshlint.files import replace
from meshlint.model.conversion import Converted, Outcome
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.model.problem import Edit
from meshlint.read.decode import decode, encoding_of, read_bytes
from meshlint.report.conversion import dumps

if TYPE_CHECKING:
    from meshlint.conversions import Run


class Changed:
    """The new texts of files, by path from the project's root, and what could not be written."""

    def __init__(self, run: Run) -> None:
        self.sources: dict[str, Source] = {}
        self.texts: dict[str, str] = {}
        self.left: list[str] = []
        found = list(_clear(run, self.left))
        if not found:
            return
        changes, left = together(found)
        self.left += [f"{one.resource.title} in {run.project.show(one.resource.file)} is left as it is: {why}" for one, why in left]
        fix = changes.fix("")
        for node in (node for one in found for node in (one.resource.root, *one.unused)):
            self.sources.setdefault(node.file, node.table.source)
        edits: dict[str, list[Edit]] = {}
        for edit in fix.edits if fix is not None else ():
            edits.setdefault(edit.file, []).append(edit)
        for path, here in edits.items():
            self.texts[path] = _applied(self.sources[path].text, here)


def _clear(run: Run, left: list[str]) -> Iterator[Converted]:
    """The conversions that come out the same in every environment, with the subsets that nobody else uses."""
    by_root: dict[Node, list[Converted]] = {}
    for verdict in run.verdicts:
        by_root.setdefault(verdict.found.resource.root, []).append(verdict.found)
    alike = {root: found for root, found in by_root.items() if len({repr(as_written(one).documents) for one in found}) == 1}
    going = {root for root, found in alike.items() if found[0].whole}
    going |= {delegate.root for root in going for delegate in alike[root][0].inlined}
    for root, found in by_root.items():
        one = found[0]
        if root not in alike:
            said = "it converts differently in each environment"
            left.append(f"{one.resource.title} in {run.project.show(one.resource.file)} is left as it is: {said}")
        elif one.outcome is not Outcome.STAYS:
            yield one._replace(unused=tuple(node for node in one.unused if not _used_elsewhere(node, run, going)))


def _used_elsewhere(subset: Node, run: Run, going: set[Node]) -> bool:
    name = subset.get("name").text or ""
    return any(
        sent.route.root not in going
        for mesh in run.meshes
        for rule in mesh.all(Kind.DESTINATION_RULE)
        if rule.root.table is subset.table and any(item == subset for item in rule.spec.each("subsets"))
        for sent in mesh.subset_users(rule, name)
    )


def _applied(text: str, edits: list[Edit]) -> str:
    out, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.span.start.offset, edit.span.end.offset)):
        out += [text[at : edit.span.start.offset], edit.text]
        at = edit.span.end.offset
    return "".join((*out, text[at:]))


def differences(run: Run) -> str:
    """One unified diff of the changes in place, as `git apply` takes it."""
    from difflib import unified_diff

    changed = Changed(run)
    parts = []
    for path, text in sorted(changed.texts.items()):
        old = changed.sources[path].text.splitlines(keepends=True)
        lines = unified_diff(old, text.splitlines(keepends=True), f"a/{run.project.show(path)}", f"b/{run.project.show(path)}")
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(parts)


def write_in_place(run: Run) -> list[str]:
    """Change the files; what was written and what not, in lines."""
    changed = Changed(run)
    said = list(changed.left)
    for path, text in sorted(changed.texts.items()):
        full = os.path.join(run.project.root, path)
        content = read_bytes(full)
        mark, encoding = encoding_of(content)
        if decode(content) != changed.sources[path].text:
            said.append(f"{run.project.show(path)} has changed since it was read, and is left as it is")
            continue
        replace(full, mark + text.encode(encoding))
        said.append(f"wrote {run.project.show(path)}")
    return said or ["nothing to write"]


def write_beside(run: Run, folder: str) -> list[str]:
    """A file for each object that converts, in a folder; files that are there are not replaced."""
    os.makedirs(folder, exist_ok=True)
    said = []
    names: set[str] = set()
    for verdict in run.verdicts:
        found = verdict.found
        if not found.documents:
            continue
        resource = found.resource
        name = "-".join(part for part in (resource.namespace, resource.name, "gateway" if resource.kind.kind == "Gateway" else "") if part)
        number = sum(1 for one in names if one == name or one.startswith(f"{name}."))
        names.add(f"{name}.{number}" if number else name)
        path = os.path.join(folder, f"{name}{f'.{number}' if number else ''}.yaml")
        if os.path.exists(path):
            said.append(f"{path} is there already, and is left as it is")
            continue
        documents = [*found.documents, *([found.remainder] if found.remainder is not None else [])]
        replace(path, dumps(documents).encode())
        said.append(f"wrote {path}")
    return said or ["nothing to write"]
