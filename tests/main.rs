//! Tests of the whole, through the real binary.
