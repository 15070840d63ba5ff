"""What Describe, List, Stop, Delete and a restart do, the same for every kind of job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from local_aws.app import App
from local_aws.errors import AwsError, in_use, limit_exceeded, validation
from local_aws.execution.job import Job
from local_aws.execution.signals import Signal
from local_aws.execution.states import RESTARTED, States, now
from local_aws.sagemaker.listing import page
from local_aws.sagemaker.registry import Call, Params, operation, tags_of
from local_aws.store import Exists, Record

Run = Callable[[], None]


@dataclass(frozen=True)
class Family:
    """A kind of job and how one of it is run.

    `run` makes what a job's thread calls; `resume` does so for a job that the last process left
    running, or returns None when it cannot go on. `missing` is AWS's error for an unknown name;
    `deletable` says whether AWS has a Delete for the kind, `stops_others` whether one that was being
    stopped at a restart still has others to stop.
    """

    states: States
    run: Callable[[Job], Run]
    missing: Callable[[str], AwsError]
    resume: Callable[[Job], Run | None] = lambda job: None
    filters: dict[str, str] = field(default_factory=dict)
    ended: Callable[[App, Record], Params] = lambda app, record: {}
    deletable: bool = True
    stops_others: bool = False

    def register(self) -> None:
        """Implement the operations that need nothing more than this."""
        noun = self.states.noun
        operation(f"Describe{noun}")(self.find)
        operation(f"List{noun}s")(self.list)
        operation(f"Stop{noun}")(self.stop)
        if self.deletable:
            operation(f"Delete{noun}")(self.delete)

    def create(self, call: Call, params: Params, record: Record) -> str:
        """Store the record, start the job, return its ARN. Raises `ResourceInUse`."""
        states, name = self.states, params[self.states.name]
        tags = tags_of(params)
        arn = call.arn(f"{states.kind}/{name}")
        record |= {states.arn: arn, "_arn": arn, "CreationTime": now()}
        states.move(record, states.start)
        try:
            call.app.store.create(states.kind, call.region, name, record)
        except Exists as error:
            raise in_use(
                "Job name must be unique within an AWS account and region, and a job with this "
                f"name already exists ({arn})"
            ) from error
        call.app.store.tag(arn, tags)
        job = Job(call.app, states, call.region, name)
        job.publish(record)
        call.app.supervisor.start(job, self.run(job))
        return arn

    def find(self, call: Call, params: Params) -> Record:
        name = params[self.states.name]
        record = call.app.store.get(self.states.kind, call.region, name)
        if record is None:
            raise self.missing(name)
        return record

    def list(self, call: Call, params: Params) -> Params:
        states = self.states
        records = call.app.store.all(states.kind, call.region)
        found, more = page(
            records, params, name=states.name, status=states.status, equals=self.filters
        )
        return {f"{states.noun}Summaries": found, **more}

    def stop(self, call: Call, params: Params) -> Params:
        states, record = self.states, self.find(call, params)
        name = record[states.name]
        if states.done(record):
            raise validation(
                f"The request was rejected because the {states.kind.replace('-', ' ')} is in "
                f"status {record[states.status]}."
            )
        if record[states.status] != states.stopping:

            def change(latest: Record) -> None:
                if not states.done(latest):
                    states.move(latest, states.stopping)

            job = Job(call.app, states, call.region, name)
            job.publish(call.app.store.update(states.kind, call.region, name, change))
            call.app.supervisor.signal(states.kind, call.region, name, Signal.STOP)
        return {}

    def delete(self, call: Call, params: Params) -> Params:
        record = self.find(call, params)
        if not self.states.done(record):
            raise in_use(
                f"{record[self.states.arn]} is {record[self.states.status]}: only a job that ended "
                "can be deleted"
            )
        call.app.store.delete(self.states.kind, call.region, record[self.states.name])
        return {}

    def settle(self, app: App) -> None:
        """After a restart: go on with what can go on, end the rest as AWS ends what it loses."""
        states = self.states
        for region, name, record in app.store.every(states.kind):
            if states.done(record):
                continue
            job = Job(app, states, region, name)
            stopping = record[states.status] == states.stopping
            if (not stopping or self.stops_others) and (run := self.resume(job)):
                if stopping:
                    job.signal(Signal.STOP)
                app.supervisor.start(job, run)
            elif stopping:
                job.enter(states.stopped, **self.ended(app, record))
            else:
                job.enter(states.failed, FailureReason=RESTARTED, **self.ended(app, record))


def one_instance(instance_type: str, count: int, usage: str) -> None:
    """Refuse more instances than this machine has, as AWS refuses what a quota does not allow."""
    if count > 1:
        raise limit_exceeded(
            f"The account-level service limit '{instance_type} for {usage} usage' is 1 Instances, "
            f"with a request delta of {count} Instances: the local AWS runs a job on one instance"
        )
