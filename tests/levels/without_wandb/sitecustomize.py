"""Makes Python behave as where wandb is not installed; found through PYTHONPATH."""

import sys
from importlib.machinery import PathFinder


class WithoutWandb(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname.partition(".")[0] == "wandb":
            return None
        return super().find_spec(fullname, path, target)

    @classmethod
    def find_distributions(cls, *args, **kwargs):
        return (found for found in super().find_distributions(*args, **kwargs) if found.metadata["Name"] != "wandb")


sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutWandb
