"""Schema of a batch: many files, each with its answer or its problem."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from desktop_server.schema.analysis import AnalysisResponse, FrozenModel


class FileProblem(FrozenModel):
    """Why a file has no answer: the problem document that the file alone would have met."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class FileAnswer(FrozenModel):
    """What was made of one file."""

    file: str = Field(description="The name that it was sent with.")
    answer: AnalysisResponse | None
    problem: FileProblem | None = Field(description="Where there is no answer.")


class BatchResponse(FrozenModel):
    """To `/v1/batch`."""

    schema_: Literal["affectd.batch/1"] = Field(default="affectd.batch/1", alias="schema")
    files: list[FileAnswer] = Field(description="In the order in which they were sent.")
