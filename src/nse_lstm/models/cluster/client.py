"""Jobs fitted by the workers of a Dask cluster: the client's side.

A lost worker's jobs go to the others. The number of jobs at the scheduler is bounded.
Results equal the local run's to the byte on the same type of processor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError, ConfigurationError, StudyError
from nse_lstm.models.cluster.messages import JobMessage, JobMessages
from nse_lstm.models.cluster.shared_store import absolute_url, read_file, unpack_folder
from nse_lstm.models.jobs import Job, TrainedModel, Waiting
from nse_lstm.models.outcomes import describe_model, failed_model

if TYPE_CHECKING:
    from distributed import Client, Future


IN_FLIGHT = 1_000
"""Jobs at the scheduler at a time: enough for some hundred workers of one thread."""
CONNECT_SECONDS = 10.0
PATIENCE = 60.0
"""Seconds to wait for a first worker, or without any worker."""


@dataclass(frozen=True, eq=False)
class _Queue:
    """The jobs at the scheduler, and a queue of those that are done."""

    client: "Client"
    sent: "dict[Any, tuple[int, JobMessage, Future]]" = field(default_factory=dict)
    """By key. The futures are kept, since the scheduler drops a job without one."""
    done: "Queue[Future]" = field(default_factory=Queue)

    def submit(self, place: int, message: JobMessage) -> None:
        from nse_lstm.models.cluster.worker import fit_message

        # The first part makes them one group, which Dask spreads evenly.
        key = ("fit", message.job.ticker, message.job.year, message.bundle, place)
        future = self.client.submit(fit_message, message, key=key, pure=False)
        self.sent[key] = place, message, future
        future.add_done_callback(self.done.put)

    def next(self) -> "tuple[int, JobMessage, Future]":
        """Wait for the next job that is done, fitted or not."""
        while True:
            try:
                future = self.done.get(timeout=PATIENCE)
            except Empty:
                if not _workers(self.client):
                    raise _lost(
                        f"a worker at {_address(self.client)}",
                        f"none for {PATIENCE:.0f} s",
                    ) from None
                continue
            return self.sent.pop(future.key)


def fit_on_cluster(
    waiting: Waiting, study: Study
) -> Iterator[tuple[int, TrainedModel]]:
    """Fit jobs on the workers of ``study.training.train.scheduler``.

    Every worker must have one thread and the client's sources and packages. Workers may
    come and go meanwhile.

    Parameters
    ----------
    waiting : mapping
        Jobs and the folders of their bundles, by place.
    study : Study
        Its ``training`` names the scheduler and the shared store.

    Raises
    ------
    ConfigurationError
        If the extra ``scale`` is missing, there is no scheduler, or a worker differs
        from the client. No job is sent then.
    ArtefactError
        If the scheduler or all workers are lost. Finished models are kept.
    """
    with _connected(study.training.scheduler) as client:
        messages = JobMessages(
            study, absolute_url(study.training.store), _check_workers(client)
        )
        queue, left = _Queue(client), iter(waiting.items())
        for place, (job, _) in islice(left, IN_FLIGHT):
            queue.submit(place, messages.write(job))
        while queue.sent:
            place, message, future = queue.next()
            yield place, _result(future, message, *waiting[place])
            for other, (job, _) in islice(left, 1):
                queue.submit(other, messages.write(job))


@contextmanager
def _connected(address: str) -> "Iterator[Client]":
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            'Expected the extra `scale` for engine = "dask": pip install '
            f"'nse-lstm[scale]'. Received: {error}"
        ) from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(
            f"Expected a Dask scheduler at `training.scheduler`, {address!r}. "
            f"Received: {str(error) or type(error).__name__}"
        ) from None
    try:
        yield client
    finally:
        client.close()


def _check_workers(client: "Client") -> dict[str, Any]:
    """Refuse workers that would give other bytes.

    The facts that they must share are returned, for the workers that come later.
    """
    from nse_lstm.models.cluster.worker import differences, own_facts, worker_facts

    address, expected = _address(client), {**own_facts(), "threads": 1}
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        received = client.run(worker_facts)
    except TimeoutError:
        raise ConfigurationError(
            f"Expected workers at {address}. Received: none within {PATIENCE:.0f} s; "
            f"start some: dask worker {address} --nthreads 1 --nworkers 1"
        ) from None
    except Exception as error:  # Dask passes on every error of a worker.
        raise ConfigurationError(
            f"Expected this version of nse-lstm where the workers of {address} run. "
            f"Received: {error}"
        ) from None
    faults = {worker: differences(expected, own) for worker, own in received.items()}
    if told := [f"  {worker}: {fault}" for worker, fault in faults.items() if fault]:
        raise ConfigurationError(
            f"Expected workers with one thread and this client's installation at "
            f"{address}. Received:\n" + "\n".join(told)
        )
    return expected


def _result(
    future: "Future", message: JobMessage, job: Job, folder: Path
) -> TrainedModel:
    from distributed import KilledWorker

    try:
        failure = future.result()
        if failure:
            return failed_model(job, folder, failure)
        unpack_folder(read_file(message.store, message.bundle), folder)
        return describe_model(job, folder)
    except KilledWorker as error:
        why = f"{error.allowed_failures + 1} workers died fitting it"
        return failed_model(job, folder, f"{why}, perhaps for lack of memory")
    except StudyError:
        raise
    except Exception as error:
        raise _lost(
            f"{message.job.ticker} {message.job.year} to be fitted on the cluster",
            f"{type(error).__name__}: {error}",
        ) from None


def _lost(expected: str, received: str) -> ArtefactError:
    return ArtefactError(
        f"Expected {expected}. Received: {received}. Finished models are kept: run "
        "again to resume"
    )


def _workers(client: "Client") -> dict[str, Any]:
    return dict(client.scheduler_info()["workers"])


def _address(client: "Client") -> str:
    return str(client.scheduler.address)
