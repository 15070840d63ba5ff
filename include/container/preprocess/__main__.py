"""``python3 -m container.preprocess``"""

from __future__ import annotations

import sys

from container.preprocess.job import main

sys.exit(main())
