"""How a database of an earlier release gets the tables of this one (Alembic)."""

import pkgutil
from typing import Final

from redirect_rules.stores.migrations import versions

NEWEST: Final = max(module.name.partition("_")[0] for module in pkgutil.iter_modules(versions.__path__))
"""The number of the tables that this release knows: "v0002"."""
