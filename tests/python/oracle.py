"""Computes results with Python's integers, independently of Abacus.

Reads a JSON list of [operation, operands] from standard input. Writes the list of results in decimal
digits.
"""

import json
import sys

sys.set_int_max_str_digits(0)


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def factorial(n):
    product = 1
    for factor in range(2, n + 1):
        product *= factor
    return product


def answer(operation, operands):
    numbers = {name: int(value) for name, value in operands.items()}
    if operation == "pow":
        return numbers["base"] ** numbers["exponent"]
    return {"fibonacci": fibonacci, "factorial": factorial}[operation](numbers["n"])


json.dump([str(answer(*question)) for question in json.load(sys.stdin)], sys.stdout)
