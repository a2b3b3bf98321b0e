//! search_schema
