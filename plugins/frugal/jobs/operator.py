"""The only operator that starts anything that bills: submit or adopt, watch, stop on every way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferralError, TaskDeferralTimeout

from frugal.aws.retries import insist
from frugal.aws.run import Inputs
from frugal.aws.settings import Settings
from frugal.aws.tags import TaskKey
from frugal.jobs.adoption import Job, TaskJobs
from frugal.jobs.bills import Description
from frugal.jobs.capacity import Ladder, Rung
from frugal.jobs.kind import Request
from frugal.jobs.kinds import KINDS
from frugal.jobs.memory import Memory
from frugal.jobs.outcome import (
    AlgorithmFailed,
    CapacityUnavailable,
    JobStopped,
    TimedOut,
    refused_capacity,
)
from frugal.jobs.trigger import waits_for_capacity
from frugal.jobs.work import Work, gather

BuildRequest = Callable[[Inputs], dict[str, Any]]
# For what was told to stop: SIGTERM, 120 seconds, and the upload of what it leaves.
STOPPED_WITHIN = timedelta(hours=1)


class JobOperator(BaseOperator):
    """Runs one AWS job to its end, once.

    :param kind: name of a `JobKind`: training, processing, compilation, endpoint, ...
    :param base_name: what the job's name starts with
    :param requests: one builder of the Create request for each rung of the capacity ladder
    :param upstream: ids of the tasks whose results the builders read; the first holds the `Run`
    :param skip: reason to skip the task, or None
    :param reuse: the result of an earlier job that makes this one needless, or None
    :param document: URI of a JSON document that the job leaves, returned with the result
    :param ladder: decides which rungs are tried in which order, once a generation (see `adoption`)
    :param enter: called before a job is submitted, to make its rung's region ready; may be called again
    :param leave: called when a job is over, however it ended; what it returns changes the result

    Returns {"kind", "job", "arn", "status", "artifact", "image", "rung", "region", "ladder", "document",
    seconds and bill}. Raises a `JobError`; capacity that does not come moves to the next rung first.
    """

    def __init__(
        self,
        *,
        kind: str,
        base_name: str,
        requests: Sequence[BuildRequest],
        upstream: Sequence[str],
        skip: Callable[[Inputs], str | None] = lambda inputs: None,
        reuse: Callable[[Inputs], dict[str, Any] | None] = lambda inputs: None,
        document: Callable[[Inputs], str | None] = lambda inputs: None,
        ladder: Callable[[Inputs], Ladder] | None = None,
        enter: Callable[[Inputs, Rung], None] = lambda inputs, rung: None,
        leave: Callable[[Inputs, Rung, str], dict[str, Any]] = lambda inputs, rung, job: {},
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = KINDS[kind]
        self.base_name = base_name
        self.requests = requests
        self.upstream = upstream
        self.skip, self.reuse, self.document = skip, reuse, document
        self.ladder, self.enter, self.leave = ladder, enter, leave
        self._watched: tuple[Work, Job] | None = None
        self._killed = False

    def execute(self, context: Context) -> dict[str, Any]:
        """Skip, reuse, or start (or adopt) the job and defer until it is over."""
        inputs = self._inputs(context)
        if reason := self.skip(inputs):
            raise AirflowSkipException(reason)
        if result := self.reuse(inputs):
            self.log.info("Reused, nothing was started: %s", result)
            return result
        kept = _memory(context).ladder
        work = self._work(context, inputs, kept)
        listed = work.listed()
        latest = work.jobs.latest(listed)
        found = work.find(latest) if latest else None
        if latest and found:
            error = self.kind.failure(found, self.requests[latest.rung](inputs))
            if not self.kind.is_over(found) and not isinstance(error, JobStopped):
                return self._watch(work, latest, found)
            if error is None or isinstance(error, AlgorithmFailed | TimedOut):
                return self._finish(work, latest, found)
            if isinstance(error, CapacityUnavailable) and (rung := work.next_rung(latest)):
                return self._start(work, work.job(latest.generation, rung))
        if kept:
            work = replace(work, ladder=self._decide(context, inputs))
        generation = work.jobs.next_generation(listed)
        return self._start(work, work.job(generation, work.ladder.first))

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """The trigger saw the job end, or its rung's patience: look again, and succeed only if it really did
        what was asked. Airflow was seen to resume an attempt after a clear; that one begins at the beginning.

        Everything comes by the event: `dag.test()` loses the kwargs of a deferral.
        """
        job, region, given_up = event["job"], event["region"], event["given_up"]
        ladder = Ladder.from_json(event["ladder"]) if event["ladder"] else None
        work = self._work(context, self._inputs(context), ladder)
        named = work.jobs.parse(job, region)
        watched = named or Job(job, region)
        self._watched = work, watched
        if named and named.tries != work.jobs.tries:
            return self.execute(context)
        found = work.find(watched)
        if found is None:
            raise JobStopped(job, "is gone: it was deleted before its task ended")
        if self.kind.is_over(found):
            return self._finish(work, watched, found, given_up)
        if event["waited"] and not given_up and waits_for_capacity(found):
            given_up = True
            self._halt(work, watched, "got no capacity within the patience of its rung")
        return self._watch(work, watched, found, given_up)

    def again(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """What stood in the way is over: begin at the beginning."""
        return self.execute(context)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """As Airflow's, but a deferral that timed out or broke stops its job first."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralTimeout, TaskDeferralError) as error:
            work = self._work(context, self._inputs(context), _memory(context).ladder)
            listed = work.listed() or [work.job(0, work.ladder.first)]
            for job in work.running(listed):
                self._halt(work, job, f"is left: {error}")
            raise

    def on_kill(self) -> None:
        """Stop the job when the worker is told to end the task."""
        self._killed = True
        if self._watched is not None:
            self._halt(*self._watched, "is left: the task is killed")

    def _start(self, work: Work, job: Job) -> dict[str, Any]:
        """Submit the job, or adopt what has its name, once no other job of the task runs: two would write to
        one checkpoint prefix.
        """
        for other in work.running(work.listed(), besides=job):
            self._halt(work, other, f"must end before {job.name} begins")
            self.defer(trigger=work.trigger(other), method_name="again", timeout=STOPPED_WITHIN)
        rung = work.rung(job)
        if self.ladder:
            self.log.info("Rung %d, %s: %s", rung.index + 1, rung, rung.reason)
        insist(lambda: self.enter(work.inputs, rung))
        self._watched = work, job
        try:
            found = work.ensure(job, lambda: self._request(work, job))
        except Exception as error:
            if refusal := refused_capacity(job.name, error):
                return self._climb(work, job, refusal)
            raise
        self.log.info("%s %s: %s", self.kind.name, job.name, self.kind.progress(found))
        return self._watch(work, job, found)

    def _request(self, work: Work, job: Job) -> Request:
        """The job's Create request, with the tags that say whose it is, and on which rung and why."""
        if self._killed:
            raise JobStopped(job.name, "is not submitted: the task is killed")
        tags = TaskKey.of(work.context["ti"]).as_tags(Settings.load().environment)
        if self.ladder:
            tags |= work.rung(job).tags
        return self.kind.tagged(self.requests[job.rung](work.inputs), tags)

    def _watch(
        self, work: Work, job: Job, found: Description, given_up: bool = False
    ) -> dict[str, Any]:
        """Defer until the job is over; finish at once when it is. A task that was ended meanwhile stops it."""
        self._watched = work, job
        if self.kind.is_over(found):
            return self._finish(work, job, found, given_up)
        if (state := work.state) != "running":
            self._halt(work, job, f"is left: the task became {state}")
            raise JobStopped(job.name, f"the task became {state} while its job was submitted")
        request = self.requests[job.rung](work.inputs)
        limit = min(filter(None, (self.kind.limit(request), self.execution_timeout)))
        if found[self.kind.status_key] == "Deleting" or not self.kind.is_for(found, request):
            self.defer(trigger=work.trigger(job), method_name="again", timeout=limit)
        ladder = work.ladder.as_json() if self.ladder else None
        patience = None if given_up else work.rung(job).patience
        trigger = work.trigger(job, patience, {"ladder": ladder, "given_up": given_up})
        return self.defer(trigger=trigger, method_name="resume", timeout=limit)

    def _finish(
        self, work: Work, job: Job, found: Description, given_up: bool = False
    ) -> dict[str, Any]:
        """The result of a job that is over, or the next rung, or why there is neither."""
        rung = work.rung(job)
        changed = insist(lambda: self.leave(work.inputs, rung, job.name))
        error = self.kind.failure(found, self.requests[job.rung](work.inputs))
        if given_up and isinstance(error, JobStopped):
            error = CapacityUnavailable(job.name, "no capacity within the patience of its rung")
        if isinstance(error, CapacityUnavailable):
            return self._climb(work, job, error)
        if error is not None:
            raise error
        result = work.result(job, found, self.document(work.inputs))
        return {**result, "ladder": work.ladder.as_json() if self.ladder else None, **changed}

    def _climb(self, work: Work, job: Job, error: CapacityUnavailable) -> dict[str, Any]:
        """The next rung of the same generation. Raises `error` after the last one."""
        rung = work.next_rung(job)
        if rung is None:
            raise error
        self.log.warning("%s. Next: %s", error, rung)
        return self._start(work, work.job(job.generation, rung))

    def _halt(self, work: Work, job: Job, why: str) -> None:
        halted = work.halt(job)
        self.log.info("%s %s. %s", job.name, why, "Stopped" if halted else "Nothing to stop")

    def _work(self, context: Context, inputs: Inputs, ladder: Ladder | None) -> Work:
        """This attempt's work, on the ladder that was decided before, or else now."""
        jobs = TaskJobs.of(self.kind, self.base_name, context)
        return Work(self.kind, context, inputs, jobs, ladder or self._decide(context, inputs))

    def _decide(self, context: Context, inputs: Inputs) -> Ladder:
        """The ladder of a new generation, which is kept for its retries; as written when none is asked for."""
        if self.ladder is None:
            rungs = range(len(self.requests))
            return Ladder(tuple(Rung(rung, "", False, inputs.run.region) for rung in rungs))
        decide = self.ladder
        ladder = insist(lambda: decide(inputs))
        _memory(context).keep(ladder)
        return ladder

    def _inputs(self, context: Context) -> Inputs:
        return gather(context, self.upstream)


def _memory(context: Context) -> Memory:
    return Memory(context.get("task_state_store"))
