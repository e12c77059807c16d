"""The plan of a pipeline: resolve, bind and check everything, all problems in one report.

Validation, the dry run and the run make the same plan.
"""

from tipi_core.plan.listing import KnownType, known_types
from tipi_core.plan.making import Plan, make_plan
from tipi_core.plan.parts import Part
from tipi_core.plan.providing import Providers
from tipi_core.plan.resolving import Resolved, Resolver
from tipi_core.plan.schema import make_schema

__all__ = ["KnownType", "Part", "Plan", "Providers", "Resolved", "Resolver", "known_types", "make_plan", "make_schema"]
