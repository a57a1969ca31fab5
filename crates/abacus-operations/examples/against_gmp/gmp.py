"""GMP's side of the measurement: one request and one answer per line.

A request is an operation, the milliseconds to spend, and operands. The answer is the least CPU time of
one computation with its decimal text, in nanoseconds, and the Adler-32 checksum of the text.
"""

import sys
import time
import zlib

import gmpy2

OPERATIONS = {
    "fibonacci": lambda n: gmpy2.fib(n),
    "factorial": lambda n: gmpy2.fac(n),
    "pow": lambda base, exponent: gmpy2.mpz(base) ** exponent,
}


def least_time(compute, operands, budget):
    """Least time of at least three batches, each long enough for the clock, within the budget."""
    repetitions, spent, least, batches = 1, 0, None, 0
    while spent < budget or batches < 3:
        began = time.thread_time_ns()
        for _ in range(repetitions):
            compute(*operands).digits()
        took = time.thread_time_ns() - began
        spent += took
        if took < 200_000:
            repetitions *= 2
            continue
        batches += 1
        least = min(least or took / repetitions, took / repetitions)
    return least


for line in sys.stdin:
    operation, milliseconds, *operands = line.split()
    compute, operands = OPERATIONS[operation], [int(operand) for operand in operands]
    checksum = zlib.adler32(compute(*operands).digits().encode())
    least = least_time(compute, operands, int(milliseconds) * 1_000_000)
    print(int(least), checksum, flush=True)
