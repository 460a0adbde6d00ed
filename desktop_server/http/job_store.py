"""Jobs: work that outlives its request. Kept in memory only, for minutes, each for the client that started it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from desktop_server.analysis.progress import ReadingProgress
from desktop_server.http.body import BodyBudget
from desktop_server.schema.problems import RequestError

JobState = Literal["waiting", "reading", "done", "failed"]
_ID_BYTES = 16
_RETRY_AFTER_S = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobLimits:
    """Jobs that there may be in all and of one client; bytes of all answers that are kept, and for how long.

    ``work_s`` and ``media_s``: how long one may be worked on, and how long a recording it may read.
    """

    count: int
    per_client: int
    answers_bytes: int
    kept_s: float
    work_s: float
    media_s: float


@dataclass(slots=True, eq=False)
class Job:
    """One job. It has an answer (JSON) or a problem once it has ended, at ``ended_s`` of the monotonic clock."""

    id: str
    client: str
    progress: ReadingProgress = field(default_factory=ReadingProgress)
    answer: bytes | None = None
    problem: RequestError | None = None
    ended_s: float | None = None
    task: asyncio.Task[None] | None = None

    @property
    def state(self) -> JobState:
        """Where it stands."""
        if self.answer is not None:
            return "done"
        if self.problem is not None:
            return "failed"
        return "waiting" if self.progress.started_s is None else "reading"


class JobStore:
    """All jobs. Used from the event loop only; what is unfinished when the application ends is cancelled."""

    def __init__(self, limits: JobLimits, bodies: BodyBudget) -> None:
        self.limits, self.bodies = limits, bodies
        self._jobs: dict[str, Job] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for job in list(self._jobs.values()):
            self.remove(job)

    async def run(self) -> None:
        """Nothing is to be done meanwhile: each job ends by itself."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._jobs)

    def admit(self, client: str) -> Job:
        """A place for a job, to be had before its body is read. Raises ``RequestError`` beyond the limits."""
        if not self.limits.count:
            raise RequestError("no-jobs", "`limits.jobs` is 0 here; ask /v1/face, /v1/speech or /v1/fused")
        own = sum(job.client == client for job in self._jobs.values())
        if own >= self.limits.per_client:
            raise RequestError(
                "too-many-jobs",
                f"{own} of yours wait, are worked on or hold an answer; delete those that you have read",
                retry_after_s=_RETRY_AFTER_S,
            )
        answers_bytes = sum(len(job.answer or b"") for job in self._jobs.values())
        if self.count >= self.limits.count or answers_bytes >= self.limits.answers_bytes:
            raise RequestError("busy", f"there are {self.count} jobs; try again later", retry_after_s=_RETRY_AFTER_S)
        job = Job(secrets.token_urlsafe(_ID_BYTES), client)
        self._jobs[job.id] = job
        return job

    def start(self, job: Job, work: Callable[[], Awaitable[bytes]], held: ExitStack) -> None:
        """Begin the work, whose answer is the job's. ``held`` is closed when it ends."""
        job.task = asyncio.create_task(self._work(job, work))
        job.task.add_done_callback(lambda _: held.close())  # also of one that is cancelled before it began

    def find(self, client: str, name: str) -> Job:
        """The client's job of that id. Raises ``RequestError`` where there is none, or another client's."""
        job = self._jobs.get(name)
        if job is None or job.client != client:
            raise RequestError(
                "unknown-job",
                f"no job {name[:40]!r} of yours is here: an answer is kept for {self.limits.kept_s:g} s, and none "
                "outlives the server; start it again",
            )
        return job

    def remove(self, job: Job) -> None:
        """Forget it; its work is cancelled."""
        self._jobs.pop(job.id, None)
        if job.task is not None:
            job.task.cancel()

    def expires_in_s(self, job: Job) -> float | None:
        """For how long its answer is still kept; ``None`` while it has none."""
        return None if job.ended_s is None else max(0.0, job.ended_s + self.limits.kept_s - time.monotonic())

    async def _work(self, job: Job, work: Callable[[], Awaitable[bytes]]) -> None:
        try:
            job.answer = await work()
        except RequestError as error:
            job.problem = error
        except Exception:
            _log.exception("a job failed")
            job.problem = RequestError("internal-error", "the server's log has more")
        job.ended_s = time.monotonic()
        asyncio.get_running_loop().call_later(self.limits.kept_s, self._jobs.pop, job.id, None)
