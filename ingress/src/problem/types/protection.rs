//! What is too much at a time.

problem_types! {}
