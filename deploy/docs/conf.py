"""Sphinx's settings of the site: every page of the tree as it stands, in one order, with nothing from another host.

The source folder is the tree itself, so that a link between two pages is right here and in the repository alike.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import references  # noqa: E402 - beside this file

project = "affectd"
author = copyright = "the authors of affectd"
version = release = version_of("affectd")

extensions = ["myst_parser"]
myst_enable_extensions = ["html_image"]  # the report's pictures stand side by side
myst_heading_anchors = 4
root_doc = "README"
include_patterns = [
    "*.md",
    "docs/*.md",
    "deploy/*/README.md",
    "deploy/demo/crema_d/README.md",
    "models_tflite/*.md",
    f"{references.FOLDER}/*.md",
]
highlight_language = "none"

html_theme = "furo"
html_title = "affectd"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

CONTENTS = {
    "Use it": [
        "docs/quick-start",
        "docs/raspberry-pi",
        "docs/configuration",
        f"{references.FOLDER}/settings",
        "docs/home-assistant",
        "docs/desktop",
        "docs/troubleshooting",
        "docs/privacy",
    ],
    "Build on it": [
        "docs/contract",
        f"{references.FOLDER}/messages",
        "docs/api",
        f"{references.FOLDER}/http",
        "docs/train",
        "docs/lesson",
        "docs/add-a-fusion-rule",
        "docs/add-a-camera",
        "ARCHITECTURE",
        "CONTRIBUTING",
    ],
    "Run many": [
        "docs/updates",
        "docs/model-updates",
        "docs/server",
        "docs/scaling",
        "deploy/mosquitto/README",
        "deploy/ansible/README",
        "deploy/compose/README",
        "deploy/image/README",
    ],
    "How good it is": [
        "docs/measured",
        "docs/report",
        "models_tflite/MODEL_CARD",
        "deploy/demo/README",
        "deploy/demo/crema_d/README",
        "CHANGELOG",
    ],
}
"""The side bar: a heading and its pages."""
INDEX = f"""\
<!doctype html><html lang="en"><meta charset="utf-8"><title>{project}</title>
<meta http-equiv="refresh" content="0; url={root_doc}.html"><a href="{root_doc}.html">{project}</a></html>
"""


def setup(app: Sphinx) -> None:
    """Connect what is made at each build."""
    app.connect("builder-inited", lambda app: references.write(Path(app.srcdir)))
    app.connect("source-read", add_contents)
    app.connect("build-finished", add_index)


def add_contents(_app: Sphinx, name: str, source: list[str]) -> None:
    """The tables of contents, at the end of README.md, which stays free of them in the repository."""
    if name == root_doc:
        for caption, pages in CONTENTS.items():
            entries = "".join(f"/{page}\n" for page in pages)
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}```\n"


def add_index(app: Sphinx, error: Exception | None) -> None:
    """``index.html``, which leads to the first page."""
    if error is None:
        Path(app.outdir, "index.html").write_text(INDEX, encoding="utf-8")
