"""The tool that calculates; how is `bottega_tools.arithmetic`."""

from __future__ import annotations

from bottega.tools import tool
from bottega_tools.arithmetic import evaluate


@tool(effects="none", trust="derived", timeout=5.0)
async def calculator(expression: str) -> str:
    """Work out an arithmetic expression. Whole numbers, decimals and fractions are exact.

    Operators: + - * / // (whole part) % (remainder, or percent as in 15% of 80) ** or ^ (power),
    parentheses. Functions: sqrt cbrt abs round floor ceil min max sum mean exp ln log log2 log10
    sin cos tan asin acos atan (radians) degrees radians factorial gcd lcm mod. Constants: pi e tau.
    Units: 3 mi in km, 20 degC to degF, 60 km / 45 min in mph, 2 GB / (100 Mbit/s) in s.

    Args:
        expression: for example `(1250 * 1.19) / 12`, `round(2 ** 0.5, 4)` or `5 ft + 4 in in cm`.
    """
    return evaluate(expression)  # bounded work of milliseconds: not worth a thread
