"""The plan of a pipeline: resolve, bind and check everything, all problems in one report.

Validation, the dry run and the run make the same plan.
"""

from tipi_core.plan.making import Plan, make_plan, providers
from tipi_core.plan.parts import Part
from tipi_core.plan.resolving import Resolved, Resolver

__all__ = ["Part", "Plan", "Resolved", "Resolver", "make_plan", "providers"]
