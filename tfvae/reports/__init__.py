"""Pages made of what runs leave behind."""
