"""``python -m elfgate``."""

from elfgate.cli.main import main

raise SystemExit(main())
