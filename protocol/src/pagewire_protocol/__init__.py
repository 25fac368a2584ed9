"""The Pagewire protocol: models of every message, codec, codes, versions, and delivery without IO.

`messages` has the models by type and direction; `codec` reads and writes them; `delivery` keeps the promise of SPEC
section 1 for either side. SPEC.md is normative.
"""
