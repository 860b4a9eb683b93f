"""What TensorBoard loads by the entry point.

An error in a module that an entry point names, in its flags or in the front end's metadata takes
all of TensorBoard down; one in `load` only costs this tab. So everything else is imported there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorboard.plugins import base_plugin

from . import NAME

if TYPE_CHECKING:
    from .plugin import ExplainPlugin


class KerasExplainLoader(base_plugin.TBLoader):
    """Makes the plugin."""

    def fix_flags(self, flags: Any) -> None:
        """Let TensorBoard keep one announcement a run: the tab reads the records itself."""
        samples = getattr(flags, "samples_per_plugin", None)
        if isinstance(samples, dict):
            samples.setdefault(NAME, 1)

    def load(self, context: base_plugin.TBContext) -> ExplainPlugin | None:
        """The plugin, or None where this TensorBoard reads no event files itself."""
        from .plugin import ExplainPlugin

        return None if context.data_provider is None else ExplainPlugin(context)
