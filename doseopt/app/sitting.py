"""A session: what one page asks, the processes that answer it, and the budget that they share."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

from doseopt.app.editing import bundled
from doseopt.app.verbs import LONG, VERBS
from doseopt.app.words import GLOSSARY
from doseopt.app.worker import Ended, Limits, Worker
from doseopt.core.parameters import Fault, Faults

type Send = Callable[[str, dict[str, Any]], Awaitable[None]]
"""Sends a message of a kind to the page."""
FROM_HAND = ("next",)
"""Pages that are not made by what takes long."""
PROCESSES = ("hand", "curve", "job")
"""Of a session: for what is typed and read, the graphs of the curve, what takes long."""


class Sitting:
    """One page and its `PROCESSES`: a graph that takes long keeps neither the next dose nor an amendment waiting.

    Parameters
    ----------
    send : callable
    limits : Limits
    begin : (str, str)
        Text and path of the study that the server was started with.
    """

    def __init__(self, send: Send, limits: Limits, begin: tuple[str, str]) -> None:
        self._send, self._limits, self._begin = send, limits, begin
        self._workers: dict[str, Worker] = {}
        self._turns = {which: asyncio.Lock() for which in PROCESSES}
        self._asked: dict[int, str] = {}
        self._answering: dict[str, int] = {}
        self._study: dict[str, Any] | None = None
        self._trial: dict[str, Any] | None = None
        self._used, self._over = 0.0, False

    async def hear(self, message: Any) -> None:
        """Answer what a page asks: `id`, a number, `verb` and `given`."""
        if not isinstance(message, dict) or not isinstance(message.get("given", {}), dict):
            return
        name, verb, given = message.get("id"), message.get("verb"), message.get("given", {})
        if not isinstance(name, int) or name in self._asked:
            return
        try:
            answer = {"answer": await self._answer(str(verb), given, name)}
        except Faults as faults:
            answer = {"faults": [{"where": each.where, "message": each.message} for each in faults.faults]}
        except Ended as why:
            answer = {"ended": str(why)}
        await self._send("answer", {"id": name, **answer})

    async def _answer(self, verb: str, given: dict[str, Any], name: int) -> Any:
        if verb == "begin":
            return {"text": self._begin[0], "bundled": list(bundled()), "words": GLOSSARY}
        if verb == "bundled":
            return {"text": bundled().get(str(given.get("name")), "")}
        if verb == "cancel":
            return self._cancel(given.get("question"))
        if verb not in VERBS:
            raise Faults([Fault("verb", "wanted one that the app knows")])
        late = verb in LONG or (verb == "written" and given.get("name") not in FROM_HAND)
        which = "curve" if verb == "curve" else "job" if late else "hand"

        async def tell(text: str) -> None:
            await self._send("progress", {"id": name, "text": text})

        self._asked[name] = which
        try:
            async with self._turns[which]:
                if name not in self._asked:
                    raise Ended("cancelled")
                self._answering[which] = name
                found = await self._ask(which, verb, given, None if which == "hand" else tell)
        finally:
            self._asked.pop(name, None)
        if verb == "read" and not found["faults"]:
            self._study, self._trial = given, None
        if verb == "trial":
            self._trial = given
        return {"base64": base64.b64encode(found).decode("ascii")} if isinstance(found, bytes) else found

    async def _ask(self, which: str, verb: str, given: dict[str, Any], tell: Any) -> Any:
        """Ask a process whose turn it is, a new one if need be, once it knows what the page has said so far."""
        if self._over:
            raise Ended("the session has ended")
        if which not in self._workers:
            left = self._limits.seconds - self._used
            if left < 1:
                raise Ended("the processor time of this session is used up: load the page anew, and ask for less")
            self._workers[which] = Worker(self._limits, self._begin, int(left))
        worker = self._workers[which]
        known = {"read": self._study, "trial": None if which == "curve" else self._trial}
        for each, said in known.items():
            if verb != each and said is not None and worker.told.get(each) is not said:
                await worker.ask(each, said)
        try:
            return await worker.ask(verb, given, tell)
        except Ended:
            self._end(which)
            raise

    def _cancel(self, question: Any) -> None:
        """End what is computed for a question, or let it not begin."""
        which = self._asked.pop(question, None) if isinstance(question, int) else None
        if which is not None and self._answering.get(which) == question:
            self._end(which)

    def _end(self, which: str) -> None:
        worker = self._workers.pop(which, None)
        if worker is not None:
            worker.end()
            self._used += worker.used

    def end(self) -> None:
        """End the session, and all that it knows."""
        self._study, self._trial, self._over = None, None, True
        for which in list(self._workers):
            self._end(which)
