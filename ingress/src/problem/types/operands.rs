//! What is wrong with what is to be computed.

problem_types! {
    UNKNOWN_OPERATION: UNPROCESSABLE_ENTITY, "unknown-operation", "There is no such operation",
        "The request names an operation that this service does not have.",
        "Choose one of the member `operations`, or of `GET /v1/operations`.",
        Useless;
    MISSING_OPERAND: UNPROCESSABLE_ENTITY, "missing-operand", "An operand is missing",
        "The operation needs an operand that the request does not have.",
        "Add the operand that the member `operand` names.",
        Useless;
    UNEXPECTED_OPERAND: UNPROCESSABLE_ENTITY, "unexpected-operand",
        "An operand is not one of the operation's",
        "The request has an operand that the operation does not know.",
        "Remove or rename the operand in the member `operand`; the member `operands` lists those \
         that the operation takes.",
        Useless;
    REPEATED_OPERAND: UNPROCESSABLE_ENTITY, "repeated-operand", "An operand is repeated",
        "The same operand is given more than once, perhaps under a short name too.",
        "Give the operand in the member `operand` once.",
        Useless;
    MALFORMED_OPERAND: UNPROCESSABLE_ENTITY, "malformed-operand", "An operand is not an integer",
        "An operand is something other than an integer in decimal digits.",
        "Write the operand in the member `operand` as an optional minus and decimal digits, such \
         as `-12`: no exponent, no point, no spaces, no thousands separators.",
        Useless;
    OPERAND_OUT_OF_RANGE: UNPROCESSABLE_ENTITY, "operand-out-of-range",
        "An operand is out of range",
        "An operand is an integer that the operation does not accept, or has more digits than this \
         service reads.",
        "Change the operand in the member `operand`; `GET /v1/operations` lists what each operand \
         may be, and the limits.",
        Useless;
    RESULT_TOO_LARGE: UNPROCESSABLE_ENTITY, "result-too-large", "The result would be too large",
        "The result would have more digits than this service computes. Nothing was computed.",
        "Use smaller operands: the result may have as many digits as the member `limit` says.",
        Useless;
    REFUSED: UNPROCESSABLE_ENTITY, "refused", "The request is refused",
        "The operation refuses these operands.",
        "Change the request as `detail` says.",
        Useless;
}
