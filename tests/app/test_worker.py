"""Processes of a session: what they know dies with them, and they keep to their budget."""

import asyncio

import pytest
from app_study import LARGE, SMALL

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


def test_a_large_graph_keeps_no_page_waiting_and_is_cancelled():
    answers, told = {}, asyncio.Event()

    async def send(kind, message):
        answers[message["id"]] = message
        if message.get("text") == "CRM":
            told.set()

    async def asking():
        sitting = Sitting(send, Limits(), (LARGE, "study"))
        await sitting.hear({"id": 1, "verb": "read", "given": {"text": LARGE}})
        p = [0.1] * 7
        await sitting.hear({"id": 2, "verb": "curve", "given": {"p": p, "designs": ["BOIN"]}})
        graph = asyncio.create_task(sitting.hear({"id": 3, "verb": "curve", "given": {"p": p}}))
        await asyncio.wait_for(told.wait(), 60)
        await sitting.hear({"id": 4, "verb": "trial", "given": {"outcomes": "1NNN"}})
        assert not graph.done()
        await sitting.hear({"id": 5, "verb": "cancel", "given": {"question": 3}})
        await asyncio.wait_for(graph, 60)
        sitting.end()

    asyncio.run(asking())
    assert answers[2]["answer"]["numbers"].keys() == {"BOIN"}
    assert answers[4]["answer"]["designs"]["BOIN"]["action"] == "treat"
    assert answers[3]["ended"] == "cancelled"


def test_each_question_is_about_the_patients_that_were_entered_before_it():
    """Asked while a process begins, and of others between: none is answered from another's patients."""
    answers = {}

    async def send(kind, message):
        answers[message["id"]] = message

    async def asking():
        sitting = Sitting(send, Limits(), (SMALL, "study"))
        await sitting.hear({"id": 0, "verb": "read", "given": {"text": SMALL}})
        asked = []
        for k, outcomes in enumerate(("1NNN", "1NNN 2NNT", "1NTT"), 1):
            await sitting.hear({"id": 10 * k, "verb": "trial", "given": {"outcomes": outcomes}})
            question = {"id": k, "verb": "pathways", "given": {"design": "BOIN", "cohorts": 1}}
            asked.append(asyncio.create_task(sitting.hear(question)))
            await asyncio.sleep(0)
        await sitting.hear({"id": 4, "verb": "cancel", "given": {"question": 2}})
        await asyncio.gather(*asked)
        sitting.end()

    asyncio.run(asking())
    assert answers[3]["answer"]["command"].endswith("--outcomes 1NTT")
    assert answers[2]["ended"] == "cancelled"
