"""The audit log: every side effect, who wanted it, why, who approved it, and what came of it."""
