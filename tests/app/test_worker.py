"""Processes of a session: what they know dies with them, and they keep to their budget."""

import asyncio

import pytest
from app_study import SMALL

from doseopt import Faults
from doseopt.app.sitting import Sitting
from doseopt.app.worker import Ended, Limits, Worker


def run(question):
    """Run a coroutine of a worker, and end it."""

    async def asking():
        worker = Worker(Limits())
        try:
            return await question(worker)
        finally:
            worker.end()

    return asyncio.run(asking())


def test_it_answers_and_tells_faults_as_they_are():
    async def question(worker):
        await worker.ask("read", {"text": SMALL})
        with pytest.raises(Faults, match="p: wanted 2 DLT rates"):
            await worker.ask("curve", {"p": [0.1]})
        return await worker.ask("curve", {"p": [0.1, 0.25]})

    assert run(question)["right"] == [False, True]


def test_who_waits_is_told_that_it_was_cancelled():
    async def question(worker):
        await worker.ask("read", {"text": SMALL})
        asked = asyncio.create_task(worker.ask("maps", {}))
        await asyncio.sleep(0.01)
        worker.end()
        with pytest.raises(Ended, match="cancelled"):
            await asked
        return worker.used

    assert run(question) > 0


def test_processor_time_is_a_budget_of_the_session():
    sent = []

    async def send(kind, message):
        sent.append(message)

    async def asking():
        sitting = Sitting(send, Limits(seconds=1), (SMALL, "study"))
        for k in range(200):
            await sitting.hear({"id": k, "verb": "attainable" if k else "read", "given": {"text": SMALL}})
            if "ended" in sent[-1]:
                break
        sitting.end()

    asyncio.run(asking())
    assert "processor time" in sent[-1]["ended"]
