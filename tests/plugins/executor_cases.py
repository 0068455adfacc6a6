"""Steps of code as agents write them, each with the value it comes to, in the manner of the tests
of smolagents' executor (BAD_INPUTS D2): what runs in `monty`, and what needs the whole of Python.
"""

CASES = {
    "assignment": ("x = 3\nx", "3"),
    "several targets": ("a = b = 2\na + b", "4"),
    "tuple assignment": ("a, b = 1, 2\na, b = b, a\n(a, b)", "(2, 1)"),
    "starred assignment": ("first, *rest = [1, 2, 3]\nrest", "[2, 3]"),
    "nested assignment": ("(a, [b, c]) = (1, [2, 3])\na + b + c", "6"),
    "augmented": ("x = 2\nx += 3\nx *= 4\nx -= 1\nx //= 2\nx **= 2\nx %= 7\nx", "4"),
    "augmented list": ("x = [1]\nx += [2]\nx", "[1, 2]"),
    "annotated": ("x: int = 3\nx", "3"),
    "walrus": ("[y for x in range(4) if (y := x * x) > 1]", "[4, 9]"),
    "arithmetic": ("(7 // 2, 7 % 3, 2 ** 10, -7 // 2, 7 / 2)", "(3, 1, 1024, -4, 3.5)"),
    "bits": ("(6 & 3, 6 | 3, 6 ^ 3, ~6, 1 << 4, 256 >> 2)", "(2, 7, 5, -7, 16, 64)"),
    "comparison chain": ("x = 5\n1 < x <= 5 != 6", "True"),
    "boolean": ("None or [] or 'last'", "'last'"),
    "membership": ("('a' in 'cat', 3 not in [1, 2])", "(True, True)"),
    "identity": ("x = None\nx is None", "True"),
    "conditional": ("'even' if 4 % 2 == 0 else 'odd'", "'even'"),
    "if elif else": (
        "x = 5\nif x > 9:\n    r = 1\nelif x > 4:\n    r = 2\nelse:\n    r = 3\nr",
        "2",
    ),
    "for": ("t = 0\nfor i in range(5):\n    t += i\nt", "10"),
    "for else": ("for i in []:\n    pass\nelse:\n    r = 'none'\nr", "'none'"),
    "break continue": (
        "r = []\nfor i in range(9):\n    if i % 2:\n        continue\n    if i > 5:\n"
        "        break\n    r.append(i)\nr",
        "[0, 2, 4]",
    ),
    "while": ("i = 0\nwhile i < 3:\n    i += 1\nelse:\n    i = 10\ni", "10"),
    "enumerate zip": (
        "[(i, a, b) for i, (a, b) in enumerate(zip('ab', [1, 2]))]",
        "[(0, 'a', 1), (1, 'b', 2)]",
    ),
    "list comprehension": (
        "[x * y for x in range(3) for y in range(3) if x != y]",
        "[0, 0, 0, 2, 0, 2]",
    ),
    "dict comprehension": ("{k: len(k) for k in ['a', 'bb']}", "{'a': 1, 'bb': 2}"),
    "set comprehension": ("sorted({x % 3 for x in range(9)})", "[0, 1, 2]"),
    "generator expression": ("sum(x * x for x in range(4))", "14"),
    "next of a generator": ("next(x for x in [1, 2, 3] if x > 1)", "2"),
    "any all": ("any(x > 2 for x in [1, 3]) and all(x for x in [1, 2])", "True"),
    "nested comprehension": ("[[c for c in r] for r in ['ab', 'c']]", "[['a', 'b'], ['c']]"),
    "function": ("def add(a, b=2):\n    return a + b\nadd(1)", "3"),
    "keyword arguments": (
        "def f(*args, k=1, **more):\n    return args, k, more\nf(1, 2, k=3, z=4)",
        "((1, 2), 3, {'z': 4})",
    ),
    "keyword only": ("def f(a, *, b):\n    return a - b\nf(5, b=3)", "2"),
    "positional only": ("def f(a, /, b):\n    return a - b\nf(5, b=3)", "2"),
    "unpacking in calls": ("def f(a, b, c):\n    return a + b + c\nf(*[1, 2], **{'c': 3})", "6"),
    "recursion": (
        "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(15)",
        "610",
    ),
    "closure": (
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n"
        "        return n\n    inner()\n    return inner()\nouter()",
        "2",
    ),
    "global": ("n = 1\ndef f():\n    global n\n    n = 5\nf()\nn", "5"),
    "lambda": ("sorted(['bb', 'a'], key=lambda s: len(s))", "['a', 'bb']"),
    "higher order": ("list(map(lambda x: x + 1, filter(None, [0, 1, 2])))", "[2, 3]"),
    "decorator": (
        "def twice(f):\n    def g(x):\n        return f(f(x))\n    return g\n@twice\n"
        "def inc(x):\n    return x + 1\ninc(1)",
        "3",
    ),
    "docstring": ("def f():\n    '''Says.'''\n    return 1\nf()", "1"),
    "typed function": (
        "def f(a: list[int] | None = None) -> int:\n    return len(a or [])\nf([1])",
        "1",
    ),
    "class": (
        "class P:\n    def __init__(self, x):\n        self.x = x\n    def double(self):\n"
        "        return self.x * 2\nP(4).double()",
        "8",
    ),
    "inheritance": (
        "class A:\n    def f(self):\n        return 'a'\nclass B(A):\n    def f(self):\n"
        "        return super().f() + 'b'\nB().f()",
        "'ab'",
    ),
    "class attribute": ("class A:\n    n = 1\nA.n += 1\nA.n", "2"),
    "dunder methods": (
        "class V:\n    def __init__(self, x):\n        self.x = x\n"
        "    def __add__(self, o):\n        return V(self.x + o.x)\n"
        "    def __eq__(self, o):\n        return self.x == o.x\n"
        "V(1) + V(2) == V(3)",
        "True",
    ),
    "property": ("class C:\n    @property\n    def n(self):\n        return 3\nC().n", "3"),
    "static method": (
        "class C:\n    @staticmethod\n    def f(x):\n        return x + 1\nC.f(1)",
        "2",
    ),
    "dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 2\n"
        "P(1).y",
        "2",
    ),
    "enum": ("from enum import Enum\nclass C(Enum):\n    RED = 1\nC.RED.name", "'RED'"),
    "try except": (
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    r = str(e)\nr",
        "'division by zero'",
    ),
    "try else finally": (
        "r = []\ntry:\n    r.append(1)\nexcept ValueError:\n    pass\nelse:\n"
        "    r.append(2)\nfinally:\n    r.append(3)\nr",
        "[1, 2, 3]",
    ),
    "several exceptions": (
        "try:\n    int('x')\nexcept (TypeError, ValueError):\n    r = 'caught'\nr",
        "'caught'",
    ),
    "raise from": (
        "try:\n    try:\n        {}['k']\n    except KeyError as e:\n"
        "        raise ValueError('bad') from e\nexcept ValueError as e:\n    r = str(e)\nr",
        "'bad'",
    ),
    "own exception": (
        "class Oops(Exception):\n    pass\ntry:\n    raise Oops('no')\nexcept Oops as e:\n"
        "    r = str(e)\nr",
        "'no'",
    ),
    "assert": (
        "try:\n    assert 1 == 2, 'differs'\nexcept AssertionError as e:\n    r = str(e)\nr",
        "'differs'",
    ),
    "with": (
        "class M:\n    def __enter__(self):\n        return 5\n    def __exit__(self, *a):\n"
        "        return False\nwith M() as m:\n    r = m\nr",
        "5",
    ),
    "match": (
        "def f(x):\n    match x:\n        case {'k': v}:\n            return v\n"
        "        case [a, *_]:\n            return a\n        case _:\n            return None\n"
        "(f({'k': 1}), f([2, 3]))",
        "(1, 2)",
    ),
    "del": ("x = {'a': 1, 'b': 2}\ndel x['a']\nx", "{'b': 2}"),
    "generator": (
        "def squares(n):\n    for i in range(n):\n        yield i * i\nlist(squares(4))",
        "[0, 1, 4, 9]",
    ),
    "yield from": ("def g():\n    yield from [1, 2]\nlist(g())", "[1, 2]"),
    "slices": (
        "x = list(range(10))\n(x[2:5], x[::-3], x[-2:])",
        "([2, 3, 4], [9, 6, 3, 0], [8, 9])",
    ),
    "slice assignment": ("x = [1, 2, 3]\nx[1:] = [9]\nx", "[1, 9]"),
    "string methods": ("' A-b '.strip().lower().replace('-', '_').split('_')", "['a', 'b']"),
    "format": ("f'{3.14159:.2f} {42:>5} {\"x\"!r}'", "\"3.14    42 'x'\""),
    "percent": ("'%s has %d' % ('a', 3)", "'a has 3'"),
    "format method": ("'{0}-{name}'.format(1, name='b')", "'1-b'"),
    "join": ("', '.join(str(x) for x in range(3))", "'0, 1, 2'"),
    "dict methods": (
        "d = {'a': 1}\nd.update(b=2)\n(d.get('z', 0), d.pop('a'), list(d.items()))",
        "(0, 1, [('b', 2)])",
    ),
    "dict merge": ("{**{'a': 1}, 'b': 2} | {'c': 3}", "{'a': 1, 'b': 2, 'c': 3}"),
    "set methods": ("sorted({1, 2} | {3} - {1})", "[1, 2, 3]"),
    "sorting": (
        "sorted([('b', 1), ('a', 1)], key=lambda t: (t[1], t[0]), reverse=True)",
        "[('b', 1), ('a', 1)]",
    ),
    "min max": ("(min([3, 1]), max('ab', 'c', key=len), sum([1, 2], 10))", "(1, 'ab', 13)"),
    "isinstance": ("(isinstance(1, (int, str)), type('a').__name__)", "(True, 'str')"),
    "conversions": (
        "(int('7'), float('1.5'), str(2), bool([]), list('ab'), tuple([1]))",
        "(7, 1.5, '2', False, ['a', 'b'], (1,))",
    ),
    "rounding": ("(round(2.567, 2), abs(-3), divmod(7, 2), pow(2, 5, 7))", "(2.57, 3, (3, 1), 4)"),
    "chr ord hex": ("(chr(97), ord('a'), hex(255), bin(5))", "('a', 97, '0xff', '0b101')"),
    "bytes": ("'é'.encode('utf-8').decode('utf-8')", "'é'"),
    "big numbers": ("2 ** 100", "1267650600228229401496703205376"),
    "complex": ("(1 + 2j) * 2", "(2+4j)"),
    "math": ("import math\n(math.sqrt(16), math.floor(2.7), math.comb(5, 2))", "(4.0, 2, 10)"),
    "json": ("import json\njson.loads(json.dumps({'a': [1, None]}))", "{'a': [1, None]}"),
    "re": ("import re\nre.findall(r'(\\d+)-(\\w)', '12-a 3-b')", "[('12', 'a'), ('3', 'b')]"),
    "re sub": ("import re\nre.sub(r'\\s+', ' ', 'a  b')", "'a b'"),
    "datetime": (
        "from datetime import date, timedelta\nstr(date(2024, 2, 28) + timedelta(days=2))",
        "'2024-03-01'",
    ),
    "strptime": (
        "from datetime import datetime\ndatetime.strptime('2024-05-01', '%Y-%m-%d').month",
        "5",
    ),
    "counter": ("from collections import Counter\nCounter('abca').most_common(1)", "[('a', 2)]"),
    "defaultdict": (
        "from collections import defaultdict\nd = defaultdict(list)\nd['a'].append(1)\ndict(d)",
        "{'a': [1]}",
    ),
    "itertools": ("import itertools\nlist(itertools.combinations('abc', 2))[0]", "('a', 'b')"),
    "functools": ("from functools import reduce\nreduce(lambda a, b: a * b, [1, 2, 3, 4])", "24"),
    "statistics": ("import statistics\nstatistics.median([3, 1, 2])", "2"),
    "random": ("import random\nrandom.seed(1)\n0 <= random.random() < 1", "True"),
    "decimal": ("from decimal import Decimal\nstr(Decimal('0.1') + Decimal('0.2'))", "'0.3'"),
    "fractions": ("from fractions import Fraction\nstr(Fraction(1, 3) + Fraction(1, 6))", "'1/2'"),
    "string module": ("import string\nstring.ascii_lowercase[:3]", "'abc'"),
    "time": ("import time\ntime.time() > 0", "True"),
    "hashlib": ("import hashlib\nhashlib.md5(b'a').hexdigest()[:4]", "'0cc1'"),
    "base64": ("import base64\nbase64.b64encode(b'hi').decode()", "'aGk='"),
    "csv": (
        "import csv, io\nlist(csv.reader(io.StringIO('a,b\\n1,2')))",
        "[['a', 'b'], ['1', '2']]",
    ),
    "textwrap": ("import textwrap\ntextwrap.shorten('a long text', 8)", "'a [...]'"),
    "heapq": ("import heapq\nheapq.nsmallest(2, [3, 1, 2])", "[1, 2]"),
    "bisect": ("import bisect\nbisect.bisect([1, 3, 5], 4)", "2"),
    "file": ("with open('a.txt', 'w') as f:\n    f.write('hi')\nopen('a.txt').read()", "'hi'"),
    "eval": ("eval('1 + 2')", "3"),
    "globals": ("x = 4\nglobals()['x']", "4"),
    "print keywords": ("print('a', 'b', sep='-', end='!')", ""),
    "ternary in fstring": ('n = 2\nf\'{n} item{"s" if n != 1 else ""}\'', "'2 items'"),
    "multiline": ("text = '''one\ntwo'''\nlen(text.splitlines())", "2"),
    "async": ("import asyncio\nasync def f():\n    return 3\nasyncio.run(f())", "3"),
}
