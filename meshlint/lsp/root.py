"""One project of the workspace: when what is read, judged and published. Everything but the first reading runs on the event loop,
in slices, so that requests are answered in between."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterable

from meshlint import engine
from meshlint.check.registry import Registry
from meshlint.config import Config
from meshlint.lsp.session import Session
from meshlint.project import Project

_SLICE = 0.01  # seconds of work, after which others get their turn

Publish = Callable[["Root", Iterable[str]], None]
Failed = Callable[[str, BaseException], None]


class Root:
    """`session` is None until the project was read. `open`: the texts of open documents, by path."""

    def __init__(self, project: Project, config: Config, registry: Registry, publish: Publish, failed: Failed) -> None:
        self.project = project
        self.config = config
        self.registry = registry
        self.session: Session | None = None
        self.settled = asyncio.Event()
        self.open: dict[str, str] = {}
        self._publish = publish
        self._failed = failed
        self._changed: dict[str, str] = {}
        self._reread: set[str] = set()
        self._closed: set[str] = set()
        self._saved: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._worker: asyncio.Task[None] | None = None
        self._frozen = False

    def path_of(self, full: str) -> str:
        return os.path.relpath(os.path.realpath(full), self.project.root).replace(os.sep, "/")

    def full(self, path: str) -> str:
        return os.path.join(self.project.root, *path.split("/"))

    def holds(self, full: str) -> bool:
        return os.path.realpath(full).startswith(self.project.root.rstrip(os.sep) + os.sep)

    # what happens to it
    async def load(self, progress: engine.Progress | None, told: Callable[[str], Awaitable[None]]) -> None:
        """Read the project and lint it. `told` gets what is being done, now and then."""
        session = Session(self.project, self.config, self.registry)
        await asyncio.to_thread(session.load, dict(self.open), progress)
        self.session = session
        await told("rules")
        self._start()

    def opened(self, path: str, text: str) -> None:
        self.open[path] = text
        self._closed.discard(path)
        if self.session is not None:
            held = self.session.files.get(path)
            if held is not None and held.source is not None and held.source.text == text.removeprefix("\ufeff"):
                self.session.texts[path] = text
            else:
                self._changed[path] = text
                self._start()

    def changed(self, path: str, text: str, delay: float) -> None:
        """Somebody types; once that pauses, it counts."""
        self.open[path] = self._changed[path] = text
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, self._start)

    def saved(self, path: str) -> None:
        self._saved.add(path)
        self._start()

    def closed(self, path: str) -> None:
        self.open.pop(path, None)
        self._changed.pop(path, None)
        self._closed.add(path)
        self._start()

    def reread(self, paths: Iterable[str]) -> None:
        self._reread.update(paths)
        self._start()

    # how it catches up
    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.session is not None and (self._worker is None or self._worker.done()):
            self.settled.clear()
            self._worker = asyncio.get_running_loop().create_task(self._work(self.session))

    async def _work(self, session: Session) -> None:
        try:
            while True:
                self.catch_up()
                if await self._settle(session):
                    self._publish(self, session.finish())
                    self._freeze()
                    if not self._waiting():
                        break
        except Exception as error:
            self._failed("linting", error)
        finally:
            self.settled.set()

    def _freeze(self) -> None:
        """A repository as it was read, and what rules asked of it, is not worth looking through for what can be let go of."""
        if not self._frozen:
            self._frozen = True
            gc.collect()
            gc.freeze()

    async def _settle(self, session: Session) -> bool:
        """Renew all findings; False where something else changed meanwhile."""
        until = time.monotonic() + _SLICE
        for _ in session.settle():
            if time.monotonic() > until:
                await asyncio.sleep(0)
                if self._waiting() or self.session is not session:
                    return False
                until = time.monotonic() + _SLICE
        return True

    def _waiting(self) -> bool:
        return bool((self._changed and self._timer is None) or self._reread or self._closed or self._saved)

    def catch_up(self) -> None:
        """Take in what changed, and renew the findings of the files that did."""
        session = self.session
        if session is None:
            return
        changed, self._changed = self._changed, {}
        saved, self._saved = self._saved, set()
        try:
            self._take(session, changed, saved)
        except Exception as error:  # what it knows may be half of the old and half of the new
            self._failed("a change", error)
            session.load(self.open)
        self._publish(self, session.first({*changed, *saved} - session.drafts.keys()) | (changed.keys() & session.drafts.keys()))

    def _take(self, session: Session, changed: dict[str, str], saved: Collection[str]) -> None:
        for path, text in changed.items():
            session.typed(path, text)
        for path in saved:
            session.saved(path)
        reread, self._reread = self._reread, set()
        closed, self._closed = self._closed, set()
        closed = {path for path in closed if path not in self.open and self._differs(session, path)}
        if reread or closed:
            session.reread([path for path in reread if path not in self.open], closed)

    def _differs(self, session: Session, path: str) -> bool:
        """Was a closed document left with another text than on disk?"""
        text = session.drafts.get(path, session.texts.get(path))
        try:
            with open(self.full(path), encoding="utf-8", newline="") as file:
                same = file.read() == text
        except (OSError, UnicodeDecodeError):
            same = False
        if same and path not in session.drafts:
            session.texts.pop(path, None)
        return text is not None and not (same and path not in session.drafts)
