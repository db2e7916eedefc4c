"""docs/provider.md, and the programs in it."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "docs" / "provider.md").read_text()
ITERATOR, SCRIPT, INSIDE_G4F = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
