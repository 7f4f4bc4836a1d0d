"""DBOS: a step a call, a workflow a branch. A workflow replays by the order in which its steps began, so that branches
which go on side by side, each at its own pace, must be workflows of their own.
"""

from __future__ import annotations

import asyncio

from dbos import DBOS, SetWorkflowID

from tests.benchmarks.peers.calls import Branch, Call, Provider
from tests.benchmarks.peers.workers.endpoint import serve
from tests.benchmarks.peers.workers.job import read_job
from tests.benchmarks.peers.workers.paying import Payer

_job = read_job()
_payer = Payer(_job)
_finished: set[str] = set()


async def _pay(name: str, provider: Provider) -> dict[str, object]:
    return await _payer.pay(Call(name, provider))


async def _branch(world: str, path: list[int]) -> None:
    branch = _job.worlds[world].at(path)
    for stage in branch.stages:
        await asyncio.gather(*(pay(call.name, call.provider) for call in stage))
    await _follow(branch, world, path)
    if not path:
        _finished.add(world)


async def _follow(branch: Branch, world: str, path: list[int]) -> None:
    """Run the branches that follow: one of a single call as a step, the others as workflows."""
    single = [call for after in branch.then if (call := after.only_call) is not None]
    numbers = [number for number, after in enumerate(branch.then) if after.only_call is None]
    children = [await DBOS.start_workflow_async(run_branch, world, [*path, number]) for number in numbers]
    await asyncio.gather(
        *(pay(call.name, call.provider) for call in single), *(child.get_result() for child in children)
    )


pay = DBOS.step(name="pay")(_pay)
run_branch = DBOS.workflow(name="branch")(_branch)


async def _order(world: str) -> None:
    with SetWorkflowID(world):
        await DBOS.start_workflow_async(run_branch, world, [])


async def main() -> None:
    """Run until killed; launching takes up what a worker before this one left."""
    DBOS(config={"name": "peers", "system_database_url": _job.engine, "log_level": "WARNING"})
    DBOS.launch()
    found = await DBOS.list_workflows_async(workflow_ids=list(_job.worlds), status="SUCCESS")
    _finished.update(workflow.workflow_id for workflow in found)
    await serve(_job.port, _order, _finished)


if __name__ == "__main__":
    asyncio.run(main())
