"""The plugin as TensorBoard sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.plugins import base_plugin

from . import NAME
from .routes import App, apps
from .runs import Runs
from .summaries import HISTOGRAMS, PICTURES, Summaries
from .summary_replies import DEFAULT_KEPT

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
        samples = getattr(flags, "samples_per_plugin", None) or {}
        kept = samples.get(PICTURES, DEFAULT_KEPT)
        self._apps = apps(runs, Summaries(context.data_provider), kept, STATIC)

    def get_plugin_apps(self) -> dict[str, App]:
        """The routes, see `routes.py`."""
        return self._apps

    def data_plugin_names(self) -> tuple[str, ...]:
        """The tab is shown where a run has announced records, or has what it can show instead."""
        return (NAME, PICTURES, HISTOGRAMS)

    def is_active(self) -> bool:
        """Asked only where there is none of these: the tab is then not shown."""
        return False

    def frontend_metadata(self) -> Any:
        """Where the front end is."""
        return base_plugin.FrontendMetadata(
            es_module_path="/static/index.js", tab_name="Explain", disable_reload=False
        )
