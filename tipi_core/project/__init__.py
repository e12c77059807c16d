"""The user's project: its root and settings, its pipelines, its own types."""

from tipi_core.project.importing import ProjectImports
from tipi_core.project.pipelines import check_name, find_pipeline, list_pipelines, packaged_pipelines
from tipi_core.project.settings import Project, find_root, is_root, open_project, runs_folder

__all__ = [
    "Project",
    "ProjectImports",
    "check_name",
    "find_pipeline",
    "find_root",
    "is_root",
    "list_pipelines",
    "open_project",
    "packaged_pipelines",
    "runs_folder",
]
