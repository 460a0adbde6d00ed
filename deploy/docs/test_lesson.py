# ruff: noqa: D103 - test names are sentences
"""The lesson's notebook runs from its first cell to its last solution, and comes without anybody's outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

LESSON = Path(__file__).resolve().parents[2] / "examples" / "lesson_fusion.ipynb"
CELL_S = 60
EXERCISES = 6


def test_the_lesson_runs_to_its_end() -> None:
    notebook = nbformat.read(LESSON, as_version=4)
    NotebookClient(notebook, timeout=CELL_S, resources={"metadata": {"path": LESSON.parent}}).execute()
    solved = [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", ())]
    assert len(solved) == EXERCISES
    assert all(cell.outputs for cell in solved)
    pictures = [out for cell in notebook.cells for out in cell.get("outputs", ()) if "image/png" in out.get("data", {})]
    assert len(pictures) == 3


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = nbformat.read(LESSON, as_version=4).cells
    assert [cell.id for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
