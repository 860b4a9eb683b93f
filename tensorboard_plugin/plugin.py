"""The plugin as TensorBoard sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.plugins import base_plugin

from . import NAME
from .routes import App, apps
from .runs import Runs

STATIC = Path(__file__).parent / "static"


class ExplainPlugin(base_plugin.TBPlugin):
    """The Explain tab."""

    plugin_name = NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        flags = context.flags
        runs = Runs(
            context.data_provider,
            logdir=getattr(flags, "logdir", None) or context.logdir or "",
            spec=getattr(flags, "logdir_spec", None) or "",
        )
        self._apps = apps(runs, STATIC)

    def get_plugin_apps(self) -> dict[str, App]:
        """The routes, see `routes.py`."""
        return self._apps

    def is_active(self) -> bool:
        """Asked only where no run has announced records: the tab is then not shown."""
        return False

    def frontend_metadata(self) -> Any:
        """Where the front end is."""
        return base_plugin.FrontendMetadata(
            es_module_path="/static/index.js", tab_name="Explain", disable_reload=False
        )
