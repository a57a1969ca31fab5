//! Refused operations and operands.

abacus_http::problem_types! {
    UNKNOWN_OPERATION: UNPROCESSABLE_ENTITY, "unknown-operation", "The operation does not exist",
        "The service has no operation with the name in the request.",
        "Choose an operation from the member `operations`, or from `GET /v1/operations`.",
        Useless;
    MISSING_OPERAND: UNPROCESSABLE_ENTITY, "missing-operand", "An operand is missing",
        "The request lacks an operand of the operation.",
        "Add the operand that the member `operand` names.",
        Useless;
    UNEXPECTED_OPERAND: UNPROCESSABLE_ENTITY, "unexpected-operand",
        "The operation does not take an operand",
        "The operation has no operand with the name in the request.",
        "Remove or rename the operand in the member `operand`; the member `operands` lists the operands \
         of the operation.",
        Useless;
    REPEATED_OPERAND: UNPROCESSABLE_ENTITY, "repeated-operand", "An operand is repeated",
        "The request gives an operand more than once, perhaps also under its short name.",
        "Give the operand in the member `operand` once.",
        Useless;
    MALFORMED_OPERAND: UNPROCESSABLE_ENTITY, "malformed-operand", "An operand is not an integer",
        "An operand is not an integer in decimal digits.",
        "Write the operand in the member `operand` as an optional minus and decimal digits, for example \
         `-12`: no exponent, no point, no spaces, no thousands separators.",
        Useless;
    OPERAND_OUT_OF_RANGE: UNPROCESSABLE_ENTITY, "operand-out-of-range",
        "An operand is out of range",
        "The operation does not accept this integer, or the integer has more digits than the service \
         reads.",
        "Change the operand in the member `operand`; `GET /v1/operations` lists the range of each \
         operand, and the limits.",
        Useless;
    RESULT_TOO_LARGE: UNPROCESSABLE_ENTITY, "result-too-large", "The result would be too large",
        "The result would have more digits than the service computes. Nothing was computed.",
        "Use smaller operands: the member `limit` tells the largest number of digits.",
        Useless;
    REFUSED: UNPROCESSABLE_ENTITY, "refused", "The request is refused",
        "The operation refuses these operands.",
        "Change the request as `detail` says.",
        Useless;
}
