//! trace_files
