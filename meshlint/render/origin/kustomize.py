"""What kustomize printed, with the origin of every value: base, patch, or a field of a kustomization."""

from __future__ import annotations

from bisect import bisect_right

from meshlint.model.document import Document
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.render.level import Level
from meshlint.render.origin.apply import Applied
from meshlint.render.origin.changes import Changes, Sources
from meshlint.render.origin.generated import generated
from meshlint.render.origin.made import Made, objects
from meshlint.render.origin.match import Claims
from meshlint.render.origin.strip import Noted, stripped
from meshlint.render.origin.substitute import Substitution
from meshlint.render.recipe import Missing, Outcome, Recipe
from meshlint.render.run.stage_kustomize import KustomizeStage
from meshlint.render.tree import Tree, resolve


class KustomizeMade(Made):
    """The output of one kustomization."""

    def __init__(self, tree: Tree, recipe: Recipe, staged: KustomizeStage) -> None:
        self.recipe = recipe
        self.level: Level = staged.levels[staged.files.real(recipe.folder) or ""]
        self.place = recipe.applied_by or self.level.root
        self.sources = Sources(tree, staged.files)
        self.changes = Changes(staged.levels, self.level.folder, recipe.overlay, self.sources)
        self.substitution = Substitution(recipe) if recipe.substitute is not None else None
        self._start = staged.start
        self._copied = staged.stage.sources
        self.missing = [*(Missing(what, self.place) for what in dict.fromkeys(staged.missing)), *recipe.missing]

    def outcome(self, text: str) -> Outcome:
        substitute = self.substitution.on if self.substitution is not None else None
        cleaned, noted = stripped(text, substitute)
        starts = [note.start for note in noted]

        def origins(document: Document, start: int) -> KustomizeOrigins:
            return KustomizeOrigins(document, noted[max(0, bisect_right(starts, start) - 1)], self)

        file, drafts = objects(cleaned, self.level.file, origins, self.recipe.namespace)
        reason, missing = self.lacking()
        return Outcome(drafts, reason, output=(file,), missing=missing)

    def file_of(self, path: str) -> str | None:
        """The file of the repository that kustomize means."""
        staged = resolve(self._start, path)
        return self._copied.get(staged) if staged is not None else None


class Base(NamedTuple):
    """What an object is made of: the document it was, the file it was in."""

    root: Node
    file: str


class KustomizeOrigins:
    """The origins of one object, worked out when the first one is asked for."""

    def __init__(self, document: Document, note: Noted, made: KustomizeMade) -> None:
        self._document = document
        self._note = note
        self._made = made
        self._base: Base | None = None
        self._claims: Claims | None = None

    def of(self, row: int) -> tuple[Node, bool]:
        if row == self._document.root.row:
            base = self.base()
            return base.root, bool(self._note.path)
        claims = self.claims()
        found = claims.of(Node(self._document.root.table, row))
        return found if found is not None else (self.base().root, False)

    def base(self) -> Base:
        if self._base is None:
            self._base = self._find()
        return self._base

    def _find(self) -> Base:
        note, made = self._note, self._made
        file = made.file_of(note.path) if note.path else None
        if file is not None and (root := self._document_in(made.sources.roots(file))) is not None:
            return Base(root, file)
        file = made.file_of(note.configured_in) if note.configured_in else None
        level = next((level for level in made.changes.levels.values() if level.file == file), made.level)
        return Base(generated(level.root, note.configured_by, self._name()), level.file)

    def _name(self) -> str:
        return self._document.root.get("metadata", "name").text or ""

    def _document_in(self, roots: list[Node]) -> Node | None:
        """The document of a file that an object was: of its kind, with a name that the object's holds; of several, as where a
        variable is the name, the one with the most of its values."""
        group = self._document.api_version.rpartition("/")[0]
        name = self._name()
        scores: dict[int, tuple[int, Node]] = {}
        for number, root in enumerate(roots):
            of = (root.get("apiVersion").text or "").rpartition("/")[0]
            if root.get("kind").text == self._document.kind and of == group:
                written = root.get("metadata", "name").text or ""
                scores[number] = (len(written) + 1_000 * (written == name) if written and written in name else 0, root)
        most = max((score for score, _ in scores.values()), default=0)
        best = [root for score, root in scores.values() if score == most]
        return max(best, key=self._held) if len(best) > 1 else best[0] if best else None

    def _held(self, root: Node) -> int:
        """How many values of the object are those of a document."""
        claims = Claims()
        claims.take(self._document.root, root)
        return len(claims.exact)

    def claims(self) -> Claims:
        if self._claims is None:
            base = self.base()
            self._claims = claims = Claims()
            root = self._document.root
            applied = Applied(root, base.root, claims)
            if self._note.path:
                claims.take(root, base.root)
            else:
                applied.generate(base.root, self._made.sources, base.file)
            for change in self._made.changes.of(base.file):
                applied.change(change)
            if self._made.substitution is not None:
                self._made.substitution.claim(root, claims)
        return self._claims


