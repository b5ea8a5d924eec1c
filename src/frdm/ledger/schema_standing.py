"""The ledger's third migration: versions of a repair are found at once, a held defect keeps its matte."""

THIRD = """
ALTER TABLE held ADD COLUMN mask BLOB;     -- the box's pixels, packed bits, zlib; NULL: recorded by an older frdm

CREATE INDEX repairs_by_first_version ON repairs (COALESCE(replaces, number));

UPDATE repairs SET replaces = (SELECT MIN(f.number) FROM repairs f WHERE f.held = repairs.held)
    WHERE held IS NOT NULL AND replaces IS NULL AND number > (SELECT MIN(f.number) FROM repairs f WHERE f.held = repairs.held);
UPDATE repairs SET held = (SELECT f.held FROM repairs f WHERE f.number = repairs.replaces) WHERE held IS NULL AND replaces IS NOT NULL;
"""
