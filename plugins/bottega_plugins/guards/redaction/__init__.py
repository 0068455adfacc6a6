"""Redaction: personal data that the model does not get to see."""
