"""The webhook: AdmissionReviews in over TLS, verdicts out within their deadline."""
