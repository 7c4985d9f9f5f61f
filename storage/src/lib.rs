//! Durable storage for Guestlist.
