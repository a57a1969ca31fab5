#!/usr/bin/env python3
"""Writes oracle.json, the expected results of oracle.rs, computed with Python's integers.

Run this program in its folder, without arguments, after adding a case: python3 oracle.py
It takes a few minutes and always writes an equal file.

A case holds the request, with each operand as a list of [text, times] pieces, and facts about the
result: whether it exceeds a million digits, the digit count, the bits, the first and last 20 digits,
and the remainders of the absolute value by three primes.
"""

import decimal
import itertools
import json
import math
import random
import sys

LIMIT = 1_000_000
PRIMES = [2**61 - 1, 10**18 + 9, 998_244_353]


def fibonacci(n):
    number, following = 0, 1
    for bit in bin(n)[2:]:
        number, following = number * (2 * following - number), number**2 + following**2
        if bit == "1":
            number, following = following, number + following
    return number


OPERATIONS = {"pow": pow, "fibonacci": fibonacci, "factorial": math.factorial}


def fibonacci_cases():
    yield from ([n] for n in [*range(8), 50, *range(90, 98), *range(185, 190), 1000, 1023, 1024])
    yield from ([n] for n in [4181, 10_000, 65_535, 65_536, 99_999, 100_000, 123_457, 1_000_000])
    # The step from the schoolbook's product to a transform, and lengths of transforms.
    yield from ([n] for n in [*range(13_500, 16_500, 157), *range(99_000, 160_000, 7_919)])
    border = int((LIMIT + math.log10(5) / 2) / math.log10((1 + math.sqrt(5)) / 2))
    yield from ([n] for n in [border - 1, border, border + 1])


def factorial_cases():
    yield from ([n] for n in [*range(8), 12, 13, *range(20, 36), 64, 100, 255, 256, 257, 1000])
    yield from ([n] for n in [1023, 1024, 4999, 10_000, 65_537, 100_000])
    # The start of prime swing, at n and at n/2.
    yield from ([n] for n in [*range(198, 204), *range(399, 406), 801, 806, 1776, 3249, 47_176])
    border = next(n for n in itertools.count() if math.lgamma(n + 2) / math.log(10) > LIMIT)
    yield from ([n] for n in [border, border + 1])


def pow_cases():
    words = [2**32 - 1, 2**32, 2**64 - 1, 2**64, 2**64 + 1, 10**19, 10**40 + 1, 10**40 - 1, 6**50]
    for base in [0, 1, 2, 3, 7, 10, 12, 255, *words]:
        for exponent in [0, 1, 2, 3, 17, 64, 1001]:
            yield [base, exponent]
            if exponent in (2, 3):
                yield [-base, exponent]
    yield from ([base, exponent] for base in (-1, 0, 1) for exponent in (10**30, 10**30 + 1))
    chosen = random.Random(1202)
    for _ in range(40):
        base, exponent = 10 ** chosen.uniform(0.4, 80), 10 ** chosen.uniform(0, 2.5)
        yield [chosen.choice((-1, 1)) * int(base), int(exponent)]
    # Zeros at the base's end, powers of two, and the ends of a limb.
    for base in (5, 16, 20, 500, 625, 1000, 1024, 12_000, 10**15, 10**16 - 1, 10**16, 10**16 + 1):
        for exponent in (1, 2, 5, 16, 333, 4096):
            yield [base, exponent]
    yield from [[2**100, 10_000], [2**61 - 1, 5000], [2**53 + 1, 1000], [-(10**9), 99_999]]
    yield from [[3, 100_000], [3, 1_000_000], [-7, 99_999], [1_000_003, 54_321], [48, 123_456]]
    for base in (2, 3, 997, 10**21 - 1, 10**21 + 1):
        border = int(LIMIT / math.log10(base))
        yield from ([base, border + step] for step in (0, 1))
    yield from [[10, LIMIT - 1], [10, LIMIT]]
    yield from ([root, 47_777] for root in near_border_roots(47_777))
    yield from long_bases()


def near_border_roots(exponent):
    """The integers next to the root of 10^LIMIT. A double cannot tell their powers from 10^LIMIT."""
    root = int(decimal.Decimal(10) ** (decimal.Decimal(LIMIT) / exponent))
    assert root**exponent < 10**LIMIT < (root + 1) ** exponent
    return [root, root + 1]


def long_bases():
    """Bases too long to write out, as pieces."""
    yield [[["9", LIMIT]], 1]
    yield [[["9", LIMIT // 2]], 2]
    yield [[["1", 1], ["0", LIMIT // 2]], 2]
    yield [[["1", 1], ["0", LIMIT // 2 - 2], ["1", 1]], 2]
    yield [[["-31415926535897932384", 1], ["626433832795", 25_000]], 3]
    yield [[["1234567890", 12_345]], 8]
    yield [[["2", 1], ["0", LIMIT // 2 - 1]], 2]
    yield [[["5000", LIMIT // 8]], 2]
    yield [[["4999", LIMIT // 8]], 2]


def pieces(operand):
    return operand if isinstance(operand, list) else [[str(operand), 1]]


def number(operand):
    return int("".join(text * times for text, times in pieces(operand)))


def case(operation, names, operands):
    value = OPERATIONS[operation](*map(number, operands))
    magnitude = abs(value)
    digits = str(magnitude)
    return {
        "operation": operation,
        "operands": dict(zip(names, map(pieces, operands))),
        "too_large": len(digits) > LIMIT,
        "negative": value < 0,
        "digits": len(digits),
        "bits": magnitude.bit_length(),
        "first": digits[:20],
        "last": digits[-20:],
        "remainders": [magnitude % prime for prime in PRIMES],
    }


def main():
    sys.set_int_max_str_digits(0)
    decimal.getcontext().prec = 100
    cases = [
        *(case("fibonacci", ["n"], operands) for operands in fibonacci_cases()),
        *(case("factorial", ["n"], operands) for operands in factorial_cases()),
        *(case("pow", ["base", "exponent"], operands) for operands in pow_cases()),
    ]
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in cases)
    primes = json.dumps(PRIMES)
    with open("oracle.json", "w", encoding="ascii") as file:
        file.write(f'{{"primes":{primes},"cases":[\n{lines}\n]}}\n')


main()
