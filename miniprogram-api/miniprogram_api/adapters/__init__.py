"""What this service is bound to: SQL (one module a group of tables), and the cipher of camera addresses."""
