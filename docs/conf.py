"""The documentation's site, built by ``make docs``; nothing is fetched for it.

Sphinx, because it is what is kept: it checks every link within the site, reads the
docstrings itself, and needs no other program.
"""

import configparser
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]

_setup = configparser.ConfigParser()
_setup.read(ROOT / "setup.cfg")

project = "STTATTS for ESPnet2"
release = version = _setup["metadata"]["version"]
copyright = "the authors of STTATTS for ESPnet2; Apache-2.0"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.apidoc",
    "command_pages",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]

myst_heading_anchors = 3
# The notebooks are kept without their outputs; the build runs them.
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True

apidoc_modules = [
    {
        "path": "../espnet2_ext",
        "destination": "reference/modules",
        "separate_modules": True,
        "module_first": True,
        # The commands have pages of their own, made from their help.
        "exclude_patterns": ["../espnet2_ext/bin"],
    }
]
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "description"
# Of a dataclass the fields say all that its constructor could.
autodoc_typehints_description_target = "documented"
autoclass_content = "both"
# Of the extra 'page', which is large and says nothing here.
autodoc_mock_imports = ["gradio"]
# BadInputError is the package's and audio's, Table is three modules' own: a link that
# could be to either is none to worry about.
suppress_warnings = ["ref.python"]
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# "Attributes:" of a dataclass become a list; each is described a second time otherwise.
napoleon_custom_sections = [("Attributes", "params_style")]


def setup(app) -> None:
    """Leave docstrings of fields as they are.

    Napoleon takes what is before a colon in them for a type.
    """
    written: dict[str, list[str]] = {}

    def keep(_app, what, name, _obj, _options, lines) -> None:
        if what in ("attribute", "data", "property"):
            written[name] = lines.copy()

    def put_back(_app, _what, name, _obj, _options, lines) -> None:
        lines[:] = written.pop(name, lines)

    app.connect("autodoc-process-docstring", keep, priority=400)
    app.connect("autodoc-process-docstring", put_back, priority=600)
