"""What can be learned by reading Python source; nothing is executed."""

from tipi_core.sources.modules import ModuleSource, import_roots
from tipi_core.sources.tree import Definition, SourceTree, read_definition

__all__ = ["Definition", "ModuleSource", "SourceTree", "import_roots", "read_definition"]
