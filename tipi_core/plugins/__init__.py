"""The plugins of a run: found by metadata, blocked, loaded one by one, asked through typed methods."""

from tipi_core.plugins.finding import FoundPlugin, find_plugins
from tipi_core.plugins.host import PluginHost
from tipi_core.plugins.loading import LoadedPlugin

__all__ = ["FoundPlugin", "LoadedPlugin", "PluginHost", "find_plugins"]
