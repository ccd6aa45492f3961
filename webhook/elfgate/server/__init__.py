"""The webhook: HTTP, TLS, deadlines, readiness and metrics around a judge that is handed in."""
