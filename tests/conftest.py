"""What all tests share."""

import os

os.environ.setdefault("COLUMNS", "200")
