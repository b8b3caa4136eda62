"""Templates that were rendered, but whose conditions let some of their objects out in every environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from meshlint.model.document import Trouble
from meshlint.model.kind import RETIRED_KINDS, Kind
from meshlint.model.lazy_regex import lazy_regex
from meshlint.read.guess import guess_groups, said
from meshlint.render.charts import included
from meshlint.render.group import Group
from meshlint.render.tree import Tree, base, parent

_GROUPS: Final = ("istio.io", "gateway.networking.k8s.io")
_OURS: Final = frozenset(kind.kind for kind in set(Kind) - {*RETIRED_KINDS} if kind.group.endswith(_GROUPS))
_OBJECT: Final = lazy_regex(r"^kind:[ \t]*[\"']?(\w+)", re.MULTILINE)  # deeper ones are references as a rule
_GROUP: Final = lazy_regex(r"^apiVersion:[ \t]*[\"']?([\w.-]+)/", re.MULTILINE)
_NAMED: Final = 3


def given(groups: Iterable[Group]) -> dict[str, set[str]]:
    """The files that rendered objects come from, each with the kinds of the mesh among these. Where a template is named for an
    object, only those are traced to it: it takes most of the time of a run."""
    out: dict[str, set[str]] = {}
    for group in (group for group in groups if group.status == "rendered"):
        out.update((path, set()) for path in group.sources if path not in out)
        for draft in group.drafts:
            if draft.kind.kind in _OURS:
                out.setdefault(draft.document.file, set()).add(draft.kind.kind)
            elif not group.sources:
                out.setdefault(draft.document.file, set())
    return out


def held_back(tree: Tree, gave: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    """The kinds of the mesh that a template writes and no environment renders, by its path."""
    out: dict[str, tuple[str, ...]] = {}
    for path in sorted(gave):
        file = tree.files.get(path)
        if file is not None and file.template and file.source is not None and not included(path):
            kinds = {match[1] for match in _objects(file.source.glance())} - gave[path]
            if kinds:
                out[path] = tuple(sorted(kinds))
    return out


def _objects(text: str) -> Iterator[re.Match[str]]:
    """Where a template writes a kind of the mesh; the same name of another group (Linkerd has an AuthorizationPolicy) is none."""
    for match in _OBJECT.finditer(text):
        if match[1] in _OURS:
            start, end = text.rfind("\n---", 0, match.start()), text.find("\n---", match.end())
            groups = _GROUP.findall(text, max(start, 0), end if end >= 0 else len(text))
            if not groups or any(group.endswith(_GROUPS) for group in groups):
                yield match


def troubles(tree: Tree, left: Mapping[str, tuple[str, ...]]) -> Iterator[Trouble]:
    """One for each folder, at the first template of it."""
    folders: dict[str, list[str]] = {}
    for path in left:
        folders.setdefault(parent(path), []).append(path)
    for paths in folders.values():
        kinds = sorted({kind for path in paths for kind in left[path]})
        names = [base(path) for path in paths]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        of = f" of {', '.join(names[:_NAMED])}{more}" if len(names) > 1 else " here"
        source = tree.files[paths[0]].source
        at = next(match for match in _objects(source.text) if match[1] in left[paths[0]]) if source is not None else None
        span = source.span(at.start(1), at.end(1)) if source is not None and at is not None else None
        groups = [name for path in paths for name in _groups(tree, path) if name.rpartition("/")[2] in left[path]]
        they = "it was" if len(kinds) == 1 else "they were"
        message = f"no environment renders the {said([*kinds, *groups])}{of}, and so {they} not analysed"
        yield Trouble("not-analysed", paths[0], span, message, tuple(kinds))


def _groups(tree: Tree, path: str) -> tuple[str, ...]:
    source = tree.files[path].source
    return guess_groups(source.text) if source is not None else ()
