//! Plugins and policies that mean harm, and what becomes of them.
